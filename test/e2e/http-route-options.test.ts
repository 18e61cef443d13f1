import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ask, askTimes, type Proxy, routedYaml, routeTo, serveWeb, startYaml, tally } from '../support/routed-yaml.js'
import { resetSocket } from '../support/reset-socket.js'
import { connectTo, type Peer, serve } from '../support/sockets.js'
import { until } from '../support/until.js'

const GET = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A server that keeps its answers to itself until it is told. */
async function serveLater() {
  const waiting: ServerResponse[] = []
  const server = await serveWeb('later', (_request, response) => void waiting.push(response))
  return { server, waiting }
}

/** A client of node:net, with one complete answer. */
async function talk({ port }: Proxy): Promise<Peer> {
  const client = (await connectTo(port)).send(GET)
  await client.hears('\r\n\r\n')
  return client
}

describe('options of filter http-route', () => {
  test('maxHeadBytes: a larger head gets a 431, and a 502 where it is of a response; by default it passes', async () => {
    const server = await serveWeb('a', ({ url }, response) => {
      if (url === '/large') response.setHeader('x-large', 'x'.repeat(1500))
      response.end('a')
    })
    const [small, large] = [await routeTo(server.port, 'maxHeadBytes: 1KiB'), await routeTo(server.port, '')]
    const headers = { 'x-large': 'x'.repeat(1500) }
    expect(await ask(small, '/', { headers })).toMatchObject({
      status: 431,
      body: expect.stringContaining('sluice: head-too-large: ') as string,
    })
    expect(await ask(small, '/large')).toMatchObject({
      status: 502,
      body: expect.stringContaining('sluice: invalid-response: ') as string,
    })
    expect(await ask(small, '/')).toMatchObject({ status: 200 })
    expect(await ask(large, '/large', { headers })).toMatchObject({ status: 200, body: 'a' })
  })

  test('rules: the first that matches decides, and what matches none goes to the destination', async () => {
    const [main, other] = [await serveWeb('main'), await serveWeb('other')]
    const proxy = await routeTo(
      main.port,
      `rules: [
        { name: one, match: { path: /a }, respond: { status: 200, body: one } },
        { name: two, match: { pathPrefix: /a }, upstream: "${other.address}" },
      ]`,
    )
    const bodies = await Promise.all(['/a', '/a/b', '/b'].map(async (path) => (await ask(proxy, path)).body))
    expect(bodies).toEqual(['one', 'other', 'main'])
    expect((await ask(await routeTo(main.port, ''), '/a')).body).toBe('main')
  })

  test('maxRequests: one more gets a 503 that says so, also on another connection; without it any number waits', async () => {
    const { server, waiting } = await serveLater()
    const [bounded, free] = [await routeTo(server.port, 'maxRequests: 2'), await routeTo(server.port, '')]
    const first = [ask(bounded), ask(bounded)]
    await until(() => waiting.length === 2)
    const refused = await ask(bounded)
    expect(refused).toMatchObject({ status: 503, body: expect.stringContaining('too-many-requests') as string })
    const others = [ask(free), ask(free), ask(free)]
    await until(() => waiting.length === 5)
    for (const response of waiting.splice(0)) response.end('done')
    for (const answer of await Promise.all([...first, ...others])) expect(answer.status).toBe(200)
    const again = ask(bounded)
    await until(() => waiting.length === 1)
    waiting[0]!.end('done')
    expect((await again).status).toBe(200)
  })
})

