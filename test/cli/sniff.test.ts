import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { defineExplain } from '../../src/cli/explain.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import { defineSniff } from '../../src/cli/sniff.js'
import type { StreamingIo } from '../../src/cli/streaming-io.js'
import { TwoSidedDetection } from '../../src/core/two-sided-detection.js'
import { runChain } from '../../src/testing/run-chain.js'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const HTTP = { from: 'client', data: base64('GET / HTTP/1.1\r\n') }
const GREETING = '220 mail.example ESMTP\r\n'

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}

async function run(args: readonly string[], chunks: readonly (string | Uint8Array)[]) {
  const result = { answers: [] as unknown[], printed: '', stderr: '', code: undefined as number | undefined }
  const io: StreamingIo = {
    stdin: input(chunks),
    writeAnswer: (text) => Promise.resolve(void result.answers.push(JSON.parse(text))),
    stdout: { write: (text) => (result.printed += text) },
    stderr: { write: (text) => (result.stderr += text) },
    setExitCode: (code) => (result.code = code),
  }
  const program = new Command().exitOverride()
  defineSniff(program.command('sniff'), io, loadBuiltIns)
  defineExplain(program.command('explain'), io, loadBuiltIns)
  await program.parseAsync(args, { from: 'user' })
  return result
}

// eslint-disable-next-line @typescript-eslint/require-await -- as a stream gives them
async function* input(chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

describe('sluice sniff', () => {
  test('answers each line, in order, however the input is cut', async () => {
    const text = [
      JSON.stringify({ id: 'a', segments: [HTTP] }),
      JSON.stringify({ id: 2, port: 25, segments: [{ from: 'server', data: base64(GREETING) }] }),
      JSON.stringify({ id: 'ä', segments: [] }),
    ].join('\n')
    const expected = [
      {
        id: 'a',
        outcome: 'detected',
        protocol: 'http/1',
        decidedBy: 'client',
        bytes: { client: 16, server: 0 },
        facts: {},
      },
      {
        id: 2,
        outcome: 'detected',
        protocol: 'smtp',
        decidedBy: 'server',
        bytes: { client: 0, server: 24 },
        facts: {},
      },
      { id: 'ä', outcome: 'ended', bytes: { client: 0, server: 0 }, facts: {} },
    ]
    const whole = await run(['sniff'], [text])
    expect(whole).toMatchObject({ answers: expected, code: 0 })
    const byteByByte = [...Buffer.from(text)].map((byte) => Uint8Array.of(byte))
    expect((await run(['sniff'], byteByByte)).answers).toEqual(whole.answers)
  })

  test('answers a bad line with its number, goes on, and exits with 1', async () => {
    const good = JSON.stringify({ id: 1, segments: [HTTP] })
    const lines = ['{', '[]', '', '{"id":1}', '{"id":1,"segments":[{"from":"client","data":"a"}]}', good]
    const { answers, code } = await run(['sniff'], [`${lines.join('\n')}\n`])
    expect(code).toBe(1)
    expect(answers).toMatchObject([{ line: 1 }, { line: 2 }, { line: 4 }, { line: 5 }, { id: 1, protocol: 'http/1' }])
    expect(answers[3]).toEqual({
      line: 5,
      error: 'segments[0].data: expected base64 with its padding (RFC 4648 section 4)',
    })
  })

  test('passes over a byte order mark, and refuses what is no UTF-8 rather than give another id back', async () => {
    const good = JSON.stringify({ id: 'ä', segments: [] })
    const { answers } = await run(['sniff'], ['\ufeff', `${good}\n`, Buffer.from(good, 'latin1'), '\n', good])
    expect(answers).toMatchObject([
      { id: 'ä', outcome: 'ended' },
      { line: 2, error: expect.stringContaining('not JSON') as string },
      { id: 'ä', outcome: 'ended' },
    ])
  })

  test('holds no more than a bounded line', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20)
    const { answers } = await run(['sniff'], [...Array<Buffer>(9).fill(chunk), '\n', '{"id":1,"segments":[]}'])
    expect(answers).toMatchObject([{ line: 1, error: 'longer than 8388608 bytes' }, { id: 1 }])
  })

  test('lets the port name the protocol only where it is asked to', async () => {
    const line = JSON.stringify({ id: 1, port: 3306, segments: [HTTP] })
    expect((await run(['sniff'], [line])).answers).toMatchObject([{ protocol: 'http/1', decidedBy: 'client' }])
    expect((await run(['sniff', '--port-override'], [line])).answers).toMatchObject([
      { protocol: 'mysql', decidedBy: 'port', bytes: { client: 0, server: 0 } },
    ])
  })

  test('looks at 16 KiB of a side and no more', async () => {
    const line = JSON.stringify({ id: 1, segments: [{ from: 'client', data: base64('\0'.repeat(40_000)) }] })
    const [answer] = (await run(['sniff'], [line])).answers as { bytes: { client: number } }[]
    expect(answer!.bytes.client).toBeLessThanOrEqual(16_384)
  })
})

test('answers a line before the next one comes, as a process', async () => {
  const child = spawn(process.execPath, [MAIN, 'sniff'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (const id of [1, 2, 3]) {
    child.stdin.write(`${JSON.stringify({ id, segments: [HTTP] })}\n`)
    const answer = (await answers.next()) as IteratorResult<string, string>
    expect(JSON.parse(answer.value)).toMatchObject({ id, protocol: 'http/1' })
  }
  child.stdin.end('x\n')
  expect(await closed).toEqual([1, null])
})

test('a fault in the detection of both sides breaks sniff, explain and live connections alike', async () => {
  const names = async () => {
    const line = JSON.stringify({ id: 1, segments: [HTTP] })
    const [sniffed] = (await run(['sniff'], [line])).answers as { protocol?: string }[]
    const explained = JSON.parse(
      (await run(['explain', '--client-text', 'GET / HTTP/1.1\\r\\n', '-o', 'json'], [])).printed,
    ) as {
      protocol?: string
    }
    const live = await runChain({ filters: ['detect'], client: 'GET / HTTP/1.1\r\n' })
    return [sniffed!.protocol, explained.protocol, live.summary.protocol]
  }
  expect(await names()).toEqual(['http/1', 'http/1', 'http/1'])
  const planted = vi.spyOn(TwoSidedDetection.prototype, 'show').mockImplementation(() => {})
  expect(await names()).toEqual([undefined, undefined, undefined])
  planted.mockRestore()
})
