import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CLOCK } from '../../src/core/tokens.js'
import type { Sluice } from '../../src/sluice.js'
import type { SluiceConfig } from '../../src/sluice-config.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { a, type DnsServer, serveDns, srv, zoneOf } from '../support/dns-server.js'
import { connectTo, type Peer, serve, type TestServer } from '../support/sockets.js'
import { startSluice } from '../support/start-sluice.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { startUnansweringServer } from '../support/unanswering-server.js'
import { until } from '../support/until.js'

type Upstream = NonNullable<SluiceConfig['upstreams']>[string]

/** The name of a group's endpoints, at the sight of a pod. */
const POD = { search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], ndots: 5, attempts: 1 }

async function startUpstream(web: Upstream, dns?: DnsServer): Promise<{ sluice: Sluice; clock: AnnouncingClock }> {
  const clock = new AnnouncingClock()
  const sluice = await startSluice(
    {
      ...(dns && { dns: { ...POD, servers: [dns.address] } }),
      upstreams: { web },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web' }],
    },
    { providers: [{ token: CLOCK, value: clock }] },
  )
  return { sluice, clock }
}

/** Connects and says something; gives the client, and the server that heard it. */
async function talk(sluice: Sluice, servers: readonly TestServer[]): Promise<{ client: Peer; server: number }> {
  const word = `word ${++words};`
  const client = (await connectTo(sluice.address().port)).send(word)
  const heard = (): number => servers.findIndex(({ peers }) => peers.some(({ text }) => text.includes(word)))
  await until(() => heard() >= 0)
  return { client, server: heard() }
}
let words = 0

async function heardBy(sluice: Sluice, servers: readonly TestServer[], connections: number): Promise<number[]> {
  const heard = new Set<number>()
  for (let i = 0; i < connections; i++) heard.add((await talk(sluice, servers)).server)
  return [...heard].sort()
}

const usable = (sluice: Sluice, { port }: TestServer, host = '127.0.0.1'): number =>
  sluice.metric('sluice_endpoint_usable', { upstream: 'web', endpoint: `${host}:${port}` })

/** The time to live of the answers, give or take the tenth by which refreshes drift apart. */
async function refresh(clock: AnnouncingClock, dns: DnsServer): Promise<void> {
  const before = dns.asked.length
  await until(() => clock.pending.some((delay) => delay >= 10_000 && delay <= 11_000))
  clock.advance(11_000)
  await dns.hasBeenAsked(before + 1)
}

