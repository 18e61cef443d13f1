import { createCipheriv, createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startProgram } from '../support/run-program.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const GIGABYTE = 1_000_000_000
const MAX_GROWTH_BYTES = 64 * 1024 * 1024
/** At first a reader takes so little; then what it can. In full at that pace: `npm run bench:slow-reader`. */
const SLOW_BYTES = 5_000_000
const SLOW_BYTES_PER_SECOND = 1_000_000
const SAMPLE_MS = 100
const CHUNK_BYTES = 256 * 1024
/** Three processes share what cores there are; this is some ten times what a quiet machine of two needs. */
const LIMIT_MS = 240_000

/** AES-CTR of zeros: as good as random, and never the same chunk twice. */
function* keystream(key: string, hash: { update(chunk: Buffer): unknown }): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  for (let left = GIGABYTE; left > 0; left -= CHUNK_BYTES) {
    const chunk = cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)))
    hash.update(chunk)
    yield chunk
  }
}

async function send(key: string, to: Writable): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(Readable.from(keystream(key, hash)), to)
  return hash.digest('hex')
}

/** Gives checksum and count of what came. */
async function readSlowlyAtFirst(from: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of from as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes < SLOW_BYTES) await delay((chunk.length / SLOW_BYTES_PER_SECOND) * 1000)
  }
  return `${hash.digest('hex')} of ${bytes} bytes`
}

/** smaps_rollup is exact; VmRSS lags behind on newer kernels. */
function residentBytes(pid: number): number {
  return Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) * 1024
}

async function startProxy(origin: number): Promise<{ readonly port: number; readonly pid: number }> {
  if (!existsSync(COMMAND)) throw new Error('dist is not there: npm run build (npm test does it)')
  const folder = await temporaryFolder('bulk')
  onTestFinished(() => folder.remove())
  const config = join(folder.path, 'sluice.yaml')
  await writeFile(
    config,
    `accessLog: false
listeners:
  - name: in
    address: 127.0.0.1:0
    destination: 127.0.0.1:${origin}
    filters: [detect, http-metrics, http-route, tcp-forward]
`,
  )
  const program = startProgram(process.execPath, [COMMAND, 'run', '-c', config])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  const [, port] = await program.prints(/"addresses":\["127\.0\.0\.1:(\d+)"\]/)
  return { port: Number(port), pid: program.pid }
}

describe('a gigabyte up and one down at once, the one with a length, the other chunked, to readers that are slow at first', () => {
  const isLinux = process.platform === 'linux'
  test.skipIf(!isLinux)(
    `arrive unchanged, and the proxy's memory grows by less than 64 MiB${isLinux ? '' : ' (needs /proc)'}`,
    async () => {
      const arrived: Promise<string>[] = []
      const left: Promise<string>[] = []
      const server = createServer((incoming, response) => {
        if (incoming.url === '/warm') return void response.end('ok')
        if (incoming.method === 'GET') return void left.push(send('down', response))
        arrived.push(readSlowlyAtFirst(incoming).finally(() => response.end('ok')))
      }).listen(0, '127.0.0.1')
      server.requestTimeout = 0
      await once(server, 'listening')
      onTestFinished(() => {
        server.closeAllConnections()
        server.close()
      })
      const proxy = await startProxy((server.address() as AddressInfo).port)
      const ask = { port: proxy.port, host: '127.0.0.1', agent: false }
      for (let i = 0; i < 200; i++) {
        const [response] = (await once(request({ ...ask, path: '/warm' }).end(), 'response')) as [IncomingMessage]
        await once(response.resume(), 'end')
      }

      const base = residentBytes(proxy.pid)
      let peak = base
      const sampler = setInterval(() => (peak = Math.max(peak, residentBytes(proxy.pid))), SAMPLE_MS)
      onTestFinished(() => clearInterval(sampler))
      const upload = request({ ...ask, path: '/', method: 'POST', headers: { 'content-length': GIGABYTE } })
      const download = once(request({ ...ask, path: '/' }).end(), 'response') as Promise<[IncomingMessage]>
      const answered = once(upload, 'response') as Promise<[IncomingMessage]>
      const received = download.then(([response]) => readSlowlyAtFirst(response))
      const [sentUp, down] = await Promise.all([send('up', upload), received])
      await once((await answered)[0].resume(), 'end')

      expect(await Promise.all(arrived)).toEqual([`${sentUp} of ${GIGABYTE} bytes`])
      expect(await Promise.all(left)).toEqual([down.split(' ')[0]])
      expect(down).toMatch(` of ${GIGABYTE} bytes`)
      expect(peak - base).toBeLessThan(MAX_GROWTH_BYTES)
    },
    LIMIT_MS,
  )
})
