import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.js'
import { startSluice } from '../support/start-sluice.js'
import type { Sluice } from '../../src/sluice.js'
import { SpawnedSluice } from './spawned-sluice.js'
import { get, webOrigin } from './test-origin.js'

interface Tapped {
  readonly sluice: Sluice
  readonly admin: string
  readonly port: number
}

async function tapped(listener: Record<string, unknown> = {}): Promise<Tapped> {
  const origin = await webOrigin((asked, response) => {
    response.statusCode = asked.url === '/broken' ? 500 : 200
    response.end('hello')
  })
  const sluice = await startSluice({
    admin: { address: '127.0.0.1:0' },
    listeners: [{ name: 'web', address: '127.0.0.1:0', destination: `127.0.0.1:${origin}`, ...listener }],
  })
  return { sluice, admin: `127.0.0.1:${sluice.adminAddress!.port}`, port: sluice.address('web').port }
}

/** Asks until the tap, which has come up by then, has said something. */
async function askUntilSeen(tap: SpawnedSluice, port: number, path: string, pattern: RegExp): Promise<void> {
  const seen = tap.sees('stdout', pattern)
  let isSeen = false
  void seen.then(() => (isSeen = true))
  while (!isSeen) await get(port, path)
  await seen
}

describe('sluice tap', () => {
  test('shows requests in lines for people, until it is interrupted', async () => {
    const { admin, port } = await tapped()
    const tap = new SpawnedSluice(['tap', '--admin', admin])
    await askUntilSeen(tap, port, '/orders?id=1', /\n/)
    tap.process.kill('SIGINT')
    expect(await tap.ended).toBe(0)
    expect(tap.written.stdout.split('\n')[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}web {2}#\d+ {2}127\.0\.0\.1:\d+ > 127\.0\.0\.1:\d+ {2}http\/1 {2}GET 127\.0\.0\.1:\d+\/orders\?id=1 {2}200 {2}[\d.]+ ms {2}0 B up {2}5 B down$/,
    )
    expect(tap.written.stderr).toBe('')
  })

  test('shows of routed requests the rule, and why the proxy itself has answered', async () => {
    const rules = [{ name: 'down', match: { path: '/down' }, upstream: `127.0.0.1:${await freePort()}` }]
    const { admin, port } = await tapped({ filters: ['detect', { 'http-route': { rules } }, 'tcp-forward'] })
    const tap = new SpawnedSluice(['tap', '--admin', admin, '--max', '1'])
    await askUntilSeen(tap, port, '/down', /\n/)
    expect(await tap.ended).toBe(0)
    expect(tap.written.stdout).toMatch(
      / > 127\.0\.0\.1:\d+ {2}http\/1 {2}GET 127\.0\.0\.1:\d+\/down {2}route down {2}503 connect-failed {2}/,
    )
  })

  test('shows a request whose head was refused, of which it knows no method', async () => {
    const { admin, port } = await tapped({ filters: ['detect', 'http-route', 'tcp-forward'] })
    const tap = new SpawnedSluice(['tap', '--admin', admin, '--status', '4xx', '--max', '1'])
    const seen = tap.sees('stdout', /\n/)
    let isSeen = false
    void seen.then(() => (isSeen = true))
    while (!isSeen) {
      const socket = connect(port, '127.0.0.1').resume()
      socket.write('GET / HTTP/1.1\r\nX-A : b\r\n\r\n')
      await once(socket, 'close')
    }
    expect(await tap.ended).toBe(0)
    expect(tap.written.stdout).toMatch(/ {2}http\/1 {2}no head that can be taken {2}400 space-before-colon {2}/)
  })

  test('shows those that are asked for as JSON lines, and ends after so many', async () => {
    const { admin, port } = await tapped()
    const options = [
      '--listener',
      'web',
      '--status',
      '5xx',
      '--method',
      'GET',
      '--path',
      '/{one}',
      '--protocol',
      'http/1',
    ]
    const tap = new SpawnedSluice([
      'tap',
      '--admin',
      `http://${admin}`,
      '-o',
      'json',
      '--max',
      '1',
      '--sample',
      '100%',
      ...options,
    ])
    let isOver = false
    void tap.ended.then(() => (isOver = true))
    while (!isOver) {
      await get(port, '/fine')
      await get(port, '/broken')
    }
    expect(await tap.ended).toBe(0)
    expect(tap.json('stdout')).toEqual([
      expect.objectContaining({ target: '/broken', status: 500, classification: 'failure' }),
    ])
    expect(tap.written.stderr).toBe('')
  })

  test('ends with its reader', async () => {
    const { sluice, admin, port } = await tapped()
    const tap = new SpawnedSluice(['tap', '--admin', admin])
    await askUntilSeen(tap, port, '/', /\n/)
    tap.process.stdout!.destroy()
    let isOver = false
    void tap.ended.then(() => (isOver = true))
    while (!isOver) await get(port)
    expect(await tap.ended).toBe(0)
    expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
  })

  test('ends with the endpoint, and says so', async () => {
    const { sluice, admin, port } = await tapped()
    const tap = new SpawnedSluice(['tap', '--admin', admin])
    await askUntilSeen(tap, port, '/', /\n/)
    await sluice.stop()
    expect(await tap.ended).toBe(0)
    expect(tap.written.stderr).toBe('sluice: the admin endpoint has ended the tap\n')
  })

  test.each([
    [['--status', '5x'], '--status: expected one such as 404, or a class such as 5xx, got "5x"\n'],
    [['--listener', 'wbe'], '--listener: there is no "wbe" with http-metrics or http-route; there are web\n'],
    [['--sample', 'ten'], '--sample: expected a percentage above 0, up to 100%, such as 10%, got "ten"\n'],
  ])('takes %j for a usage error', async (options, message) => {
    const { admin } = await tapped()
    const tap = new SpawnedSluice(['tap', '--admin', admin, ...options])
    expect(await tap.ended).toBe(2)
    expect(tap.written).toEqual({ stdout: '', stderr: message })
  })

  test('says so where no listener has a filter that sees requests', async () => {
    const sluice = await startSluice({
      admin: { address: '127.0.0.1:0' },
      listeners: [{ name: 'web', address: '127.0.0.1:0', filters: ['echo'] }],
    })
    const tap = new SpawnedSluice(['tap', '--admin', `127.0.0.1:${sluice.adminAddress!.port}`])
    expect(await tap.ended).toBe(2)
    expect(tap.written.stderr).toBe('no listener has a filter that sees requests: http-metrics or http-route\n')
  })

  test('fails where nobody answers, or somebody else does', async () => {
    const server = createServer((_, response) => void response.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const other = new SpawnedSluice(['tap', '--admin', `127.0.0.1:${(server.address() as AddressInfo).port}`])
    expect(await other.ended).toBe(1)
    expect(other.written.stderr).toContain('this is no admin endpoint of Sluice')
    const nobody = new SpawnedSluice(['tap', '--admin', 'http://127.0.0.1:1'])
    expect(await nobody.ended).toBe(1)
    expect(nobody.written.stderr).toMatch(/^sluice: cannot ask http:\/\/127\.0\.0\.1:1\/tap: .*ECONNREFUSED/)
  })
})
