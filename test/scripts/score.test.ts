import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'

const SCORE = fileURLToPath(new URL('../../scripts/score.mjs', import.meta.url))

async function score(lines: readonly string[], ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-score-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'flows.jsonl')
  writeFileSync(file, lines.join('\n'))
  const child = spawn(process.execPath, [SCORE, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text))
  const [code] = (await once(child, 'close')) as [number]
  return { ...written, code }
}

function flow(id: string, label: string, d: 'c' | 's', text: string, rest: object = {}): string {
  return JSON.stringify({ id, label, segments: [{ d, b64: Buffer.from(text, 'latin1').toString('base64') }], ...rest })
}

describe('npm run score', () => {
  test('counts right names, families, wrong names and misses', async () => {
    const { stdout, code } = await score(
      [
        flow('a', 'http1', 'c', 'GET / HTTP/1.1\r\n'),
        flow('b', 'websocket', 'c', 'GET /chat HTTP/1.1\r\n'),
        flow('c', 'smtp', 's', '220 mail.example ESMTP\r\n'),
        flow('d', 'redis', 'c', 'GET / HTTP/1.1\r\n'),
        flow('e', 'unknown', 'c', '\0\x01\x02'),
        flow('f', 'tls', 'c', '\0\x01\x02', { strict: false }),
      ],
      '--misses',
      '5',
    )
    expect(code).toBe(0)
    const [, clientOnly, bothSides] = stdout
      .split('\n\n')
      .join('\n')
      .split(/^(?=what|both)/m)
    expect(clientOnly).toMatch(/right +40\.0 % {2}\(2 of 5\)/)
    expect(bothSides).toMatch(/right +60\.0 % {2}\(3 of 5\)/)
    expect(bothSides).toMatch(/http\/2 +80\.0 % {2}\(4 of 5\)/)
    expect(bothSides).toMatch(/named wrongly +1\n/)
    expect(bothSides).toContain('1  redis -> http/1\n')
    expect(bothSides).toContain('miss  d: redis, got http/1\n')
  })

  test('looks at ports only where it is asked to', async () => {
    const row = flow('a', 'mysql', 'c', '\0\x01\x02', { dport: 3306 })
    expect((await score([row])).stdout).toMatch(/right +0\.0 %/)
    expect((await score([row], '--port')).stdout).toMatch(/right +100\.0 %/)
  })

  test('says which line is none of a flow', async () => {
    const { stderr, code } = await score([flow('a', 'tls', 'c', 'x'), '{"id":"b"}'])
    expect(stderr).toContain(':2: a flow needs "label" and "segments"')
    expect(code).toBe(2)
  })

  test.each([
    ['null', ':1: a flow needs "label" and "segments"'],
    ['{"label":"tls","segments":[{"d":"c","b64":"!!!"}]}', ':1: "b64" is no base64 with its padding'],
    ['{"label":"tls","segments":[{"d":"client","b64":""}]}', ':1: a segment needs "d" (c or s) and "b64"'],
    ['', ': no flow to score'],
    [flow('a', 'tls', 'c', 'x', { strict: false }), ': no flow to score'],
  ])('scores nothing of what is no flow: %j', async (line, message) => {
    const { stdout, stderr, code } = await score([line])
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 })
    expect(stderr).toContain(message)
  })

  test('prints names and labels of strangers as text that steers no terminal', async () => {
    const { stdout } = await score([flow('\u001b[2J', '\u001b[31mred', 'c', 'GET / HTTP/1.1\r\n')], '--misses', '1')
    expect(stdout).toMatch(/^[\x20-\x7e\n]+$/)
    expect(stdout).toContain('?[31mred -> http/1')
  })
})