describe('endpoints from DNS', () => {
  test('SRV records are found by the search list, and changes touch no connection that is open', async () => {
    const servers = [await serve(), await serve(), await serve()]
    const service = '_http._tcp.web.shop.svc.cluster.local'
    const zone = (...indices: number[]) =>
      zoneOf(
        ...indices.map((index) => srv(service, `pod-${index}.cluster.local`, servers[index]!.port, { ttl: 10 })),
        ...indices.map((index) => a(`pod-${index}.cluster.local`, '127.0.0.1', 10)),
      )
    const dns = await serveDns(zone(0, 1))
    const { sluice, clock } = await startUpstream({ endpoints: [{ srv: '_http._tcp.web' }] }, dns)
    expect(await heardBy(sluice, servers, 4)).toEqual([0, 1])
    const both = [await talk(sluice, servers), await talk(sluice, servers)]
    const { client } = both.find(({ server }) => server === 0)!

    dns.zone = zone(1, 2)
    await refresh(clock, dns)
    await until(() => sluice.metric('sluice_upstream_changes_total', { upstream: 'web' }) === 2)
    expect(await heardBy(sluice, servers, 4)).toEqual([1, 2])
    // What was open to the endpoint that has left goes on.
    client.send('still here')
    const peer = servers[0]!.peers.at(-1)!
    await peer.hears('still here')
    peer.send('so am I')
    await client.hears('so am I')
    expect(sluice.metric('sluice_upstream_endpoints', { upstream: 'web' })).toBe(2)
    expect(await sluice.renderMetrics()).not.toContain(`endpoint="127.0.0.1:${servers[0]!.port}"`)
  })

  test('each address of a name is an endpoint, balanced and bounded by itself', async () => {
    const server = await serve()
    const dns = await serveDns(
      zoneOf(a('web.svc.cluster.local', '127.0.0.1', 10), a('web.svc.cluster.local', '127.0.0.2', 10)),
    )
    const endpoints = [{ dns: `web:${server.port}`, maxConnections: 1 }]
    const { sluice } = await startUpstream({ endpoints }, dns)
    const open = (host: string) =>
      sluice.metric('sluice_endpoint_open_connections', { endpoint: `${host}:${server.port}` })
    expect(sluice.metric('sluice_upstream_endpoints')).toBe(2)
    const first = await connectTo(sluice.address().port)
    await until(() => open('127.0.0.1') === 1)
    // Nothing listens on the second address, so it refuses; and the first is full.
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_CONNECT_REFUSED' })
    expect(sluice.metric('sluice_endpoint_picks_total', { endpoint: `127.0.0.2:${server.port}` })).toBe(1)
    first.socket.destroy()
  })

  test('a failure keeps the last set, and is seen', async () => {
    const servers = [await serve()]
    const good = zoneOf(srv('_x._tcp.web.', 'one.', servers[0]!.port, { ttl: 10 }), a('one', '127.0.0.1', 10))
    const dns = await serveDns((name, type) => good(`${name}${type === 'SRV' ? '.' : ''}`, type))
    const { sluice, clock } = await startUpstream({ endpoints: [{ srv: '_x._tcp.web.' }] }, dns)
    expect(await heardBy(sluice, servers, 2)).toEqual([0])
    dns.zone = () => ({ rcode: 'SERVFAIL' })
    await refresh(clock, dns)
    await until(() => sluice.metric('sluice_upstream_sources_failing') === 1)
    expect(await heardBy(sluice, servers, 2)).toEqual([0])
    expect(sluice.metric('sluice_upstream_endpoints')).toBe(1)
  })

  test('Sluice starts while DNS is down, says so, and comes to its endpoints later', async () => {
    const servers = [await serve()]
    const dns = await serveDns(() => ({ rcode: 'REFUSED' }))
    const { sluice, clock } = await startUpstream({ endpoints: [{ dns: `web:${servers[0]!.port}` }] }, dns)
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_NO_ENDPOINT' })
    expect(sluice.metric('sluice_connect_errors_total', { code: 'SLUICE_NO_ENDPOINT' })).toBe(1)
    expect(sluice.metric('sluice_upstream_sources_failing', { upstream: 'web' })).toBe(1)

    dns.zone = zoneOf(a('web.cluster.local', '127.0.0.1'))
    await until(() => clock.pending.some((delay) => delay <= 1_100))
    clock.advance(1_100)
    await until(() => sluice.metric('sluice_upstream_endpoints') === 1)
    expect(await heardBy(sluice, servers, 2)).toEqual([0])
    expect(sluice.metric('sluice_upstream_sources_failing', { upstream: 'web' })).toBe(0)
  })
})

describe('a start', () => {
  test('waits for the first answers of DNS, and no longer than 5 s', async () => {
    const server = await serve()
    const dns = await serveDns(() => undefined)
    const clock = new AnnouncingClock()
    const starting = startSluice(
      {
        dns: { ...POD, servers: [dns.address], timeout: '20s' },
        upstreams: { web: { endpoints: [{ dns: `web:${server.port}` }, `127.0.0.1:${server.port}`] } },
        listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web' }],
      },
      { providers: [{ token: CLOCK, value: clock }] },
    )
    await dns.hasBeenAsked(2)
    await clock.isAskedFor(5_000)
    clock.advance(5_000)
    const sluice = await starting
    expect(sluice.metric('sluice_upstream_sources_failing')).toBe(1)
    await talk(sluice, [server])
    // Questions that are under way end with the proxy.
    await sluice.stop()
    expect(clock.pending).toEqual([])
  })
})

