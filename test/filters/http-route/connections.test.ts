import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { answering } from '../../support/answering.js'
import { HeldTransport } from '../../support/held-transport.js'
import { NodeTransport } from '../../../src/core/node-transport.js'
import type { ConnectOptions, OnConnected } from '../../../src/core/transport.js'
import type { Wire } from '../../../src/core/wire.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { resetSocket } from '../../support/reset-socket.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { type Peer, serve, type TestServer } from '../../support/sockets.js'
import { turns } from '../../support/start-sluice.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`
}

/** A clock on which time passes without any timer that fires for it: as between two looks at the time. */
class RestedClock extends FakeClock {
  #passedMs = 0

  override now(): number {
    return super.now() + this.#passedMs
  }

  pass(ms: number): void {
    this.#passedMs += ms
  }
}

/** Sockets, and in which order those to servers were opened and closed. */
class ListeningTransport extends NodeTransport {
  readonly heard: string[] = []

  override connect(options: ConnectOptions, onConnected: OnConnected): Wire {
    this.heard.push('connect')
    const wire = super.connect(options, onConnected)
    const close = wire.close.bind(wire)
    wire.close = () => {
      this.heard.push('close')
      close()
    }
    return wire
  }
}

/** Early dials that came to an end, as `outcome`. */
function earlyDials(routed: Routed, outcome: string): number {
  return routed.sluice.metric('sluice_early_dial_total', { outcome })
}

describe('an early dial that is under way when the request comes', () => {
  test('is the connection for it, and no second one is opened', async () => {
    const server = await serve(answering(OK))
    const transport = new HeldTransport()
    const routed = await startRouted(server.port, { transport })
    const client = await routed.client()
    await until(() => transport.held === 1)
    client.send(get('/'))
    await until(() => routed.sluice.metric('request_total') === 1)
    transport.letGo()
    await client.hears('ok')
    expect(transport.connects).toBe(1)
    expect(server.peers).toHaveLength(1)
    expect(earlyDials(routed, 'used')).toBe(1)
    client.socket.end()
    await client.ended()
    await routed.expectNothingLeft()
  })

  test('serves somebody else where its client leaves', async () => {
    const server = await serve(answering(OK))
    const transport = new HeldTransport()
    const routed = await startRouted(server.port, { transport })
    const client = await routed.client()
    await until(() => transport.held === 1)
    client.send(get('/'))
    await until(() => routed.sluice.metric('request_total') === 1)
    resetSocket(client.socket)
    await until(() => routed.sluice.connections().length === 0)
    const other = await routed.client()
    other.send(get('/other'))
    await until(() => routed.sluice.metric('request_total') === 2)
    transport.letGo()
    await other.hears('ok')
    expect(server.peers.filter(({ text }) => text !== '').map(({ text }) => text)).toEqual([get('/other')])
    other.socket.end()
    await other.ended()
    await routed.expectNothingLeft()
  })

  test("that fails is the request's failure, told as that of any other", async () => {
    const server = await serve()
    const transport = new HeldTransport()
    await new Promise((resolve) => server.server.close(resolve))
    const routed = await startRouted(server.port, { transport })
    const client = await routed.client()
    await until(() => transport.held === 1)
    client.send(get('/'))
    await until(() => routed.sluice.metric('request_total') === 1)
    transport.letGo()
    expect(await client.hears('connect-failed')).toContain(`127.0.0.1:${server.port} could not be connected`)
    expect(earlyDials(routed, 'failed')).toBe(1)
    client.socket.end()
    await routed.expectNothingLeft()
  })
})

