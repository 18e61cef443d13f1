import 'reflect-metadata'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { answering } from '../support/answering.js'
import { clientHello } from '../support/client-hello.js'
import { HeldTransport } from '../support/held-transport.js'
import { resetSocket } from '../support/reset-socket.js'
import { type Routed, serveHttp, startRouted } from '../support/routed.js'
import { type Peer, serve, type TestServer } from '../support/sockets.js'
import { turns } from '../support/start-sluice.js'
import { startUnansweringServer } from '../support/unanswering-server.js'
import { until } from '../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const UPLOAD_BYTES = 20_000_000
/** More than the kernel holds on both hops for a reader that does not read: 4 MiB are sent on each, some more have come. */
const HELD_BYTES = 16 * 1024 * 1024
/** As a client says it first. */
const HELLO = (await clientHello()).toString('latin1')

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`
}

describe('an answer before the end of a large upload that goes on', () => {
  test.each<[how: string, leave: (peer: Peer) => void]>([
    ['goes on reading', (peer) => void peer.socket.resume()],
    ['ends the connection, and reads no more', (peer) => void peer.socket.end()],
    ['closes the connection over what it has not read', (peer) => void peer.socket.destroy()],
    ['resets the connection', (peer) => resetSocket(peer.socket)],
  ])('is passed on, where the server %s', async (_how, leave) => {
    const server = await serve((peer) => {
      peer.socket.once('data', () => {
        peer.socket.pause()
        peer.socket.write('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno', () =>
          leave(peer),
        )
      })
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${UPLOAD_BYTES + 1}\r\n\r\n`)
    client.send(Buffer.alloc(UPLOAD_BYTES))
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    expect(routed.sluice.metric('response_total', { status_code: '413' })).toBe(1)
    expect(routed.sluice.metric('sluice_http_refused_total')).toBe(0)
    client.socket.destroy()
    await routed.expectNothingLeft()
  })
})

test('fifty readers that do not read hold up nobody else on their endpoint, and get all of it in the end', async () => {
  const readers = 50
  const body = Buffer.alloc(HELD_BYTES, 'all of it ')
  const { port } = await serveHttp((asked, response) => void response.end(asked.url === '/big' ? body : 'ok'))
  const routed = await startRouted('web', {
    upstreams: { web: { endpoints: [{ address: `127.0.0.1:${port}`, maxConnections: readers + 1 }] } },
  })
  const slow = await Promise.all(
    Array.from({ length: readers }, async () => {
      const asking = request({ port: routed.port, host: '127.0.0.1', path: '/big', agent: false }).end()
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      return response
    }),
  )
  const quick = await routed.client()
  for (let i = 1; i <= 20; i++) {
    quick.send(get('/small'))
    await until(() => quick.text.split('\r\n\r\nok').length === i + 1)
  }
  expect(routed.sluice.metric('response_total')).toBe(20)
  expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(readers)
  expect(routed.upstreams).toBeLessThanOrEqual(readers + 1)
  const wanted = sha256([body])
  for (const response of slow) expect(sha256((await response.toArray()) as Buffer[])).toBe(wanted)
  quick.socket.end()
  await routed.expectNothingLeft()
})

