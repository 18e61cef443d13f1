import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { SpawnedSluice } from './spawned-sluice.js'
import { connected, get, webOrigin, whenClosed } from './test-origin.js'

const LISTEN = '127.0.0.1:0'

describe('sluice proxy', () => {
  test('carries a connection and writes one JSON line of it on standard output', async () => {
    const origin = await webOrigin()
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`])
    expect(await get(await sluice.port(LISTEN))).toBe('hello')
    await sluice.sees('stdout', /\n/)
    sluice.process.kill('SIGTERM')
    expect(await sluice.ended).toBe(0)
    expect(sluice.json('stdout')).toEqual([
      expect.objectContaining({
        level: 'info',
        msg: 'closed',
        listener: LISTEN,
        connection: 1,
        destination: `127.0.0.1:${origin}`,
        outcome: 'detected',
        protocol: 'http/1',
        decidedBy: 'client',
        closedBy: 'server',
        reason: 'end',
      }),
    ])
    const messages = sluice.json('stderr').filter(({ level }) => level === 'info')
    expect(messages.map(({ msg }) => msg)).toEqual(['listening', 'ready', 'draining', 'stopped'])
    expect(messages.at(-1)).toMatchObject({ connections: 1, denied: 0, cut: 0 })
  })

  test('says it in lines for people where asked to, banner on standard error, connections on standard output', async () => {
    const origin = await webOrigin()
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`, '--log-format', 'pretty'])
    const [, port] = await sluice.sees(
      'stderr',
      /^ {2}127\.0\.0\.1:0 {2}127\.0\.0\.1:(\d+) {2}127\.0\.0\.1:\d+ {2}default chain( {2}at most \d+ connections, a third of the descriptors)?\nready in /m,
    )
    await get(Number(port))
    await sluice.sees('stdout', /closed by/)
    sluice.process.kill('SIGINT')
    expect(await sluice.ended).toBe(0)
    const [decided, closed] = sluice.written.stdout.split('\n')
    expect(decided).toMatch(
      new RegExp(
        `^[\\d:.]{12} {2}127\\.0\\.0\\.1:0 {2}#1 {2}127\\.0\\.0\\.1:\\d+ +http/1 {2}client.* > 127\\.0\\.0\\.1:${origin}`,
      ),
    )
    expect(closed).toMatch(/^[\d:.]{12} {2}127\.0\.0\.1:0 {2}#1 {2}closed by server, .* B up, .* B down/)
    expect(sluice.written.stderr).toContain('stopped: 1 connection, 0 denied, 0 cut.\n')
  })

  test('drains on the first signal: the open connection goes on, and its end is the end', async () => {
    const origin = await webOrigin((request, response) => void response.end(request.url))
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`])
    const port = await sluice.port(LISTEN)
    const client = await connected(port)
    client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(client, 'data')
    sluice.process.kill('SIGTERM')
    await sluice.sees('stderr', /"connections":1,"delayMs":0,"graceMs":25000,"msg":"draining"/)
    client.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(String((await once(client, 'data'))[0])).toContain('/second')
    client.end()
    expect(await sluice.ended).toBe(0)
    expect(sluice.json('stderr').at(-1)).toMatchObject({ msg: 'stopped', connections: 1, cut: 0 })
  })

  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('cuts what is open on a second %s and exits with %d', async ([signal, code]) => {
    const origin = await webOrigin()
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`])
    const client = await connected(await sluice.port(LISTEN))
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(client, 'data')
    const closed = whenClosed(client)
    sluice.process.kill(signal)
    await sluice.sees('stderr', /"msg":"draining"/)
    sluice.process.kill(signal)
    expect(await sluice.ended).toBe(code)
    await closed
    expect(sluice.json('stderr').at(-1)).toMatchObject({ msg: 'stopped', connections: 1, cut: 1 })
    expect(sluice.json('stdout').at(-1)).toMatchObject({ closedBy: 'proxy', reason: 'stopped' })
  })

  test('ends by itself when nobody reads its standard output any more', async () => {
    const origin = await webOrigin()
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`])
    const port = await sluice.port(LISTEN)
    sluice.process.stdout!.destroy()
    await get(port)
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stderr).not.toMatch(/EPIPE|error/)
  })

  test('says in one line that its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`
    const sluice = new SpawnedSluice(['proxy', address, '127.0.0.1:1'])
    expect(await sluice.ended).toBe(1)
    expect(sluice.written.stdout).toBe('')
    expect(sluice.written.stderr).toBe(
      `sluice: listener ${address}: ${address} is in use by another program; stop it or choose another port\n`,
    )
  })

  test('prints the configuration that would do the same', async () => {
    const sluice = new SpawnedSluice(['proxy', '127.0.0.1:3307', 'db.internal:4406', '--print-config'])
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stdout).toBe('listeners:\n  - address: 127.0.0.1:3307\n    destination: db.internal:4406\n')
    const withAdmin = new SpawnedSluice(['proxy', ':3307', '[::1]:4406', '--print-config', '--admin', '[::]:4191'])
    expect(await withAdmin.ended).toBe(0)
    expect(parse(withAdmin.written.stdout)).toEqual({
      admin: { address: '[::]:4191' },
      listeners: [{ address: ':3307', destination: '[::1]:4406' }],
    })
  })

  test.for([
    [['127.0.0.1', '127.0.0.1:1'], 'error: LISTEN: expected an address to listen on'],
    [[LISTEN, 'nowhere'], 'error: DESTINATION: '],
    [[LISTEN, '127.0.0.1:1', '--admin', '127.0.0.1:99999'], 'error: --admin: port must be'],
    [[LISTEN, '127.0.0.1:1', '--log-format', 'xml'], "error: option '--log-format <format>' argument 'xml' is invalid"],
    [[LISTEN], "error: missing required argument 'destination'"],
  ] as const)('refuses %j as a usage error', async ([args, message]) => {
    const sluice = new SpawnedSluice(['proxy', ...args])
    expect(await sluice.ended).toBe(2)
    expect(sluice.written.stdout).toBe('')
    expect(sluice.written.stderr).toContain(message)
  })

  test('answers at the admin address, with metrics of the process', async () => {
    const origin = await webOrigin()
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${origin}`, '--admin', '127.0.0.1:0'])
    const [, admin] = await sluice.sees('stderr', /"address":"127\.0\.0\.1:(\d+)","msg":"admin listening"/)
    const metrics = await get(Number(admin), '/metrics')
    expect(metrics).toMatch(/^process_cpu_seconds_total [\d.]+$/m)
    expect(metrics).toMatch(/^process_resident_memory_bytes [\d.e+]+$/m)
    expect(metrics).toMatch(/^process_open_fds \d+$/m)
  })
})
