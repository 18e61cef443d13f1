import { readdirSync, readFileSync } from 'node:fs'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { defineExplain } from '../../src/cli/explain.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import { defineSniff } from '../../src/cli/sniff.js'
import type { StreamingIo } from '../../src/cli/streaming-io.js'
import type { DetectionResult, DetectOutcome } from '../../src/core/detection-result.js'
import { runChain } from '../../src/testing/run-chain.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { writeFile } from 'node:fs/promises'

/** Whether the fault is there: detection names what it has found after itself. */
const fault = vi.hoisted(() => ({ isPlanted: false }))

vi.mock(import('../../src/core/detection.js'), async (original) => {
  const real = await original()
  class FaultyDetection extends real.Detection {
    override get protocol(): string | undefined {
      return fault.isPlanted && super.protocol !== undefined ? 'planted' : super.protocol
    }
    override result(otherwise: Exclude<DetectOutcome, 'detected'>): DetectionResult {
      const result = super.result(otherwise)
      return fault.isPlanted && result.protocol !== undefined ? { ...result, protocol: 'planted' } : result
    }
  }
  return { ...real, Detection: FaultyDetection }
})

const REQUEST = 'GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n'
const WITHHELD = `
listeners:
  - name: choosing
    address: 127.0.0.1:0
    filters:
      - detect
      - tcp-forward: { routes: [{ match: { protocol: http/1 }, destination: "127.0.0.1:9" }] }
`

async function command(input: string, ...args: string[]): Promise<string> {
  let said = ''
  const io: StreamingIo = {
    stdout: { write: (text) => (said += text) },
    stderr: { write: (text) => expect.unreachable(text) },
    setExitCode: (code) => expect(code).toBe(0),
    // eslint-disable-next-line @typescript-eslint/require-await -- what a process's input is
    stdin: (async function* () {
      yield Buffer.from(input)
    })(),
    writeAnswer: (text) => Promise.resolve(void (said += text)),
  }
  const program = new Command().exitOverride()
  defineExplain(program.command('explain'), io, loadBuiltIns)
  defineSniff(program.command('sniff'), io, loadBuiltIns)
  await program.parseAsync(args, { from: 'user' })
  return said
}

/** Every way in which a conversation gets a name, each with the name that it gave. */
const ways: Readonly<Record<string, () => Promise<string | undefined>>> = {
  async sniff() {
    const segments = [{ from: 'client', data: Buffer.from(REQUEST).toString('base64') }]
    return (JSON.parse(await command(`${JSON.stringify({ id: 1, segments })}\n`, 'sniff')) as DetectionResult).protocol
  },
  async explain() {
    return (JSON.parse(await command('', 'explain', '--client-text', REQUEST, '-o', 'json')) as DetectionResult)
      .protocol
  },
  async 'explain, through a listener'() {
    const folder = await temporaryFolder('one-detection')
    onTestFinished(() => folder.remove())
    const file = `${folder.path}/sluice.yaml`
    await writeFile(file, WITHHELD)
    const said = await command('', 'explain', '--client-text', REQUEST, '-c', file, '-o', 'json')
    return (JSON.parse(said) as DetectionResult).protocol
  },
  async 'a chain in memory, beside the relay'() {
    return (await runChain({ filters: ['detect'], client: REQUEST })).summary.protocol
  },
  async 'a live connection, beside the relay'() {
    const server = await serve()
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}` })
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.send(REQUEST)
    const served = await server.accepted()
    await served.hears(REQUEST)
    for (const { socket } of [client, served]) socket.destroy()
    return (await closed).protocol
  },
  async 'a live connection, withheld'() {
    const server = await serve()
    const filters = [{ detect: { onUnknown: 'deny' } }, 'tcp-forward']
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, filters })
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.send(REQUEST)
    const served = await server.accepted()
    await served.hears(REQUEST)
    for (const { socket } of [client, served]) socket.destroy()
    return (await closed).protocol
  },
}

describe.each(Object.entries(ways))('detection by %s', (_way, name) => {
  test('goes through the one place that all go through: a fault planted there breaks it', async () => {
    onTestFinished(() => void (fault.isPlanted = false))
    expect(await name()).toBe('http/1')
    fault.isPlanted = true
    expect(await name()).toBe('planted')
  })
})

test('nobody else asks sniffers, but to check them, and to explain their votes', () => {
  const folder = new URL('../../src/', import.meta.url)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  // sniffer.client?.(window), sniffer[side]!(window)
  const asks = /sniffer(\.client|\.server|\[side\])[?!]?\.?\(/
  const asking = files.filter((file) => asks.test(readFileSync(new URL(file, folder), 'utf8')))
  expect(asking.sort()).toEqual([
    'core/detection.ts',
    'core/sniffer-choice.ts',
    'core/why-not.ts',
    'plugins/sniffer-conflicts.ts',
    'testing/ask-sniffer.ts',
  ])
})
