import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { denySentence } from '../../src/cli/deny-sentences.js'
import { defineExplain } from '../../src/cli/explain.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import type { StreamingIo } from '../../src/cli/streaming-io.js'
import { defineFilter } from '../../src/core/filter.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import type { Plugin } from '../../src/plugins/plugin.js'
import type { Sluice } from '../../src/sluice.js'
import { startSluice } from '../support/start-sluice.js'

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function run(...args: string[]) {
  const result = { stdout: '', stderr: '', code: undefined as number | undefined }
  const io: StreamingIo = {
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    setExitCode: (code) => (result.code = code),
    stdin: nothing(),
    writeAnswer: (text) => Promise.resolve(void (result.stdout += text)),
  }
  const program = new Command().exitOverride()
  defineExplain(program.command('explain'), io, loadBuiltIns)
  await program.parseAsync(['explain', ...args], { from: 'user' })
  return result
}

async function started(
  filters: unknown[],
  traceBytes = 256,
  plugins: readonly Plugin[] = [],
): Promise<{ sluice: Sluice; admin: string }> {
  const sluice = await startSluice({
    plugins,
    admin: { address: '127.0.0.1:0' },
    traceBytes,
    listeners: [{ name: 'in', address: '127.0.0.1:0', filters }],
  } as never)
  return { sluice, admin: `http://127.0.0.1:${sluice.adminAddress!.port}` }
}