describe('clients that say nothing', () => {
  test('lend the connections that were dialled for them to requests that wait', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 2 }] } },
    })
    const silent = [await routed.client(), await routed.client()]
    await until(() => routed.upstreams === 2)
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('ok')
    expect(server.peers).toHaveLength(2)
    for (const [index, late] of silent.entries()) {
      late.send(get(`/late${index}`))
      await late.hears('ok')
    }
    expect(server.peers).toHaveLength(2)
    for (const { socket } of [client, ...silent]) socket.end()
    await routed.expectNothingLeft()
  })

  test('lend a dial that is under way, too', async () => {
    const server = await serve(answering(OK))
    const transport = new HeldTransport()
    const routed = await startRouted('web', {
      transport,
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
    })
    const silent = await routed.client()
    await until(() => transport.held === 1)
    const client = await routed.client()
    client.send(get('/'))
    await until(() => routed.sluice.metric('request_total') === 1)
    transport.letGo()
    await client.hears('ok')
    expect(transport.connects).toBe(1)
    silent.send(get('/late'))
    await silent.hears('ok')
    silent.socket.end()
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('whose wires are their own have them closed for requests that wait', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
      listener: { filters: ['detect', 'http-route', { 'tcp-forward': { proxyProtocol: 'v1' } }] },
    })
    const silent = await routed.client()
    await (await server.accepted()).hears('PROXY TCP4 127.0.0.1 ')
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('ok')
    expect(server.peers).toHaveLength(2)
    expect(server.peers[1]!.text).toMatch(/^PROXY TCP4 [^]*\r\nGET \/ HTTP/)
    // Its own connection serves nobody now: it makes room, too.
    silent.send(get('/late'))
    await silent.hears('ok')
    expect(server.peers[2]!.text).toMatch(/^PROXY TCP4 [^]*\r\nGET \/late HTTP/)
    silent.socket.end()
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('to whom their server has spoken keep the place until the wire is closed, and not longer', async () => {
    let accepted = 0
    const server = await serve((peer) => {
      // As the beginning of a greeting: `220`.
      if (accepted++ === 0) peer.send('2')
      else answering(OK)(peer)
    })
    const transport = new ListeningTransport()
    const routed = await startRouted('web', {
      transport,
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
    })
    const silent = await routed.client()
    await until(() => routed.sluice.metric('tcp_read_bytes_total', { peer: 'dst' }) === 1)
    const client = await routed.client()
    client.send(get('/'))
    await until(() => routed.sluice.metric('request_total') === 1)
    expect(transport.heard).toEqual(['connect'])
    silent.send(get('/late'))
    await client.hears('ok')
    await silent.hears('ok')
    // In this order: the server sees no more of them than it may.
    expect(transport.heard.slice(0, 3)).toEqual(['connect', 'close', 'connect'])
    silent.socket.end()
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('are carried all the same when they speak another protocol after all', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
    })
    const silent = await routed.client()
    await until(() => routed.upstreams === 1)
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('ok')
    server.peers[0]!.socket.end()
    await until(() => routed.upstreams === 0)
    silent.send('SSH-2.0-late\r\n')
    await (await server.accepted(1)).hears('SSH-2.0-late')
  })
})

describe('connections that were dialled early', () => {
  /** One after the other: each is connected before it asks. */
  async function silentAtFirst(routed: Routed, server: TestServer, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const before = server.peers.length
      const client = await routed.client()
      await server.accepted(before)
      client.send(get(`/${i}`))
      await client.hears('ok')
      client.socket.end()
      await client.ended()
    }
  }

  test('are kept as many as requests have needed at once, the last ones', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    await silentAtFirst(routed, server, 5)
    await Promise.all(server.peers.slice(0, 4).map((peer) => peer.ended()))
    await until(() => routed.upstreams === 1)
    expect(server.peers[4]!.hasEnded).toBe(false)
    const client = await routed.client()
    client.send(get('/last'))
    await client.hears('ok')
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('are kept for as many as came together, until none have for a while', async () => {
    const server = await serve((peer) => peer.socket.on('data', () => peer.text.includes('/at-once') || peer.send(OK)))
    const routed = await startRouted(server.port)
    const clients = [await routed.client(), await routed.client(), await routed.client()]
    for (const client of clients) client.send(get('/at-once'))
    await until(() => server.peers.filter(({ text }) => text !== '').length === 3)
    const together = server.peers.filter(({ text }) => text !== '')
    for (const peer of together) peer.send(OK)
    for (const client of clients) await client.hears('ok')
    await until(() => routed.upstreams === 3)
    await silentAtFirst(routed, server, 3)
    await until(() => routed.upstreams === 3)
    // Two times the 60 s that an idle one is kept: so long ago that there were three.
    for (let i = 0; i < 13; i++) {
      routed.clock.advance(10_000)
      clients[0]!.send(get(`/${i}`))
      await until(() => clients[0]!.text.split('ok').length === i + 3)
    }
    await silentAtFirst(routed, server, 2)
    await until(() => routed.upstreams === 1)
    for (const { socket } of clients) socket.end()
    await routed.expectNothingLeft()
  })
})

