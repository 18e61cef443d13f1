import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { RetryBudget } from '../../../src/filters/http-route/retry-budget.js'
import { resetSocket } from '../../support/reset-socket.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { type Peer, serve, type TestServer } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const BUSY = 'HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy'

/** A server that does this for each complete request head. */
function serveEach(act: (peer: Peer) => void): Promise<TestServer> {
  return serve((peer) => {
    let seen = 0
    peer.socket.on('data', () => {
      for (let at = peer.text.indexOf('\r\n\r\n', seen); at >= 0; at = peer.text.indexOf('\r\n\r\n', seen)) {
        seen = at + 4
        act(peer)
      }
    })
  })
}

function startOver(servers: readonly TestServer[], options: Record<string, unknown> = {}): Promise<Routed> {
  return startRouted('web', {
    upstreams: { web: { endpoints: servers.map(({ port }) => `127.0.0.1:${port}`), balance: 'round-robin' } },
    options,
  })
}

/** Answers to requests one after the other, on one connection, by their status lines. */
async function ask(routed: Routed, count: number, request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'): Promise<string[]> {
  const client = await routed.client()
  const statuses = (): string[] => client.text.match(/HTTP\/1.1 \d+/g)?.map((line) => line.slice(9)) ?? []
  for (let i = 1; i <= count; i++) {
    client.send(request)
    await until(() => statuses().length === i && /(?:ok|busy|\n)$/.test(client.text))
  }
  client.socket.end()
  await client.ended()
  return statuses()
}

describe('a request that can be repeated', () => {
  test('goes to another endpoint where one resets it', async () => {
    const [bad, good] = [await serveEach(({ socket }) => resetSocket(socket)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good])
    expect(await ask(routed, 6)).toEqual(Array(6).fill('200'))
    expect(routed.sluice.metric('sluice_http_retries_total', { reason: 'upstream-lost' })).toBe(3)
    expect(routed.sluice.metric('request_total')).toBe(6)
    await routed.expectNothingLeft()
  })

  test('is not sent again where it would do twice what it does', async () => {
    const [bad, good] = [await serveEach(({ socket }) => resetSocket(socket)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good])
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
    expect((await ask(routed, 4, post)).sort()).toEqual(['200', '200', '502', '502'])
    expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
  })

  test('with a small body is sent again with it', async () => {
    const [bad, good] = [await serveEach(({ socket }) => resetSocket(socket)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good])
    const put = 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'
    const client = await routed.client()
    for (let i = 1; i <= 2; i++) {
      client.send(put)
      await until(() => client.text === OK.repeat(i))
    }
    expect(good.peers.map(({ text }) => text).join('')).toBe(put.repeat(2))
  })

  test.each([
    ['upstream-lost', 'resets it', ({ socket }: Peer) => resetSocket(socket)],
    ['status', 'cannot serve', (peer: Peer) => void peer.send(BUSY)],
  ])(
    'is sent again, and goes on, where it has not come to its end (%s: an endpoint %s)',
    async (reason, _what, act) => {
      const bad = await serveEach(act)
      const good = await serve((peer) => peer.socket.on('data', () => peer.text.endsWith('body') && peer.send(OK)))
      const routed = await startOver([bad, good])
      const client = await routed.client()
      for (let i = 1; i <= 2; i++) {
        client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo')
        await until(() => good.peers.some(({ text }) => text.endsWith('\r\n\r\nbo')))
        client.send('dy')
        await until(() => client.text === OK.repeat(i))
      }
      expect(routed.sluice.metric('sluice_http_retries_total', { reason })).toBe(1)
      client.socket.end()
      await routed.expectNothingLeft()
    },
  )

  test('is sent again by default where an endpoint says that it cannot serve now, and another is there', async () => {
    const [bad, good] = [await serveEach((peer) => peer.send(BUSY)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good])
    expect(await ask(routed, 4)).toEqual(['200', '200', '200', '200'])
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
    expect((await ask(routed, 2, post)).sort()).toEqual(['200', '503'])
    await routed.expectNothingLeft()
    const none = await startOver([bad, good], { retries: { statuses: [] } })
    expect((await ask(none, 2)).sort()).toEqual(['200', '503'])
  })

  test('is sent again after a status that says so, and no more often than may be', async () => {
    const [bad, good] = [await serveEach((peer) => peer.send(BUSY)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good], { retries: { statuses: [503] } })
    expect(await ask(routed, 4)).toEqual(['200', '200', '200', '200'])
    expect(routed.sluice.metric('sluice_http_retries_total', { reason: 'status' })).toBe(2)
    const all = await startOver([bad, await serveEach((peer) => peer.send(BUSY))], { retries: { statuses: [503] } })
    expect(await ask(all, 2)).toEqual(['503', '503'])
    expect(all.sluice.metric('sluice_http_retries_total', { reason: 'status' })).toBe(2)
    await all.expectNothingLeft()
  })

  test('is not sent again once the budget is spent', async () => {
    const [bad, good] = [await serveEach((peer) => peer.send(BUSY)), await serveEach((peer) => peer.send(OK))]
    const routed = await startOver([bad, good], { retries: { statuses: [503], ratio: 0.2, minPerSecond: 0 } })
    const answers = await ask(routed, 20)
    // One in five may be sent again; of the others every second one met the bad endpoint.
    const retries = routed.sluice.metric('sluice_http_retries_total', { reason: 'status' })
    expect([3, 4]).toContain(retries)
    expect(answers.filter((status) => status === '503').length).toBeGreaterThanOrEqual(6)
  })
})