/** Somebody who answers everything so, and is no Sluice. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function say(sluice: Sluice, bytes: string): Promise<void> {
  const closed = sluice.nextClose('in')
  const socket = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.write(Buffer.from(bytes, 'latin1'))
  await closed
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-explain-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('sluice explain, of a running Sluice', () => {
  test('says which filter denied, why, and after which bytes', async () => {
    const { sluice, admin } = await started([{ detect: { onUnknown: 'deny' } }, 'echo'])
    await say(sluice, '\0\0\0\0\0')
    const { stdout, code } = await run('--denied', '--admin', admin)
    expect(code).toBe(0)
    expect(stdout).toContain('denied by detect: unknown\n  no sniffer knows these bytes, and onUnknown is "deny"\n')
    expect(stdout).toContain('after 5 bytes of the client and 0 bytes of the server\n')
    expect(stdout).toMatch(/ms\s+client\s+5 bytes, withheld: \d+ no after 1 to \d+ {3}\(--votes lists them\)\n/)
    const withVotes = await run('1', '--votes', '--admin', admin)
    expect(withVotes.stdout).toMatch(/^ {2}tls +no +byte 0 \(0x00 is no handshake record \(22\)\)$/m)
  })

  test('finds the newest connection of a listener, and gives it as JSON', async () => {
    const { sluice, admin } = await started(['detect', 'echo'])
    for (let i = 0; i < 2; i++) {
      const socket = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
      onTestFinished(() => void socket.destroy())
      socket.write('GET / HTTP/1.1\r\n\r\n')
      await once(socket, 'data')
    }
    const { stdout } = await run('--last', '--listener', 'in', '-o', 'json', '--admin', admin)
    expect(JSON.parse(stdout)).toMatchObject({ connection: 2, state: 'open', protocol: 'http/1' })
  })

  test('keeps no bytes where traceBytes is 0, and says so', async () => {
    const { sluice, admin } = await started([{ detect: { onUnknown: 'deny' } }, 'echo'], 0)
    await say(sluice, '\0\0\0\0\0')
    expect((await run('1', '--votes', '--admin', admin)).stdout).toContain(
      'no votes: nothing was looked at, or traceBytes is 0',
    )
  })

  test('exits with 1 where there is no such connection', async () => {
    const { admin } = await started(['echo'])
    expect(await run('7', '--admin', admin)).toEqual({
      stdout: '',
      stderr: 'connection 7 is not open, and not among the last closed ones\n',
      code: 1,
    })
    expect(await run('--denied', '--admin', admin)).toMatchObject({
      stderr: 'no denied connection is known\n',
      code: 1,
    })
  })

  test('says what to do where nobody answers', async () => {
    await expect(run('1', '--admin', 'http://127.0.0.1:1')).rejects.toThrow('--admin names another address')
  })

  test.each([
    ['[]'],
    ['null'],
    ['{"connections":{}}'],
    ['{"connections":[{"connection":"\\u001b[31m"}]}'],
    ['{"connection":1}'],
    ['hello'],
  ])('takes nobody else for the admin endpoint: %s', async (body) => {
    const admin = await answering(200, body)
    for (const args of [['1'], ['--last'], ['--denied']])
      await expect(run(...args, '--admin', admin)).rejects.toMatchObject({
        code: 'SLUICE_CONNECT_FAILED',
        message: expect.stringContaining('this is no admin endpoint of Sluice') as string,
      })
  })

  test('lets nothing that is answered steer the terminal', async () => {
    const admin = await answering(500, '\u001b[31mbroken')
    await expect(run('1', '--admin', admin)).rejects.toThrow('500: ?[31mbroken')
  })

  test.each([
    ['ftp://127.0.0.1:1', 'expected a URL such as'],
    ['file:///etc/passwd', 'expected a URL such as'],
    ['http://[::1', 'expected a URL such as'],
    ['', 'expected a URL such as'],
    ['http://me:secret@127.0.0.1:1', 'a URL without name and password: the admin endpoint asks for none'],
  ])('takes no other address than a URL of HTTP: %s', async (admin, message) => {
    const refused = run('1', '--admin', admin)
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.not.toThrow('secret')
  })

  test('shows bytes, facts, notes and reasons of strangers as text that steers no terminal', async () => {
    const evil = '\u001b]0;title\u0007\u001b[2J'
    const sniffer = {
      protocol: 'evil',
      maxBytes: 8,
      samples: { client: ['\u00f1evil'] },
      client: (window: Uint8Array) => (window[0] === 0xf1 ? { facts: { version: evil } } : ('no-match' as const)),
      whyNot: () => evil,
    }
    const filter = defineFilter({
      name: 'evil-filter',
      options: z.strictObject({}),
      create: () => ({
        onConnection(connection) {
          connection.trace.note(evil)
          return { deny: evil as never }
        },
      }),
    })
    const plugin: Plugin = { name: 'evil', apiVersion: 1, sniffers: [sniffer], filters: [filter] }
    const { sluice, admin } = await started([{ detect: { onUnknown: 'deny' } }, 'evil-filter', 'echo'], 256, [plugin])
    await say(sluice, '\u00f1\u001b[31m')
    await say(sluice, '\u0002\u001b[31m')
    for (const args of [['1'], ['2'], ['--denied']]) {
      const { stdout } = await run(...args, '--votes', '--admin', admin)
      expect(stdout).toMatch(/^[\x20-\x7e\n]+$/)
    }
  })
})

describe('sluice explain, of recorded bytes', () => {
  test('names them, and lists who voted what after which byte', async () => {
    const { stdout, code } = await run('--client-hex', '160301020001', '--votes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^detect {4}detected tls by client, 6 \+ 0 bytes, then the recording ended$/m)
    expect(stdout).toMatch(/^ {2}tls +sure +after 6 bytes; its facts need more {3}> named tls, without facts$/m)
    expect(stdout).toMatch(/^ {2}http\/1 +no +byte 0 \(0x16 is no token character\)$/m)
  })

  test('reads text with escapes, and files', async () => {
    const file = join(folder(), 'greeting.bin')
    writeFileSync(file, '220 mail.example ESMTP\r\n')
    for (const input of [
      ['--server-text', '220 mail.example ESMTP\\r\\n'],
      ['--server-file', file],
    ]) {
      const { stdout } = await run(...input, '-o', 'json')
      expect(JSON.parse(stdout)).toMatchObject({ outcome: 'detected', protocol: 'smtp', decidedBy: 'server' })
    }
  })

  test('detects as a listener of a configuration does', async () => {
    const file = join(folder(), 'sluice.yaml')
    writeFileSync(file, 'listeners: [{ name: a, address: ":0", filters: [{ detect: { protocols: [ssh] } }, echo] }]\n')
    const { stdout } = await run('--client-hex', '160301020001', '-c', file, '--listener', 'a', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'unknown' })
    await expect(run('--client-hex', '16', '-c', file, '--listener', 'b')).rejects.toThrow('There are a.')
  })

  test.for([
    [[], 'say one of'],
    [['1', '--last'], 'say one of'],
    [['x'], 'expected the number'],
    [['--client-hex', '1'], 'pairs of hex digits'],
    [['--client-hex', '16', '--client-text', 'x'], 'say what the client said once'],
    [['--client-file', '/nothing/there'], 'cannot read /nothing/there'],
  ] as const)('refuses %j', async ([args, message]) => {
    await expect(run(...args)).rejects.toThrow(message)
  })
})

test('every deny reason of the built-ins and of the listener has a sentence of its own', () => {
  const declared = builtIns.filters!.flatMap(({ name, denyReasons = [] }) =>
    denyReasons.map((reason) => [name, reason]),
  )
  const own = ['max-connections', 'loop', 'no-original-destination'].map((reason) => ['listener', reason])
  for (const [filter, reason] of [...declared, ...own]) {
    expect(denySentence({ filter: filter!, reason: reason! }), `${filter} ${reason}`).not.toContain('gives this reason')
  }
})