describe('bytes of servers', () => {
  test('are counted when somebody looks, also while a response or a tunnel is under way', async () => {
    const server = await serve()
    const routed = await startRouted(server.port)
    const bytes = (): readonly number[] => [
      routed.sluice.metric('tcp_write_bytes_total', { peer: 'dst' }),
      routed.sluice.metric('tcp_read_bytes_total', { peer: 'dst' }),
    ]
    const client = await routed.client()
    client.send(get('/'))
    const peer = await server.accepted()
    await peer.hears('\r\n\r\n')
    expect(bytes()).toEqual([get('/').length, 0])
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha'
    peer.send(half)
    await client.hears('ha')
    expect(bytes()).toEqual([get('/').length, half.length])
    peer.send('lf')
    await client.hears('half')
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
    const agreed = 'HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
    client.send(upgrade)
    await peer.hears('Upgrade')
    peer.send(agreed)
    await client.hears('101 Yes')
    client.send('hello')
    await peer.hears('hello')
    const written = get('/').length + upgrade.length + 5
    expect(bytes()).toEqual([written, half.length + 2 + agreed.length])
    resetSocket(client.socket)
    await peer.closed()
    await routed.expectNothingLeft()
    expect(bytes()).toEqual([written, half.length + 2 + agreed.length])
  })
})