describe('an endpoint that has a request and does not begin to answer it', () => {
  const options = { timeouts: { attempt: '2s' } }
  const attempts = (routed: Routed): number =>
    routed.sluice.metric('sluice_http_retries_total', { reason: 'attempt-timeout' })

  test('is timed from the last byte of the request on, and not once its answer has begun', async () => {
    const server = await serve()
    const routed = await startRouted(server.port, { options })
    const client = await routed.client()
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx')
    const asked = (): Peer | undefined => server.peers.find(({ text }) => text.includes('\r\n\r\nx'))
    await until(() => asked() !== undefined)
    routed.clock.advance(10_000)
    client.send('y')
    await asked()!.hears('xy')
    routed.clock.advance(1_900)
    asked()!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no')
    await client.hears('\r\n\r\no')
    routed.clock.advance(10_000)
    asked()!.send('k')
    await client.hears('\r\n\r\nok')
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('has failed: it is reset and set aside; interim responses are none', async () => {
    const [silent, good] = [await serve(), await serveEach((peer) => peer.send(OK))]
    const ejection = { consecutiveFailures: 1 }
    const endpoints = [silent, good].map(({ port }) => `127.0.0.1:${port}`)
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints, balance: 'round-robin', ejection } },
      options,
    })
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const asked = (): Peer | undefined => silent.peers.find(({ text }) => text !== '')
    await until(() => asked() !== undefined)
    asked()!.send('HTTP/1.1 103 Early Hints\r\n\r\n')
    await client.hears('103')
    routed.clock.advance(1_999)
    expect(attempts(routed)).toBe(0)
    routed.clock.advance(1_001)
    await client.hears('ok')
    expect(await asked()!.closed()).toBe('ECONNRESET')
    expect(attempts(routed)).toBe(1)
    const endpoint = endpoints[0]!
    expect(routed.sluice.metric('sluice_endpoint_ejected', { endpoint })).toBe(1)
    expect(routed.sluice.metric('sluice_endpoint_requests')).toBe(0)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('is asked again where it is the only one, as often as may be; then the client gets a 504 and goes on', async () => {
    const server = await serve()
    const routed = await startRouted(server.port, { options: { ...options, retries: { attempts: 1 } } })
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const asked = (): Peer[] => server.peers.filter(({ text }) => text !== '')
    await until(() => asked().length === 1)
    routed.clock.advance(3_000)
    await until(() => asked().length === 2)
    routed.clock.advance(3_000)
    expect(await client.hears('attempt-timeout: ')).toMatch(/^HTTP\/1.1 504 /)
    expect(attempts(routed)).toBe(1)
    client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => asked().length === 3)
    asked()[2]!.send(OK)
    await client.hears('ok')
    client.socket.end()
    await routed.expectNothingLeft()
  })
})