function sha256(chunks: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

describe('a request that its client abandons', () => {
  async function startFull(): Promise<{ server: TestServer; routed: Routed }> {
    const server = await serve()
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    return { server, routed }
  }

  /** Asks, one after the other. */
  async function asks(routed: Routed, ...paths: readonly string[]): Promise<Peer[]> {
    const clients: Peer[] = []
    for (const path of paths) {
      const client = await routed.client()
      client.send(get(path))
      clients.push(client)
      await until(() => routed.sluice.metric('request_total') === clients.length)
    }
    return clients
  }

  async function leave(client: Peer, routed: Routed): Promise<void> {
    const count = routed.sluice.connections().length
    resetSocket(client.socket)
    await until(() => routed.sluice.connections().length === count - 1)
  }

  test('while it waits in line is never sent, and the next in line is', async () => {
    const { server, routed } = await startFull()
    const [first, abandoned, next] = await asks(routed, '/first', '/abandoned', '/next')
    await leave(abandoned!, routed)
    expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(2)
    const peer = await server.accepted()
    await peer.hears('/first')
    peer.send(OK)
    await first!.hears('ok')
    await peer.hears('/next')
    peer.send(OK)
    await next!.hears('ok')
    expect(peer.text).toBe(get('/first') + get('/next'))
    expect(server.peers).toHaveLength(1)
    for (const client of [first!, next!]) client.socket.end()
    await routed.expectNothingLeft()
  })

  test('while it is answered makes room for the next in line, on a connection of its own', async () => {
    const { server, routed } = await startFull()
    const [abandoned, next] = await asks(routed, '/abandoned', '/next')
    await (await server.accepted()).hears('/abandoned')
    await leave(abandoned!, routed)
    expect(await server.peers[0]!.closed()).toBe('ECONNRESET')
    await (await server.accepted(1)).hears('/next')
    server.peers[1]!.send(OK)
    await next!.hears('ok')
    expect(server.peers[1]!.text).toBe(get('/next'))
    next!.socket.end()
    await routed.expectNothingLeft()
  })

  test('while all who wait leave, leaves nothing', async () => {
    const { server, routed } = await startFull()
    const clients = await asks(routed, '/1', '/2', '/3', '/4')
    await (await server.accepted()).hears('/1')
    for (const client of clients.reverse()) await leave(client, routed)
    expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(0)
    await until(() => routed.upstreams === 0)
    const [late] = [await routed.client()]
    late.send(get('/late'))
    await (await server.accepted(1)).hears('/late')
    server.peers[1]!.send(OK)
    await late.hears('ok')
    expect(server.peers.map(({ text }) => text)).toEqual([get('/1'), get('/late')])
    late.socket.end()
    await routed.expectNothingLeft()
  })

  test('while it is connected hands the connection to the next in line', async () => {
    const server = await serve(answering(OK))
    const transport = new HeldTransport()
    const routed = await startRouted('web', {
      transport,
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const [abandoned, next] = await asks(routed, '/abandoned', '/next')
    await until(() => transport.held === 1)
    await leave(abandoned!, routed)
    transport.letGo()
    await next!.hears('ok')
    expect(transport.connects).toBe(1)
    expect(server.peers.map(({ text }) => text)).toEqual([get('/next')])
    next!.socket.end()
    await routed.expectNothingLeft()
  })

  test('while a server does not answer to being connected leaves the wait to the next in line', async () => {
    const port = await startUnansweringServer()
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${port}`, maxConnections: 1 }] } },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const [abandoned, next] = await asks(routed, '/abandoned', '/next')
    await leave(abandoned!, routed)
    expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(1)
    routed.clock.advance(5_000)
    await next!.hears('sluice: connect-failed: ')
    next!.socket.end()
    await routed.expectNothingLeft()
  })

  test('while a server does not answer to being connected, with nobody behind it, ends when connecting does', async () => {
    const port = await startUnansweringServer()
    const routed = await startRouted(port, {
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const [abandoned] = await asks(routed, '/abandoned')
    await leave(abandoned!, routed)
    expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(0)
    routed.clock.advance(5_000)
    await turns()
    expect(routed.upstreams).toBe(0)
    await routed.expectNothingLeft()
  })
})

describe('what detect does not take for HTTP/1', () => {
  const RULES = { rules: [{ name: 'closed', match: { pathPrefix: '/admin' }, respond: { status: 403 } }] }
  const NO_HTTP: readonly (readonly [what: string, text: string])[] = [
    ['a method that is no token', 'G@T /admin HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a request of HTTP/0.9', 'GET /admin\r\n'],
    ['a version in small letters', 'GET /admin http/1.1\r\nHost: a\r\n\r\n'],
    [
      'a request line of more than 8 KiB, of no registered method',
      `Get /admin?${'x'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    ],
    ['five empty lines first', `${'\r\n'.repeat(5)}GET /admin HTTP/1.1\r\nHost: a\r\n\r\n`],
  ]
  const OTHERS: readonly (readonly [what: string, text: string])[] = [
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
    ['TLS', HELLO],
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
  ]

  async function start(detect: Record<string, unknown>): Promise<{ server: TestServer; routed: Routed }> {
    const server = await serve()
    const filters = [{ detect }, 'http-metrics', { 'http-route': RULES }, 'tcp-forward']
    return { server, routed: await startRouted(server.port, { listener: { filters } }) }
  }

  test('would be ruled if it did', async () => {
    const { routed } = await start({})
    const client = await routed.client()
    client.send(get('/admin'))
    await client.hears('403 Forbidden')
  })

  test.each([...NO_HTTP, ...OTHERS])('is carried past all rules by default: %s', async (_what, text) => {
    const { server, routed } = await start({})
    const client = await routed.client()
    client.send(text)
    const peer = await server.accepted()
    await peer.hearsBytes(text.length)
    expect(peer.text).toBe(text)
  })

  test('is carried past all rules by default: what comes too slowly', async () => {
    const { server, routed } = await start({})
    const client = await routed.client()
    client.send('GE')
    await until(() => routed.sluice.connections()[0]?.bytes.client === 2)
    routed.clock.advance(10_000)
    client.send('T /admin HTTP/1.1\r\n')
    await (await server.accepted()).hears('GET /admin HTTP/1.1\r\n')
  })

  test.each(NO_HTTP)('is reset with onUnknown: deny, and no server hears of it: %s', async (_what, text) => {
    const { server, routed } = await start({ onUnknown: 'deny', earlyDial: false })
    const client = await routed.client()
    client.send(text)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(routed.sluice.metric('sluice_deny_total', { filter: 'detect', reason: 'unknown' })).toBe(1)
    expect(server.peers).toHaveLength(0)
  })

  test.each(OTHERS)('but knows by another name is carried with onUnknown: deny: %s', async (_what, text) => {
    const { server, routed } = await start({ onUnknown: 'deny' })
    const client = await routed.client()
    client.send(text)
    await (await server.accepted()).hearsBytes(text.length)
  })

  const ONLY_HTTP_1 = { protocols: ['http/1'], onUnknown: 'deny', onTimeout: 'deny', earlyDial: false }

  test.each([...NO_HTTP, ...OTHERS])('is reset where HTTP/1 is all it looks for: %s', async (_what, text) => {
    const { server, routed } = await start(ONLY_HTTP_1)
    const client = await routed.client()
    client.send(text)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(routed.sluice.metric('sluice_deny_total', { filter: 'detect', reason: 'unknown' })).toBe(1)
    expect(server.peers).toHaveLength(0)
  })

  test.each([
    ['that comes too slowly', 'GE', 10_000, ONLY_HTTP_1],
    ['that comes too slowly', 'GE', 10_000, { onTimeout: 'deny', earlyDial: false }],
    ['that says nothing', '', 60_000, ONLY_HTTP_1],
  ])('is reset with onTimeout: deny: a client %s', async (_what, text, afterMs, detect) => {
    const { server, routed } = await start(detect)
    const client = await routed.client()
    client.send(text)
    await until(() => routed.sluice.connections()[0]?.bytes.client === text.length)
    await until(() => routed.clock.pending.includes(afterMs))
    routed.clock.advance(afterMs)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(routed.sluice.metric('sluice_deny_total', { filter: 'detect', reason: 'timeout' })).toBe(1)
    expect(server.peers).toHaveLength(0)
  })

  describe('on a listener without a destination, whose rules name upstreams', () => {
    async function startWithRoutes(): Promise<{ web: TestServer; tls: TestServer; routed: Routed }> {
      const [web, tls] = [await serve(answering(OK)), await serve()]
      const rules = [...RULES.rules, { name: 'all', upstream: `127.0.0.1:${web.port}` }]
      const routes = [{ match: { protocol: 'tls' }, destination: `127.0.0.1:${tls.port}` }]
      const filters = ['detect', 'http-metrics', { 'http-route': { rules } }, { 'tcp-forward': { routes } }]
      return { web, tls, routed: await startRouted('', { listener: { destination: undefined, filters } }) }
    }

    test('is carried where a route of tcp-forward matches, and HTTP/1 by its rules', async () => {
      const { tls, routed } = await startWithRoutes()
      const [client, other] = [await routed.client(), await routed.client()]
      client.send(HELLO)
      expect((await (await tls.accepted()).hearsBytes(HELLO.length)).toString('latin1')).toBe(HELLO)
      other.send(get('/admin'))
      await other.hears('403 Forbidden')
      other.send(get('/'))
      await other.hears('ok')
    })

    test.each([...NO_HTTP, ...OTHERS.filter(([what]) => what !== 'TLS')])('is denied else: %s', async (_what, text) => {
      const { web, tls, routed } = await startWithRoutes()
      const client = await routed.client()
      client.send(text)
      expect(await client.closed()).toBe('ECONNRESET')
      expect(routed.sluice.metric('sluice_deny_total', { filter: 'tcp-forward', reason: 'no-route' })).toBe(1)
      expect(web.peers.length + tls.peers.length).toBe(0)
    })
  })

  test.each([...NO_HTTP, ...OTHERS])('is read as HTTP/1 where the port says so: %s', async (_what, text) => {
    const server = await serve()
    const byPort = { 'port-override': { ports: { [server.port]: 'http/1' } } }
    const filters = [byPort, 'detect', 'http-metrics', { 'http-route': RULES }, 'tcp-forward']
    const routed = await startRouted(server.port, { listener: { filters } })
    const client = await routed.client()
    client.send(text)
    expect(await client.hears('\r\n\r\n')).toMatch(/^HTTP\/1.1 (?:400 Bad Request|403 Forbidden)\r\n/)
    expect(server.peers.map((peer) => peer.text).join('')).toBe('')
  })
})