describe('endpoints from a file', () => {
  test('are taken from it as it changes, beside those that are written down', async () => {
    const servers = [await serve(), await serve(), await serve()]
    const folder = await temporaryFolder('upstreams')
    onTestFinished(() => folder.remove())
    const file = join(folder.path, 'endpoints.json')
    const write = async (...ports: number[]): Promise<void> => {
      await writeFile(`${file}.new`, JSON.stringify(ports.map((port) => `127.0.0.1:${port}`)))
      await rename(`${file}.new`, file)
    }
    await write(servers[1]!.port)
    // The path is seen from the folder of the configuration.
    const config = join(folder.path, 'sluice.yaml')
    await writeFile(
      config,
      `upstreams: { web: { endpoints: ["127.0.0.1:${servers[0]!.port}", { file: ./endpoints.json }] } }
listeners: [{ name: in, address: "127.0.0.1:0", destination: web }]
`,
    )
    const sluice = await startSluice(config)
    expect(await heardBy(sluice, servers, 4)).toEqual([0, 1])
    await write(servers[2]!.port)
    await until(() => sluice.metric('sluice_upstream_changes_total') === 2)
    expect(await heardBy(sluice, servers, 4)).toEqual([0, 2])
  })
})

describe('an endpoint that fails', () => {
  test('is set aside, and taken back after its time', async () => {
    const [gone, alive] = [await serve(), await serve()]
    await new Promise((resolve) => gone.server.close(resolve))
    const { sluice, clock } = await startUpstream({
      endpoints: [`127.0.0.1:${gone.port}`, `127.0.0.1:${alive.port}`],
      ejection: { consecutiveFailures: 2, baseTime: '30s' },
    })
    for (let i = 0; i < 4; i++) await talk(sluice, [alive])
    const labels = { endpoint: `127.0.0.1:${gone.port}` }
    expect(sluice.metric('sluice_endpoint_ejections_total', labels)).toBe(1)
    expect([usable(sluice, gone), usable(sluice, alive)]).toEqual([0, 1])
    const picks = sluice.metric('sluice_endpoint_picks_total', labels)
    expect(picks).toBe(2)
    for (let i = 0; i < 4; i++) await talk(sluice, [alive])
    expect(sluice.metric('sluice_endpoint_picks_total', labels)).toBe(picks)
    clock.advance(30_000)
    expect(usable(sluice, gone)).toBe(1)
    for (let i = 0; i < 2; i++) await talk(sluice, [alive])
    expect(sluice.metric('sluice_endpoint_picks_total', labels)).toBe(picks + 1)
  })

  test('has failed, too, where it does not answer within the time to connect', async () => {
    const [silent, alive] = [await startUnansweringServer(), await serve()]
    const { sluice, clock } = await startUpstream({
      endpoints: [`127.0.0.1:${silent}`, `127.0.0.1:${alive.port}`],
      ejection: { consecutiveFailures: 1, maxPercent: 100 },
    })
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    await clock.isAskedFor(5_000)
    clock.advance(5_000)
    expect(await closed).toMatchObject({ error: 'SLUICE_CONNECT_TIMEOUT' })
    expect(sluice.metric('sluice_endpoint_usable', { endpoint: `127.0.0.1:${silent}` })).toBe(0)
    await talk(sluice, [alive])
    await talk(sluice, [alive])
  })
})

describe('an endpoint that is checked', () => {
  test('is not used while its check fails, and a connection fails at once where none is left', async () => {
    let status = '503 Service Unavailable'
    const checked = await serve((peer) => peer.socket.once('data', () => peer.socket.end(`HTTP/1.1 ${status}\r\n\r\n`)))
    const server = await serve()
    const { sluice, clock } = await startUpstream({
      endpoints: [`127.0.0.1:${server.port}`],
      healthCheck: { http: { path: '/ready' }, port: checked.port, interval: '10s', rise: 1 },
    })
    await until(() => sluice.metric('sluice_health_checks_total', { outcome: 'failed' }) === 1)
    expect(usable(sluice, server)).toBe(0)
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_NO_USABLE_ENDPOINT' })
    expect(checked.peers[0]!.text).toMatch(/^GET \/ready HTTP\/1\.1\r\n/)
    status = '200 OK'
    clock.advance(11_000)
    await until(() => sluice.metric('sluice_health_checks_total', { outcome: 'passed' }) === 1)
    expect(usable(sluice, server)).toBe(1)
    await talk(sluice, [server])
  })
})

describe('consistent-hash', () => {
  test('takes a client to the same endpoint each time', async () => {
    const servers = [await serve(), await serve(), await serve()]
    const endpoints = servers.map(({ port }) => `127.0.0.1:${port}`)
    const { sluice } = await startUpstream({ endpoints, balance: 'consistent-hash' })
    expect(await heardBy(sluice, servers, 6)).toHaveLength(1)
  })
})