describe('options of filter http-route timeouts', () => {
  test('header: a head that does not come to its end gets a 408 and the end; within the default it is waited for', async () => {
    const server = await serveWeb('a')
    const [short, byDefault] = [
      await routeTo(server.port, 'timeouts: { header: 200ms }'),
      await routeTo(server.port, ''),
    ]
    const patient = (await connectTo(byDefault.port)).send(GET.slice(0, -2))
    const client = (await connectTo(short.port)).send(GET.slice(0, -2))
    expect(await client.hears('header-timeout')).toMatch(/^HTTP\/1\.1 408 /)
    await client.ended()
    patient.send('\r\n')
    expect(await patient.hears('\r\n\r\na')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('idle: a client that says nothing after its answer is closed; within the default it is not', async () => {
    const server = await serveWeb('a')
    const [short, byDefault] = [await routeTo(server.port, 'timeouts: { idle: 200ms }'), await routeTo(server.port, '')]
    const patient = await talk(byDefault)
    const client = await talk(short)
    await client.ended()
    const before = patient.text.length
    patient.send(GET)
    await until(() => patient.text.length === 2 * before)
  })

  test('request: without an answer in time the client gets a 504, with half of one a reset; by default it waits', async () => {
    const { server, waiting } = await serveLater()
    const [short, byDefault] = [await routeTo(server.port, 'timeouts: { request: 1s }'), await routeTo(server.port, '')]
    const patient = ask(byDefault)
    await until(() => waiting.length === 1)
    const late = await ask(short)
    expect(late).toMatchObject({ status: 504, body: expect.stringContaining('request-timeout') as string })
    const half = (await connectTo(short.port)).send(GET)
    await until(() => waiting.length === 3)
    waiting[2]!.write('half')
    await half.hears('half')
    expect(await half.closed()).toBe('ECONNRESET')
    waiting[0]!.end('at last')
    expect((await patient).body).toBe('at last')
  })

  test('attempt: an endpoint that does not begin to answer is left for another; what cannot be repeated gets a 504; by default it is waited for', async () => {
    const { server: slow, waiting } = await serveLater()
    const good = await serveWeb('good')
    const upstreams = `upstreams: { web: { balance: round-robin, endpoints: ['${slow.address}', '${good.address}'] } }`
    const [short, byDefault] = [
      await startYaml(routedYaml('web', 'timeouts: { attempt: 200ms }', upstreams)),
      await routeTo(slow.port, ''),
    ]
    const patient = ask(byDefault)
    await until(() => waiting.length === 1)
    expect(await askTimes(short, 4)).toEqual(['good', 'good', 'good', 'good'])
    expect(short.sluice.metric('sluice_http_retries_total', { reason: 'attempt-timeout' })).toBe(2)
    // What is not to be repeated is not; one of two comes to the slow one.
    const posts = [await ask(short, '/', { method: 'POST' }), await ask(short, '/', { method: 'POST' })]
    expect(posts.map(({ status }) => status).sort()).toEqual([200, 504])
    expect(posts.find(({ status }) => status === 504)!.body).toContain(`sluice: attempt-timeout: ${slow.address} `)
    await until(() => waiting.filter(({ destroyed }) => destroyed).length === 3)
    waiting[0]!.end('at last')
    expect((await patient).body).toBe('at last')
  })
})

describe('options of filter http-route pool', () => {
  test('idleTimeout: a connection to an endpoint is closed after so long without a request; by default it is used again', async () => {
    const serveOk = () => serve((peer) => void peer.socket.on('data', () => peer.send(OK)))
    const [first, second] = [await serveOk(), await serveOk()]
    const short = await routeTo(first.port, 'pool: { idleTimeout: 200ms }')
    const byDefault = await routeTo(second.port, '')
    for (const proxy of [byDefault, short]) expect((await ask(proxy)).status).toBe(200)
    await first.peers[0]!.ended()
    for (const proxy of [byDefault, short]) expect((await ask(proxy)).status).toBe(200)
    expect([first.peers.length, second.peers.length]).toEqual([2, 1])
  })

  test('maxPending: so many requests wait for a connection of an endpoint that is full, one more gets a 503', async () => {
    const { server, waiting } = await serveLater()
    const upstreams = `upstreams: { web: { endpoints: ['${server.address}'], maxConnections: 1 } }`
    const [none, one] = [
      await startYaml(routedYaml('web', 'pool: { maxPending: 0 }', upstreams)),
      await startYaml(routedYaml('web', 'pool: { maxPending: 1 }', upstreams)),
    ]
    const underWay = [ask(none), ask(one)]
    await until(() => waiting.length === 2)
    const queueFull = { status: 503, body: expect.stringContaining('queue-full') as string }
    expect(await ask(none)).toMatchObject(queueFull)
    // Either may be the one that waits: the other is refused.
    const [waits, refused] = await settleSecond(ask(one), ask(one))
    expect(refused).toMatchObject(queueFull)
    for (const response of waiting.splice(0)) response.end('done')
    await until(() => waiting.length === 1)
    waiting[0]!.end('after it')
    expect((await waits).body).toBe('after it')
    for (const answer of await Promise.all(underWay)) expect(answer.body).toBe('done')
  })
})

/** Of two, the one that takes longer, and what the other came to. */
async function settleSecond<T>(one: Promise<T>, other: Promise<T>): Promise<[later: Promise<T>, sooner: T]> {
  const first = await Promise.race(
    [one.then(() => one), other.then(() => other)].map((each, at) => each.then(() => at)),
  )
  return first === 0 ? [other, await one] : [one, await other]
}

describe('options of filter http-route retries', () => {
  /** Three servers that reset what they are asked, and how often they were. */
  async function startReset(options: string) {
    let resets = 0
    const servers = await Promise.all(
      [0, 1, 2].map(() =>
        serve((peer) =>
          peer.socket.once('data', () => {
            resets++
            resetSocket(peer.socket)
          }),
        ),
      ),
    )
    const endpoints = servers.map(({ port }) => `'127.0.0.1:${port}'`).join(', ')
    const proxy = await startYaml(
      routedYaml('web', options, `upstreams: { web: { balance: round-robin, endpoints: [${endpoints}] } }`),
    )
    return { proxy, resets: () => resets }
  }

  /** Requests in turn to a server that is busy, and to one that is not. */
  async function startBusy(options: string): Promise<Proxy> {
    const busy = await serveWeb('busy', (_request, response) => void response.writeHead(503).end('busy'))
    const good = await serveWeb('good')
    return startYaml(
      routedYaml(
        'web',
        options,
        `upstreams: { web: { balance: round-robin, endpoints: ['${busy.address}', '${good.address}'] } }`,
      ),
    )
  }

  test('attempts: a request whose connection is lost is sent again so often, and then gets a 502; by default twice', async () => {
    for (const [retries, sent] of [['attempts: 0', 1] as const, ['attempts: 1', 2] as const, ['', 3] as const]) {
      const { proxy, resets } = await startReset(`retries: { ${retries} }`)
      expect((await ask(proxy)).status).toBe(502)
      expect(resets(), retries).toBe(sent)
      // What is not to be repeated is not.
      expect((await ask(proxy, '/', { method: 'POST', body: 'x' })).status).toBe(502)
      expect(resets()).toBe(sent + 1)
      expect(proxy.sluice.metric('sluice_http_retries_total', { reason: 'upstream-lost' })).toBe(sent - 1)
    }
  })

  test('statuses: an answer with one of them is asked for again elsewhere; others are passed on', async () => {
    const [with503, with502] = [
      await startBusy('retries: { statuses: [502, 503] }'),
      await startBusy('retries: { statuses: [502] }'),
    ]
    expect(tally(await askTimes(with503, 6))).toEqual({ good: 6 })
    expect(with503.sluice.metric('sluice_http_retries_total', { reason: 'status' })).toBe(3)
    expect(tally(await askTimes(with502, 6))).toEqual({ good: 3, busy: 3 })
  })

  test('ratio: so many retries may be for each request, and no more', async () => {
    const [one, fifth] = [
      await startBusy('retries: { statuses: [503], ratio: 1, minPerSecond: 0 }'),
      await startBusy('retries: { statuses: [503], ratio: 0.2, minPerSecond: 0 }'),
    ]
    expect(tally(await askTimes(one, 20))).toEqual({ good: 20 })
    const { busy } = tally(await askTimes(fifth, 20))
    // One in five may be sent again; of the others every second one met the server that is busy.
    expect(busy).toBeGreaterThanOrEqual(6)
    expect(fifth.sluice.metric('sluice_http_retries_total', { reason: 'status' })).toBeLessThanOrEqual(4)
    expect(fifth.sluice.metric('sluice_http_retries_total', { reason: 'status' })).toBeGreaterThan(0)
  })

  test('minPerSecond: so many retries a second may be beside them', async () => {
    const [many, none] = [
      await startBusy('retries: { statuses: [503], ratio: 0, minPerSecond: 1000 }'),
      await startBusy('retries: { statuses: [503], ratio: 0, minPerSecond: 0 }'),
    ]
    expect(tally(await askTimes(many, 20))).toEqual({ good: 20 })
    expect(tally(await askTimes(none, 20))).toEqual({ good: 10, busy: 10 })
  })
})

describe('options of filter http-route forwarding', () => {
  /** The fields that a server is asked with. */
  async function asked(forwarding: string, headers: Record<string, string> = {}) {
    const server = await serveWeb('a')
    const proxy = await routeTo(server.port, `forwarding: { ${forwarding} }`)
    expect((await ask(proxy, '/', { headers: { host: 'shop.example', ...headers } })).status).toBe(200)
    return server.asked[0]!.headers
  }

  test('xForwarded: the client is added to who is there, or replaces them; by default nothing is', async () => {
    const there = { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-proto': 'https' }
    expect(await asked('xForwarded: append', there)).toMatchObject({
      'x-forwarded-for': '10.0.0.1, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
    })
    expect(await asked('xForwarded: replace', there)).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'shop.example',
    })
    const untouched = await asked('', there)
    expect(untouched).toMatchObject(there)
    expect(untouched).not.toHaveProperty('x-forwarded-host')
  })

  test('forwarded: likewise, as RFC 7239 has it', async () => {
    const there = { forwarded: 'for=10.0.0.1' }
    const own = 'for=127.0.0.1;proto=http;host="shop.example"'
    expect((await asked('forwarded: append', there)).forwarded).toBe(`for=10.0.0.1, ${own}`)
    expect((await asked('forwarded: replace', there)).forwarded).toBe(own)
    expect((await asked('forwarded: off', there)).forwarded).toBe('for=10.0.0.1')
    expect(await asked('')).not.toHaveProperty('forwarded')
  })

  test('via: the version that came and the name are added', async () => {
    expect((await asked('via: edge-1', { via: '1.0 cache' })).via).toBe('1.0 cache, 1.1 edge-1')
    expect(await asked('')).not.toHaveProperty('via')
  })

  test('requestId: one is set where there is none, each time another', async () => {
    const ids = [await asked('requestId: true'), await asked('requestId: true')].map((each) => each['x-request-id'])
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(2)
    expect((await asked('requestId: true', { 'x-request-id': 'mine' }))['x-request-id']).toBe('mine')
    expect(await asked('requestId: false')).not.toHaveProperty('x-request-id')
  })

  test('traceparent: one is set where there is none, not sampled', async () => {
    const own = await asked('traceparent: true')
    expect(own['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    const theirs = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
    expect((await asked('traceparent: true', { traceparent: theirs }))['traceparent']).toBe(theirs)
    expect(await asked('')).not.toHaveProperty('traceparent')
  })
})
