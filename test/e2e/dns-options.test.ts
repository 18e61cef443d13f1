import { describe, expect, test } from 'vitest'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { a, type DnsServer, serveDns, srv, zoneOf } from '../support/dns-server.js'
import { ask, type Proxy, routedYaml, serveWeb, startYaml } from '../support/routed-yaml.js'
import { until } from '../support/until.js'

const SERVICE = '_http._tcp.web.test'

/** A proxy before what the SRV records of a name say, asked for as these options of `dns` do. */
function startDns(dns: string, { name = `${SERVICE}.`, clock = new AnnouncingClock() } = {}) {
  const upstreams = `upstreams: { web: { endpoints: [{ srv: ${name} }] } }`
  return startYaml(routedYaml('web', '', `dns: { ${dns} }\n${upstreams}`), { clock })
}

/** A zone with one server, under any of these names. */
async function serviceZone(ttl: number, ...names: readonly string[]) {
  const { port } = await serveWeb('one')
  return zoneOf(...names.map((name) => srv(name, 'host.test', port, { ttl })), a('host.test', '127.0.0.1', ttl))
}

/** The names that were asked for with their SRV records. */
function services({ asked }: DnsServer): string[] {
  return asked.flatMap((question) => /^udp (\S+) SRV$/.exec(question)?.[1] ?? [])
}

const endpoints = ({ sluice }: Proxy): number => sluice.metric('sluice_upstream_endpoints', { upstream: 'web' })

/** Settles when the next question waits for this long, or up to a tenth more: refreshes drift apart. */
function waits(clock: AnnouncingClock, seconds: number): Promise<void> {
  return until(() => clock.pending.some((delay) => delay >= seconds * 1_000 && delay <= seconds * 1_100))
}

describe('options of dns', () => {
  test('servers: are asked in their order, the next where one has no answer', async () => {
    const zone = await serviceZone(60, SERVICE)
    const [refusing, answering] = [await serveDns(() => ({ rcode: 'REFUSED' })), await serveDns(zone)]
    const proxy = await startDns(`servers: ['${refusing.address}', '${answering.address}'], attempts: 1`)
    expect((await ask(proxy)).body).toBe('one')
    expect([services(refusing), services(answering)]).toEqual([[SERVICE], [SERVICE]])
    const alone = await startDns(`servers: ['${answering.address}']`)
    expect((await ask(alone)).body).toBe('one')
    expect(services(refusing)).toHaveLength(1)
  })

  test('search, ndots: say which names are tried, and in which order', async () => {
    const zone = await serviceZone(60, '_http._tcp.web.b.test', '_http._tcp.web')
    const asked = async (options: string, name = '_http._tcp.web'): Promise<string[]> => {
      const dns = await serveDns(zone)
      const proxy = await startDns(`servers: ['${dns.address}'], ${options}`, { name })
      expect((await ask(proxy)).body).toBe('one')
      return services(dns)
    }
    const searched = ['_http._tcp.web.a.test', '_http._tcp.web.b.test']
    expect(await asked('search: [a.test, b.test], ndots: 5')).toEqual(searched)
    expect(await asked('search: [a.test, b.test], ndots: 2')).toEqual(['_http._tcp.web'])
    expect(await asked('search: [a.test], ndots: 5')).toEqual(['_http._tcp.web.a.test', '_http._tcp.web'])
    expect(await asked('search: []')).toEqual(['_http._tcp.web'])
    expect(await asked('search: [a.test, b.test], ndots: 5', '_http._tcp.web.')).toEqual(['_http._tcp.web'])
  })

  test('timeout, attempts: a server that is silent so long is asked again so often, and then the question has failed', async () => {
    const dns = await serveDns(() => undefined)
    const clock = new AnnouncingClock()
    const starting = startDns(`servers: ['${dns.address}'], timeout: 700ms, attempts: 3, minTtl: 1m`, { clock })
    for (let attempt = 1; attempt <= 3; attempt++) {
      await dns.hasBeenAsked(attempt)
      await clock.isAskedFor(700)
      clock.advance(699)
      expect(dns.asked).toHaveLength(attempt)
      clock.advance(1)
    }
    // A start waits for the first answers, and this was the failure of all.
    const proxy = await starting
    expect(proxy.sluice.metric('sluice_upstream_sources_failing', { upstream: 'web' })).toBe(1)
    expect(dns.asked).toHaveLength(3)
    expect((await ask(proxy)).status).toBe(503)
  })

  test('minTtl: a name is asked for again no sooner, whatever its answer says', async () => {
    for (const [options, seconds] of [['minTtl: 40s', 40] as const, ['', 5] as const]) {
      const dns = await serveDns(await serviceZone(5, SERVICE))
      const clock = new AnnouncingClock()
      const proxy = await startDns(`servers: ['${dns.address}'], ${options}`, { clock })
      await waits(clock, seconds)
      clock.advance(seconds * 1_000 - 1)
      expect(services(dns)).toHaveLength(1)
      clock.advance(seconds * 100 + 1)
      await until(() => services(dns).length === 2)
      expect((await ask(proxy)).body).toBe('one')
    }
  })

  test('maxTtl: a name is asked for again no later, whatever its answer says', async () => {
    for (const [options, seconds] of [['maxTtl: 40s', 40] as const, ['', 300] as const]) {
      const dns = await serveDns(await serviceZone(86_400, SERVICE))
      const clock = new AnnouncingClock()
      await startDns(`servers: ['${dns.address}'], ${options}`, { clock })
      await waits(clock, seconds)
      clock.advance(seconds * 1_100)
      await until(() => services(dns).length === 2)
    }
  })

  test('hold: a name that had records must be said to have none for so long until its endpoints are dropped', async () => {
    for (const [hold, questions] of [['0s', 1] as const, ['10s', 3] as const]) {
      const dns = await serveDns(await serviceZone(5, SERVICE))
      const clock = new AnnouncingClock()
      const proxy = await startDns(`servers: ['${dns.address}'], hold: ${hold}`, { clock })
      dns.zone = zoneOf()
      for (let question = 1; question <= questions; question++) {
        expect([endpoints(proxy), (await ask(proxy)).status], `${hold}, question ${question}`).toEqual([1, 200])
        await waits(clock, 5)
        clock.advance(5_500)
        await until(() => services(dns).length === question + 1)
      }
      await until(() => endpoints(proxy) === 0)
      expect(await ask(proxy)).toMatchObject({ status: 503, body: expect.stringContaining('no-endpoint') as string })
    }
  })
})
