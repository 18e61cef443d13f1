import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { answering } from '../../support/answering.js'
import { HeldTransport } from '../../support/held-transport.js'
import { resetSocket } from '../../support/reset-socket.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { type Peer, serve } from '../../support/sockets.js'
import { turns } from '../../support/start-sluice.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`
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
})
