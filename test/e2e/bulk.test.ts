import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { oneWayOut } from '../support/one-way-out.js'
import { type RunningProgram, startProgram } from '../support/run-program.js'

const PEER = fileURLToPath(new URL('../support/bulk-peer.mjs', import.meta.url))
const GIGABYTE = 1_000_000_000
/** Three processes share what cores there are; this is some ten times what a quiet machine of two needs. */
const LIMIT_MS = 240_000

interface Transfer {
  readonly sent: string
  readonly received: string
  readonly receivedBytes: number
}

function startPeer(...args: readonly string[]): RunningProgram {
  const program = startProgram(process.execPath, [PEER, ...args])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  return program
}

async function printedJson<T>(program: RunningProgram, pattern: RegExp): Promise<T> {
  const [json] = await program.prints(pattern, LIMIT_MS)
  return JSON.parse(json) as T
}

const PORT = /^\{"port".*\}$/m
const TRANSFER = /^\{"sent".*\}$/m

describe('a gigabyte each way at once', () => {
  test(
    'arrives unchanged, also after the client has ended its half',
    async () => {
      const server = startPeer('serve', String(GIGABYTE), 'server')
      const { port: serverPort } = await printedJson<{ port: number }>(server, PORT)
      const { port, nextClose, sluice, expectNothingLeft } = await oneWayOut(serverPort)

      const closed = nextClose()
      const client = startPeer('connect', String(GIGABYTE), 'client', String(port))
      const [atServer, atClient] = await Promise.all([
        printedJson<Transfer>(server, TRANSFER),
        printedJson<Transfer>(client, TRANSFER),
      ])

      expect(atServer).toMatchObject({ received: atClient.sent, receivedBytes: GIGABYTE })
      expect(atClient).toMatchObject({ received: atServer.sent, receivedBytes: GIGABYTE })
      expect(await closed).toMatchObject({
        reason: 'end',
        closedBy: 'client',
        bytes: { client: GIGABYTE, server: GIGABYTE },
      })
      expect(sluice.metric('tcp_read_bytes_total', { peer: 'src' })).toBe(GIGABYTE)
      expect(sluice.metric('tcp_write_bytes_total', { peer: 'src' })).toBe(GIGABYTE)
      expect(sluice.metric('tcp_read_bytes_total', { peer: 'dst' })).toBe(GIGABYTE)
      expect(sluice.metric('tcp_write_bytes_total', { peer: 'dst' })).toBe(GIGABYTE)
      expectNothingLeft()
    },
    LIMIT_MS,
  )
})