test('as many requests as may are under way, one more gets a 503 that says why', async () => {
  const server = await serve()
  const routed = await startRouted(server.port, { options: { maxRequests: 1 } })
  const [first, second] = [await routed.client(), await routed.client()]
  first.send('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
  const asked = (): Peer | undefined => server.peers.find(({ text }) => text.includes('/first'))
  await until(() => asked() !== undefined)
  second.send('GET /second HTTP/1.1\r\nHost: a\r\n\r\n')
  await second.hears('sluice: too-many-requests: ')
  asked()!.send(OK)
  await first.hears('ok')
  const before = second.text.length
  second.send('GET /second HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => server.peers.some(({ text }) => text.includes('/second')))
  server.peers.find(({ text }) => text.includes('/second'))!.send(OK)
  await until(() => second.text.slice(before) === OK)
  first.socket.end()
  second.socket.end()
  await routed.expectNothingLeft()
})

describe('a server is told', () => {
  async function heard(forwarding: object, fields: string, version = '1.1'): Promise<string> {
    const server = await serveEach((peer) => peer.send(OK))
    const routed = await startRouted(server.port, { options: { forwarding } })
    const client = await routed.client()
    client.send(`GET / HTTP/${version}\r\nHost: a:80\r\n${fields}\r\n`)
    await client.hears('ok')
    return server.peers[0]!.text.replace('GET / HTTP/1.1\r\n', '').replace('Host: a:80\r\n', '').trimEnd()
  }

  test('nothing of the way, unless it is configured', async () => {
    expect(await heard({}, 'Via: 1.0 x\r\nX-Forwarded-For: 10.0.0.1\r\n')).toBe(
      'Via: 1.0 x\r\nX-Forwarded-For: 10.0.0.1',
    )
  })

  test('x-forwarded-*, with or without what is there', async () => {
    const there = 'X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: https\r\n'
    expect(await heard({ xForwarded: 'append' }, there)).toBe(
      'X-Forwarded-Proto: https\r\nx-forwarded-for: 10.0.0.1, 10.0.0.2, 127.0.0.1\r\nx-forwarded-host: a:80',
    )
    expect(await heard({ xForwarded: 'replace' }, there)).toBe(
      'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: a:80',
    )
  })

  test('forwarded and via', async () => {
    expect(await heard({ forwarded: 'append', via: 'edge' }, 'Forwarded: for=10.0.0.1\r\nVia: 2 x\r\n', '1.0')).toBe(
      'forwarded: for=10.0.0.1, for=127.0.0.1;proto=http;host="a:80"\r\nvia: 2 x, 1.0 edge',
    )
    expect(await heard({ forwarded: 'replace' }, 'Forwarded: for=10.0.0.1\r\n')).toBe(
      'forwarded: for=127.0.0.1;proto=http;host="a:80"',
    )
  })

  test('an id and a trace, unless there is one', async () => {
    const made = await heard({ requestId: true, traceparent: true }, '')
    expect(made).toMatch(/^x-request-id: [0-9a-f-]{36}\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    const there = 'X-Request-ID: 7\r\nTraceparent: 00-1-2-01'
    expect(await heard({ requestId: true, traceparent: true }, `${there}\r\n`)).toBe(there)
  })
})

describe('a budget of retries', () => {
  test('allows a share of the requests, and some a second beside them', () => {
    let now = 0
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 2 }, () => now)
    const spend = (): number => {
      for (let count = 0; ; count++) if (!budget.withdraw()) return count
    }
    expect(spend()).toBe(2)
    for (let i = 0; i < 15; i++) budget.deposit()
    expect(spend()).toBe(3)
    now += 1_000
    expect(spend()).toBe(2)
    now += 60_000
    expect(spend()).toBe(20)
    for (let i = 0; i < 1_000_000; i++) budget.deposit()
    expect(spend()).toBe(200)
  })
})