describe('a request that cannot be repeated', () => {
  const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\nx`

  /** A server that ends the connection on which it has answered once when the next request comes. */
  function answersOnce(peer: Peer): void {
    peer.socket.on('data', () => (peer.text.split(' HTTP/1.1').length > 2 ? peer.socket.end() : peer.send(OK)))
  }

  async function afterIdle(idleMs: number, request: string, maxConnections?: number) {
    const server = await serve(answersOnce)
    const address = `127.0.0.1:${server.port}`
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address, ...(maxConnections && { maxConnections }) }] } },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    routed.clock.advance(idleMs)
    client.send(request)
    await until(() => /ok$|\n$/.test(client.text.slice(OK.length)))
    return { server, routed, answer: client.text.slice(OK.length) }
  }

  test('is sent on a new connection where those there are have been idle for a while', async () => {
    const { server, routed, answer } = await afterIdle(1_500, post('/2'))
    expect(answer).toBe(OK)
    expect(server.peers).toHaveLength(2)
    // In place of the one that was there, so that there are no more of them for it.
    await until(() => routed.upstreams === 1)
    expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
  })

  test('is sent on one that has just been used, and not again where that one is closed in this moment', async () => {
    const { server, routed, answer } = await afterIdle(500, post('/2'))
    expect(answer).toContain('sluice: upstream-closed: ')
    expect(server.peers).toHaveLength(1)
    expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
  })

  test('takes what there is where its endpoint is full', async () => {
    const { server, answer } = await afterIdle(1_500, post('/2'), 1)
    expect(answer).toContain('sluice: upstream-closed: ')
    expect(server.peers).toHaveLength(1)
  })

  test.each([
    ['a large body', 'PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n' + 'x'.repeat(65_537)],
    ['a body of unknown length', 'PUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n'],
  ])('may be one with %s', async (_what, request) => {
    const { server, answer } = await afterIdle(1_500, request)
    expect(answer).toBe(OK)
    expect(server.peers).toHaveLength(2)
  })

  test('is told of a 408, and not sent again; one that can be repeated is', async () => {
    const late = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
    const server = await serve(answering(OK, late, OK, late, OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    client.send(post('/2'))
    await client.hears('408 Request Timeout')
    client.send(get('/3'))
    await until(() => client.text.split('ok').length === 3)
    client.send(get('/4'))
    await until(() => client.text.split('ok').length === 4)
    expect(server.peers.map(({ text }) => text.match(/(?<= )\/\d/g)?.join(''))).toEqual(['/1/2', '/3/4', '/4'])
    expect(routed.sluice.metric('sluice_http_retries_total', { reason: 'stale-connection' })).toBe(1)
  })
})

describe('an idle connection whose server has said how long it keeps it', () => {
  const kept = (seconds: number): string => OK.replace('\r\n\r\n', `\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`)

  /** A second request so long after the first one; no time is looked at in between. */
  async function secondAfter(idleMs: number, seconds: number, maxConnections?: number) {
    const server = await serve(answering(kept(seconds), OK))
    const address = `127.0.0.1:${server.port}`
    const clock = new RestedClock()
    const routed = await startRouted('web', {
      clock,
      upstreams: { web: { endpoints: [{ address, ...(maxConnections && { maxConnections }) }] } },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    clock.pass(idleMs)
    client.send(get('/2'))
    await until(() => client.text.split('ok').length === 3)
    expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
    client.socket.end()
    await routed.expectNothingLeft()
    return server.peers.length
  }

  test('is used until a second before that, and not taken after it, before any look at the time', async () => {
    expect(await secondAfter(3_999, 5)).toBe(1)
    expect(await secondAfter(4_000, 5)).toBe(2)
  })

  test('is used for half of a second where that is all', async () => {
    expect(await secondAfter(499, 1)).toBe(1)
    expect(await secondAfter(500, 1)).toBe(2)
  })

  test('makes place for a new one where its endpoint is full', async () => {
    expect(await secondAfter(4_000, 5, 1)).toBe(2)
  })
})

describe('picks of endpoints', () => {
  test('are counted once for each time that a request is given to one, also where it had to wait', async () => {
    const servers = [await serve(), await serve()]
    const routed = await startRouted('web', {
      upstreams: {
        web: {
          endpoints: servers.map(({ port }) => ({ address: `127.0.0.1:${port}`, maxConnections: 1 })),
          balance: 'round-robin',
        },
      },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const picks = servers.map(({ port }) => () => {
      const endpoint = `127.0.0.1:${port}`
      return routed.sluice.metric('sluice_endpoint_picks_total', { endpoint })
    })
    const clients: Peer[] = []
    for (let i = 1; i <= 4; i++) {
      const client = await routed.client()
      client.send(get(`/${i}`))
      await until(() => routed.sluice.metric('request_total') === i)
      clients.push(client)
    }
    expect(picks.map((count) => count())).toEqual([1, 1])
    const other = await servers[1]!.accepted()
    await other.hears('/2')
    other.send(OK)
    await other.hears('/3')
    other.send(OK)
    await other.hears('/4')
    expect(picks.map((count) => count())).toEqual([1, 3])
    other.send(OK)
    servers[0]!.peers[0]!.send(OK)
    await Promise.all(clients.map((client) => client.hears('ok')))
    for (const { socket } of clients) socket.end()
    await routed.expectNothingLeft()
  })
})

describe('a request whose endpoint is full', () => {
  async function startTwo(options: Record<string, unknown> = {}) {
    const [one, other] = [await serve(), await serve()]
    const routed = await startRouted('web', {
      upstreams: {
        web: {
          endpoints: [one, other].map(({ port }) => ({ address: `127.0.0.1:${port}`, maxConnections: 1 })),
          balance: 'round-robin',
          ...options,
        },
      },
      listener: {
        filters: [{ detect: { earlyDial: false } }, 'http-metrics', { 'http-route': {} }, 'tcp-forward'],
      },
    })
    return { one, other, routed }
  }

  test('is served by whichever endpoint has a connection first', async () => {
    const { one, other, routed } = await startTwo()
    const clients: Peer[] = []
    for (let i = 1; i <= 4; i++) {
      const client = await routed.client()
      client.send(get(`/${i}`))
      await until(() => routed.sluice.metric('request_total') === i)
      clients.push(client)
    }
    await (await one.accepted()).hears('/1')
    await (await other.accepted()).hears('/2')
    // The first endpoint, whose turn it was for the third request, never answers.
    other.peers[0]!.send(OK)
    await other.peers[0]!.hears('/3')
    other.peers[0]!.send(OK)
    await other.peers[0]!.hears('/4')
    other.peers[0]!.send(OK)
    await Promise.all(clients.slice(1).map((client) => client.hears('ok')))
    one.peers[0]!.send(OK)
    await clients[0]!.hears('ok')
    for (const { socket } of clients) socket.end()
    await routed.expectNothingLeft()
  })

  test('goes to one that has a connection at once', async () => {
    const { one, other, routed } = await startTwo()
    const [slow, fast] = [await routed.client(), await routed.client()]
    slow.send(get('/slow'))
    await (await one.accepted()).hears('/slow')
    for (let i = 1; i <= 3; i++) {
      fast.send(get(`/${i}`))
      await (await other.accepted()).hears(`/${i}`)
      other.peers[0]!.send(OK)
      await until(() => fast.text === OK.repeat(i))
    }
    one.peers[0]!.send(OK)
    await slow.hears('ok')
  })

  test('waits for that endpoint where its key says which', async () => {
    const { one, other, routed } = await startTwo({ balance: 'consistent-hash' })
    const [first, second] = [await routed.client(), await routed.client()]
    first.send(get('/1'))
    const asked = (): Peer | undefined => [...one.peers, ...other.peers][0]
    await until(() => asked() !== undefined)
    second.send(get('/2'))
    await until(() => routed.sluice.metric('request_total') === 2)
    await turns()
    expect(one.peers.length + other.peers.length).toBe(1)
    await asked()!.hears('/1')
    asked()!.send(OK)
    await asked()!.hears('/2')
    asked()!.send(OK)
    await second.hears('ok')
  })

  test('is served by an endpoint that another listener does not need any more', async () => {
    const server = await serve(answering(OK))
    const filters = [{ detect: { earlyDial: false } }, 'http-route', 'tcp-forward']
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
      listener: { filters },
      more: [{ name: 'other', address: '127.0.0.1:0', destination: 'web', filters }],
    })
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    const other = await routed.client('other')
    other.send(get('/2'))
    await other.hears('ok')
    expect(server.peers).toHaveLength(2)
    expect(routed.upstreams).toBe(1)
  })

  test("and whose time is over is not the endpoint's failure, nor is one that has its answer", async () => {
    const servers = [await serve(), await serve()]
    const routed = await startRouted('web', {
      upstreams: {
        web: {
          endpoints: servers.map(({ port }) => ({ address: `127.0.0.1:${port}`, maxConnections: 1 })),
          balance: 'consistent-hash',
          ejection: { consecutiveFailures: 1 },
        },
      },
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', ROUTE_IN_TIME, 'tcp-forward'] },
    })
    const [answered, waiting] = [await routed.client(), await routed.client()]
    answered.send(get('/1'))
    const asked = (): Peer | undefined => servers.flatMap(({ peers }) => peers)[0]
    await until(() => asked()?.text === get('/1'))
    asked()!.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')
    await answered.hears('part')
    waiting.send(get('/2'))
    await until(() => routed.sluice.metric('request_total') === 2)
    routed.clock.advance(1_500)
    await waiting.hears('request-timeout')
    expect(await answered.closed()).toBe('ECONNRESET')
    expect(routed.sluice.metric('sluice_endpoint_ejections_total')).toBe(0)
  })
})

const ROUTE_IN_TIME = { 'http-route': { timeouts: { request: '1s' } } }
