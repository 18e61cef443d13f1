import { rename, writeFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { a, serveDns, srv, zoneOf } from '../support/dns-server.js'
import { freePort } from '../support/free-port.js'
import {
  ask,
  askTimes,
  type Proxy,
  type ProxyOptions,
  routedYaml,
  serveWeb,
  startYaml,
  tally,
  type WebServer,
} from '../support/routed-yaml.js'
import { connectTo, serve } from '../support/sockets.js'
import { until } from '../support/until.js'

/** A proxy before the upstream `web`, whose options are these; requests to it are routed. */
function startUpstream(web: string, options?: ProxyOptions & { readonly dns?: string }): Promise<Proxy> {
  const dns = options?.dns === undefined ? '' : `dns: { servers: ['${options.dns}'], search: [], attempts: 1 }\n`
  return startYaml(routedYaml('web', '', `${dns}upstreams: { web: {${web.replace(/\s*\n\s*/g, ' ')}} }`), options)
}

function listOf(...servers: readonly { readonly address: string }[]): string {
  return servers.map(({ address }) => `'${address}'`).join(', ')
}

function usable({ sluice }: Proxy, { address }: { readonly address: string }): number {
  return sluice.metric('sluice_endpoint_usable', { upstream: 'web', endpoint: address })
}

/** A server that keeps its answers to itself until it is told. */
async function serveLater(name: string) {
  const waiting: ServerResponse[] = []
  const server = await serveWeb(name, (_request, response) => void waiting.push(response))
  return { ...server, waiting, answer: () => waiting.splice(0).forEach((response) => response.end(name)) }
}

/** A server that takes 100 ms. */
function serveSlow(clock: FakeClock): Promise<WebServer> {
  return serveWeb('slow', (_request, response) => {
    clock.advance(100)
    response.end('slow')
  })
}

describe('options of upstreams.NAME', () => {
  test('balance: round-robin takes one after the other', async () => {
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const proxy = await startUpstream(`balance: round-robin, endpoints: [${listOf(one, two)}]`)
    const bodies = await askTimes(proxy, 6)
    expect(bodies).toEqual([bodies[0], bodies[1], bodies[0], bodies[1], bodies[0], bodies[1]])
    expect(bodies[0]).not.toBe(bodies[1])
  })

  test('balance: least-connections takes the one with the fewest connections, whoever has opened them', async () => {
    // It keeps none open for requests, so that one that is held open for bytes tells the two apart.
    const closing: (name: string) => RequestListener = (name) => (_request, response) =>
      void response.setHeader('connection', 'close').end(name)
    const [one, two] = [await serveWeb('one', closing('one')), await serveWeb('two', closing('two'))]
    const upstreams = `upstreams: { web: { balance: least-connections, endpoints: [${listOf(one, two)}] } }`
    const carried = "  - { name: bytes, address: '127.0.0.1:0', destination: web, filters: [tcp-forward] }\n"
    const proxy = await startYaml(routedYaml('web', '', upstreams) + carried)
    const open = (): number => proxy.sluice.metric('tcp_open_connections', { peer: 'dst' })
    await connectTo(proxy.sluice.address('bytes').port)
    await until(() => one.connections.all + two.connections.all === 1)
    const other = one.connections.all === 0 ? 'one' : 'two'
    for (let i = 0; i < 6; i++) {
      await until(() => open() === 1)
      expect((await ask(proxy)).body).toBe(other)
    }
  })

  test('balance: least-requests takes the one with the fewest requests in flight, however slow', async () => {
    const clock = new FakeClock()
    const [busy, slow] = [await serveLater('busy'), await serveSlow(clock)]
    const proxy = await startUpstream(`balance: least-requests, endpoints: [${listOf(busy, slow)}]`, { clock })
    // The one that will be busy has been quick, and the other has not.
    const quick = ask(proxy)
    await until(() => busy.waiting.length === 1)
    busy.answer()
    expect([(await quick).body, (await ask(proxy)).body]).toEqual(['busy', 'slow'])
    const held = ask(proxy)
    await until(() => busy.waiting.length === 1)
    expect(tally(await askTimes(proxy, 6))).toEqual({ slow: 6 })
    busy.answer()
    expect((await held).body).toBe('busy')
  })

  test('balance: random takes any, however slow', async () => {
    const clock = new FakeClock()
    const [fast, slow] = [await serveWeb('fast'), await serveSlow(clock)]
    const proxy = await startUpstream(`balance: random, endpoints: [${listOf(fast, slow)}]`, { clock })
    const bodies = await askTimes(proxy, 100)
    // Further from the mean than six standard deviations.
    expect(Math.abs(tally(bodies)['slow']! - 50)).toBeLessThan(31)
    expect(bodies.some((body, index) => body === bodies[index + 1])).toBe(true)
  })

  test('balance: peak-ewma, which is the default for requests, leaves one alone that was slow', async () => {
    const clock = new FakeClock()
    const fast = await serveWeb('fast')
    const slow = await serveSlow(clock)
    for (const balance of ['balance: peak-ewma,', '']) {
      const proxy = await startUpstream(`${balance} endpoints: [${listOf(fast, slow)}]`, { clock })
      expect(tally(await askTimes(proxy, 40))['fast']).toBeGreaterThanOrEqual(39)
    }
    expect(slow.asked.length).toBeGreaterThan(0)
  })

  test('balance, hashOn: consistent-hash takes a client to the same endpoint each time, and others to others', async () => {
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const proxy = await startUpstream(`balance: consistent-hash, hashOn: source, endpoints: [${listOf(one, two)}]`)
    const seen = new Set<string>()
    for (let client = 1; client <= 40; client++) {
      const [body, ...again] = await askTimes(proxy, 3, { localAddress: `127.0.1.${client}` })
      expect(again).toEqual([body, body])
      seen.add(body!)
    }
    expect([...seen].sort()).toEqual(['one', 'two'])
  })

  test('maxConnections: each endpoint holds as many, and requests wait for one of them', async () => {
    const servers = [await serveLater('one'), await serveLater('two'), await serveLater('own')]
    const endpoints = `${listOf(servers[0]!, servers[1]!)}, { address: '${servers[2]!.address}', maxConnections: 2 }`
    const proxy = await startUpstream(`balance: round-robin, maxConnections: 1, endpoints: [${endpoints}]`)
    const answers = Array.from({ length: 12 }, () => ask(proxy))
    await until(() => servers.reduce((sum, { waiting }) => sum + waiting.length, 0) === 4)
    await answerAll(servers, answers)
    expect(servers.map(({ connections }) => connections.most)).toEqual([1, 1, 2])
  })
})

/** Answers whatever comes, until all have been answered. */
async function answerAll(
  servers: readonly { answer(): void }[],
  answers: readonly Promise<{ readonly status: number }>[],
): Promise<void> {
  let statuses: number[] | undefined
  void Promise.all(answers).then((all) => (statuses = all.map(({ status }) => status)))
  await until(() => {
    for (const server of servers) server.answer()
    return statuses !== undefined
  })
  expect(statuses).toEqual(answers.map(() => 200))
}

describe('options of upstreams.NAME.hashOn', () => {
  test('header: requests with the same value go to the same endpoint, and others to others', async () => {
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const proxy = await startUpstream(
      `balance: consistent-hash, hashOn: { header: X-User }, endpoints: [${listOf(one, two)}]`,
    )
    const seen = new Set<string>()
    for (let user = 1; user <= 40; user++) {
      const [body, ...again] = await askTimes(proxy, 3, { headers: { 'x-user': `user-${user}` } })
      expect(again).toEqual([body, body])
      seen.add(body!)
    }
    expect([...seen].sort()).toEqual(['one', 'two'])
    // Whoever has none goes to any.
    expect(Object.keys(tally(await askTimes(proxy, 40)))).toHaveLength(2)
  })
})

describe('options of upstreams.NAME.endpoints.0', () => {
  test('address: is one endpoint, also where its host is a name', async () => {
    const server = await serveWeb('one')
    const proxy = await startUpstream(`endpoints: [{ address: 'localhost:${server.port}' }]`)
    expect((await ask(proxy)).body).toBe('one')
    expect(proxy.sluice.metric('sluice_upstream_endpoints', { upstream: 'web' })).toBe(1)
  })

  test('dns: each address of a name is an endpoint', async () => {
    const one = await serveWeb('one')
    const two = await serveWeb('two', undefined, { host: '127.0.0.2', port: one.port })
    const dns = await serveDns(zoneOf(a('web.test', '127.0.0.1'), a('web.test', '127.0.0.2')))
    const proxy = await startUpstream(`balance: round-robin, endpoints: [{ dns: 'web.test:${two.port}' }]`, {
      dns: dns.address,
    })
    expect(tally(await askTimes(proxy, 6))).toEqual({ one: 3, two: 3 })
    expect(usable(proxy, two)).toBe(1)
  })

  test('srv: each target is an endpoint, with its port and weight; of a later priority where no earlier one answers', async () => {
    const servers = [await serveWeb('light'), await serveWeb('heavy'), await serveWeb('spare')]
    const service = '_http._tcp.web.test'
    const record = (index: number, fields: object) => srv(service, 'host.test', servers[index]!.port, fields)
    const nobody = srv('_down._tcp.web.test', 'host.test', await freePort(), { priority: 1 })
    const dns = await serveDns(
      zoneOf(
        nobody,
        { ...record(2, { priority: 2 }), name: nobody.name },
        record(0, { weight: 1 }),
        record(1, { weight: 3 }),
        record(2, { weight: 1, priority: 10 }),
        a('host.test', '127.0.0.1'),
      ),
    )
    const start = (name: string) =>
      startUpstream(`balance: round-robin, endpoints: [{ srv: ${name} }]`, { dns: dns.address })
    expect(tally(await askTimes(await start(service), 8))).toEqual({ light: 2, heavy: 6 })
    expect(tally(await askTimes(await start(nobody.name), 4))).toEqual({ spare: 4 })
  })

  test('file: is a list that is read again when it changes', async () => {
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const proxy = await startUpstream('balance: round-robin, endpoints: [{ file: ./web.yaml }]', {
      files: { 'web.yaml': `- ${one.address}\n` },
    })
    expect(tally(await askTimes(proxy, 4))).toEqual({ one: 4 })
    await writeFile(join(proxy.folder, 'web.new'), `- ${one.address}\n- { address: '${two.address}', weight: 3 }\n`)
    await rename(join(proxy.folder, 'web.new'), join(proxy.folder, 'web.yaml'))
    await until(() => proxy.sluice.metric('sluice_upstream_endpoints', { upstream: 'web' }) === 2)
    expect(tally(await askTimes(proxy, 8))).toEqual({ one: 2, two: 6 })
  })

  test('weight: is its part of the requests', async () => {
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const proxy = await startUpstream(
      `balance: round-robin, endpoints: [{ address: '${one.address}', weight: 3 }, { address: '${two.address}' }]`,
    )
    expect(tally(await askTimes(proxy, 8))).toEqual({ one: 6, two: 2 })
  })

  test('maxConnections: the endpoint holds no more, and requests wait for one of them; without it each has its own', async () => {
    const bounded = await serveLater('bounded')
    const proxy = await startUpstream(`endpoints: [{ address: '${bounded.address}', maxConnections: 2 }]`)
    const answers = Array.from({ length: 6 }, () => ask(proxy))
    await until(() => bounded.waiting.length === 2)
    await answerAll([bounded], answers)
    expect(bounded.connections.most).toBe(2)
    const free = await serveLater('free')
    const unbounded = await startUpstream(`endpoints: [{ address: '${free.address}' }]`)
    const others = Array.from({ length: 6 }, () => ask(unbounded))
    await until(() => free.waiting.length === 6)
    await answerAll([free], others)
    expect(free.connections.most).toBe(6)
  })
})

describe('options of upstreams.NAME.ejection', () => {
  /** Answers with the statuses of a list in turn, over and over. */
  function serveStatuses(...statuses: readonly number[]): Promise<WebServer> {
    let next = 0
    return serveWeb('bad', (_request, response) => {
      response.writeHead(statuses[next++ % statuses.length]!).end('bad')
    })
  }

  /** In turn to a server that fails and to one that does not; whether the first is set aside. */
  async function startEjecting(bad: WebServer, ejection: string | undefined) {
    const clock = new FakeClock()
    const good = await serveWeb('good')
    const part = ejection === undefined ? '' : `, ejection: { ${ejection} }`
    const proxy = await startUpstream(`balance: round-robin, endpoints: [${listOf(bad, good)}]${part}`, { clock })
    const before = bad.asked.length
    return { proxy, clock, isAside: () => usable(proxy, bad) === 0, badAsked: () => bad.asked.length - before }
  }

  test('consecutiveFailures: an endpoint that failed so often in a row is set aside; without ejection it is not', async () => {
    const bad = await serveStatuses(500)
    const ejecting = await startEjecting(bad, 'consecutiveFailures: 3')
    await askTimes(ejecting.proxy, 20)
    expect([ejecting.badAsked(), ejecting.isAside()]).toEqual([3, true])
    const byDefault = await startEjecting(bad, '')
    await askTimes(byDefault.proxy, 20)
    expect([byDefault.badAsked(), byDefault.isAside()]).toEqual([5, true])
    const without = await startEjecting(bad, undefined)
    await askTimes(without.proxy, 20)
    expect(without.badAsked()).toBe(10)
  })

  test('failurePercent, minOutcomes: an endpoint of whose outcomes so many failed is set aside, where it has as many', async () => {
    const asked = async (ejection: string): Promise<number> => {
      const { proxy, badAsked } = await startEjecting(await serveStatuses(200, 500), ejection)
      await askTimes(proxy, 40)
      return badAsked()
    }
    expect(await asked('failurePercent: 50, minOutcomes: 4')).toBe(4)
    expect(await asked('failurePercent: 50, minOutcomes: 10')).toBe(10)
    expect(await asked('failurePercent: 60, minOutcomes: 4')).toBe(20)
    expect(await asked('minOutcomes: 4')).toBe(20)
  })

  test('interval: what failed is counted over it, and then anew', async () => {
    const start = (interval: string) =>
      serveStatuses(200, 500).then((bad) =>
        startEjecting(bad, `failurePercent: 50, minOutcomes: 4, interval: ${interval}`),
      )
    for (const [interval, isAside] of [['20s', false] as const, ['10m', true] as const]) {
      const ejecting = await start(interval)
      await askTimes(ejecting.proxy, 6)
      expect(ejecting.badAsked()).toBe(3)
      ejecting.clock.advance(20_000)
      await askTimes(ejecting.proxy, 2)
      expect([ejecting.badAsked(), ejecting.isAside()], interval).toEqual([4, isAside])
    }
  })

  test('baseTime, maxTime: it is used again after the first, later after so much longer, and after no more than the second', async () => {
    const { proxy, clock, isAside } = await startEjecting(
      await serveStatuses(500),
      'consecutiveFailures: 1, baseTime: 60s, maxTime: 90s',
    )
    for (const seconds of [60, 90, 90]) {
      await askTimes(proxy, 2)
      expect(isAside()).toBe(true)
      clock.advance(seconds * 1000 - 1)
      expect(isAside(), `${seconds} s less 1 ms`).toBe(true)
      clock.advance(1)
      expect(isAside(), `${seconds} s`).toBe(false)
    }
    const unbounded = await startEjecting(await serveStatuses(500), 'consecutiveFailures: 1, baseTime: 60s')
    for (const seconds of [60, 120, 180]) {
      await askTimes(unbounded.proxy, 2)
      unbounded.clock.advance(seconds * 1000 - 1)
      expect(unbounded.isAside()).toBe(true)
      unbounded.clock.advance(1)
      expect(unbounded.isAside()).toBe(false)
    }
  })

  test('maxPercent: no more of the endpoints are set aside at once, and never the last', async () => {
    const aside = async (maxPercent: string): Promise<number> => {
      const bad = [await serveStatuses(500), await serveStatuses(500), await serveStatuses(500)]
      const ejection = `ejection: { consecutiveFailures: 1${maxPercent} }`
      const proxy = await startUpstream(`balance: round-robin, endpoints: [${listOf(...bad)}], ${ejection}`, {
        clock: new FakeClock(),
      })
      await askTimes(proxy, 12)
      return bad.filter((one) => usable(proxy, one) === 0).length
    }
    expect(await aside(', maxPercent: 0')).toBe(0)
    expect(await aside(', maxPercent: 100')).toBe(2)
    // 50, of three.
    expect(await aside('')).toBe(1)
  })
})

/** A proxy whose endpoint is checked; it counts the checks. */
async function startChecked(healthCheck: string, endpoint?: { readonly address: string }) {
  const clock = new AnnouncingClock()
  const server = endpoint ?? (await serveWeb('one'))
  const proxy = await startUpstream(`endpoints: [${listOf(server)}], healthCheck: { ${healthCheck} }`, { clock })
  const outcome = (name: string): number => proxy.sluice.metric('sluice_health_checks_total', { outcome: name })
  const checks = (): number => outcome('passed') + outcome('failed')
  /** Moves on to the next check, and to what comes of it. */
  const nextCheck = async (): Promise<void> => {
    const before = checks()
    clock.advance(11_000)
    await until(() => checks() === before + 1)
  }
  await until(() => checks() === 1)
  return { proxy, clock, checks, nextCheck, isUsable: () => usable(proxy, server) === 1 }
}

/** A server that answers with the status that it has, for health checks. */
async function serveStatus(status: number) {
  const set = { status }
  const server = await serveWeb('checked', (_request, response) => void response.writeHead(set.status).end())
  return { ...server, set }
}

describe('options of upstreams.NAME.healthCheck', () => {
  test('port: another port is looked at than that of the endpoint', async () => {
    const elsewhere = await startChecked(`port: ${await freePort()}`)
    expect(elsewhere.isUsable()).toBe(false)
    expect(await ask(elsewhere.proxy)).toMatchObject({
      status: 503,
      body: expect.stringContaining('no-endpoint') as string,
    })
    const own = await startChecked('')
    expect(own.isUsable()).toBe(true)
    expect((await ask(own.proxy)).body).toBe('one')
  })

  test('interval: from one check to the next it takes as long, give or take a tenth', async () => {
    const { clock, checks } = await startChecked('interval: 40s')
    await until(() => clock.pending.some((delay) => delay >= 36_000 && delay <= 44_000))
    clock.advance(35_999)
    expect(checks()).toBe(1)
    clock.advance(8_001)
    await until(() => checks() === 2)
  })

  test('timeout: a check that has no answer by then has failed', async () => {
    const silent = await serve()
    const clock = new AnnouncingClock()
    const address = `127.0.0.1:${silent.port}`
    const proxy = await startUpstream(`endpoints: ['${address}'], healthCheck: { http: {}, timeout: 3s }`, { clock })
    await until(() => silent.peers.some(({ text }) => text.includes('\r\n\r\n')))
    await clock.isAskedFor(3_000)
    clock.advance(2_999)
    expect(usable(proxy, { address })).toBe(1)
    clock.advance(1)
    expect(usable(proxy, { address })).toBe(0)
    expect(proxy.sluice.metric('sluice_health_checks_total', { outcome: 'failed' })).toBe(1)
  })

  test('rise, fall: so many checks in a row bring an endpoint back, or take it out', async () => {
    const server = await serveStatus(200)
    const checked = await startChecked('http: {}, rise: 3, fall: 2', server)
    const turns = async (...statuses: readonly number[]): Promise<boolean[]> => {
      const usable: boolean[] = []
      for (const status of statuses) {
        server.set.status = status
        await checked.nextCheck()
        usable.push(checked.isUsable())
      }
      return usable
    }
    expect(await turns(500, 200, 500, 500)).toEqual([true, true, true, false])
    expect((await ask(checked.proxy)).status).toBe(503)
    expect(await turns(200, 200, 500, 200, 200, 200)).toEqual([false, false, false, false, false, true])
    expect((await ask(checked.proxy)).status).toBe(200)
  })
})

describe('options of upstreams.NAME.healthCheck.http', () => {
  test('path, host: are what the endpoint is asked for; by default / and its address', async () => {
    const server = await serveStatus(200)
    await startChecked("http: { path: '/ready?full=1', host: check.example }", server)
    await startChecked('http: {}', server)
    expect(server.asked.map(({ method, target, headers }) => [method, target, headers.host])).toEqual([
      ['GET', '/ready?full=1', 'check.example'],
      ['GET', '/', server.address],
    ])
  })

  test('statuses: say that all is well; by default any from 200 to 299', async () => {
    const isUsable = async (status: number, http: string): Promise<boolean> =>
      (await startChecked(`http: ${http}`, await serveStatus(status))).isUsable()
    expect(await isUsable(404, "{ statuses: ['200-299', 404] }")).toBe(true)
    expect(await isUsable(404, '{}')).toBe(false)
    expect(await isUsable(204, '{}')).toBe(true)
    expect(await isUsable(204, '{ statuses: [200] }')).toBe(false)
  })
})
