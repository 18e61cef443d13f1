import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.js'
import { DnsClient } from '../../src/discovery/dns-client.js'
import { Resolver } from '../../src/discovery/resolver.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startDnsmasq } from '../support/servers/dnsmasq.js'

const programs = needPrograms('dnsmasq (dnsmasq-base)', 'dig (bind9-dnsutils)')
const never = new AbortController().signal

/** Enough that they do not fit into 512 bytes, which is what UDP without EDNS carries (RFC 1035 section 4.2.1). */
const MANY = Array.from({ length: 60 }, (_, index) => `10.1.0.${index + 1}`)

describe.skipIf(programs.areMissing)('dnsmasq is understood' + programs.why, () => {
  let server: Awaited<ReturnType<typeof startDnsmasq>>

  beforeAll(async () => {
    server = await startDnsmasq(
      '--host-record=pod-0.web.svc.cluster.local,10.0.0.1,fd00::1',
      '--host-record=pod-1.web.svc.cluster.local,10.0.0.2',
      '--cname=www.svc.cluster.local,pod-1.web.svc.cluster.local',
      '--srv-host=_http._tcp.web.svc.cluster.local,pod-0.web.svc.cluster.local,8080,0,3',
      '--srv-host=_http._tcp.web.svc.cluster.local,pod-1.web.svc.cluster.local,8081,0,1',
      ...MANY.map((address) => `--host-record=many.svc.cluster.local,${address}`),
    )
  })
  afterAll(async () => await server.stop())

  function resolver(): Resolver {
    const settings = {
      servers: [{ host: '127.0.0.1', port: server.port }],
      search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      timeoutMs: 5_000,
      attempts: 2,
    }
    return new Resolver(new DnsClient(settings, systemClock), settings, systemClock)
  }

  test.each(['pod-0.web', 'pod-1.web', 'www', 'many'])('%s has the addresses that dig finds', async (name) => {
    const found = await resolver().addresses(name, never)
    const dig = async (type: string): Promise<string[]> => {
      const where = ['-p', String(server.port), '@127.0.0.1']
      const { stdout } = await runProgram('dig', [...where, '+short', `${name}.svc.cluster.local`, type])
      return stdout.split('\n').filter((line) => /^[\da-f.:]+$/.test(line) && !line.endsWith('.'))
    }
    expect([...found.data].sort()).toEqual([...(await dig('A')), ...(await dig('AAAA'))].sort())
    if (name === 'many') expect(found.data).toHaveLength(MANY.length)
    expect(found.ttlMs).toBe(17_000)
  })

  test('a name that is not there has none', async () => {
    expect((await resolver().addresses('nobody.svc.cluster.local.', never)).data).toEqual([])
  })

  test('services have targets, ports and weights', async () => {
    const found = await resolver().services('_http._tcp.web', never)
    expect([...found.data].sort((one, other) => one.port - other.port)).toEqual([
      { target: 'pod-0.web.svc.cluster.local', port: 8080, priority: 0, weight: 3 },
      { target: 'pod-1.web.svc.cluster.local', port: 8081, priority: 0, weight: 1 },
    ])
    expect(found.alongside.get('pod-0.web.svc.cluster.local')).toContain('10.0.0.1')
  })
})
