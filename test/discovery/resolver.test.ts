import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.js'
import { DnsClient } from '../../src/discovery/dns-client.js'
import type { ResolverSettings } from '../../src/discovery/resolv-conf.js'
import { Resolver } from '../../src/discovery/resolver.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { a, aaaa, cname, type DnsServer, serveDns, soa, srv, zoneOf } from '../support/dns-server.js'

const never = new AbortController().signal

function resolverOf(servers: readonly Pick<DnsServer, 'host' | 'port'>[], settings: Partial<ResolverSettings> = {}) {
  const all = { servers, search: [], ndots: 1, timeoutMs: 60_000, attempts: 2, ...settings }
  const clock = settings.timeoutMs === undefined ? systemClock : frozen
  return new Resolver(new DnsClient(all, clock), all, clock)
}

const frozen = new AnnouncingClock()

describe('addresses', () => {
  test('are those of both families, with the smaller time to live', async () => {
    const server = await serveDns(
      zoneOf(a('shop.test', '10.0.0.1', 30), a('shop.test', '10.0.0.2', 30), aaaa('shop.test', 'fd00::1', 20)),
    )
    const found = await resolverOf([server]).addresses('shop.test', never)
    expect(found.data).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::1'])
    expect(found.ttlMs).toBe(20_000)
  })

  test('a family without addresses says nothing about how long those of the other hold', async () => {
    const server = await serveDns((name, type) =>
      type === 'A' ? { answers: [a(name, '10.0.0.1', 300)] } : { authorities: [soa('test', 5, 5)] },
    )
    expect((await resolverOf([server]).addresses('shop.test', never)).ttlMs).toBe(300_000)
  })

  test('come by way of aliases, within an answer and beyond it', async () => {
    const beyond = zoneOf(
      cname('www.test', 'edge.test', 7),
      cname('edge.test', 'host.test', 60),
      a('host.test', '10.0.0.9'),
    )
    const server = await serveDns(beyond)
    const found = await resolverOf([server]).addresses('www.test', never)
    expect(found).toMatchObject({ data: ['10.0.0.9'], ttlMs: 7_000 })
    server.zone = (_, type) => ({
      answers:
        type === 'AAAA'
          ? []
          : [cname('WWW.test', 'Host.test', 9), a('hOst.test', '10.0.0.8', 60), a('other.test', '6.6.6.6')],
    })
    expect(await resolverOf([server]).addresses('www.test', never)).toMatchObject({ data: ['10.0.0.8'], ttlMs: 9_000 })
  })

  test('a circle of aliases is a failure', async () => {
    const server = await serveDns(zoneOf(cname('one.test', 'two.test'), cname('two.test', 'one.test')))
    await expect(resolverOf([server]).addresses('one.test', never)).rejects.toThrow('aliases')
  })

  test('of a server that cannot say AAAA are those it has', async () => {
    const server = await serveDns((name, type) =>
      type === 'A' ? { answers: [a(name, '10.0.0.1')] } : { rcode: 'SERVFAIL' },
    )
    expect(await resolverOf([server]).addresses('shop.test', never)).toMatchObject({ data: ['10.0.0.1'], unasked: 6 })
  })

  test('are none where there is no such name, for as long as the zone says', async () => {
    const server = await serveDns(() => ({ rcode: 'NXDOMAIN', authorities: [soa('test', 900, 15)] }))
    expect(await resolverOf([server]).addresses('gone.test', never)).toMatchObject({ data: [], ttlMs: 15_000 })
  })
})

describe('the search list', () => {
  test('is gone through as in a pod until a name has addresses', async () => {
    const server = await serveDns(zoneOf(a('api.svc.cluster.local', '10.0.0.1')))
    const pod = { search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], ndots: 5 }
    expect((await resolverOf([server], pod).addresses('api', never)).data).toEqual(['10.0.0.1'])
    expect([...server.asked].sort()).toEqual([
      'udp api.shop.svc.cluster.local A',
      'udp api.shop.svc.cluster.local AAAA',
      'udp api.svc.cluster.local A',
      'udp api.svc.cluster.local AAAA',
    ])
  })

  test('asks again for a name that had nothing only when the time of that answer is over', async () => {
    const good = zoneOf(a('api.cluster.local', '10.0.0.1'))
    const server = await serveDns((name, type) => {
      const reply = good(name, type)
      return reply?.rcode === 'NXDOMAIN' ? { ...reply, authorities: [soa('cluster.local', 30, 30)] } : reply
    })
    const resolver = resolverOf([server], { search: ['svc.cluster.local', 'cluster.local'], timeoutMs: 60_000 })
    const asked = async (): Promise<string[]> => {
      server.asked.length = 0
      expect((await resolver.addresses('api', never)).data).toEqual(['10.0.0.1'])
      return [...new Set(server.asked.map((question) => question.split(' ')[1]!))]
    }
    expect(await asked()).toEqual(['api.svc.cluster.local', 'api.cluster.local'])
    frozen.advance(29_999)
    expect(await asked()).toEqual(['api.cluster.local'])
    frozen.advance(1)
    expect(await asked()).toEqual(['api.svc.cluster.local', 'api.cluster.local'])
  })

  test('passes over what is longer than a name can be', async () => {
    const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.test`
    const server = await serveDns((asked) =>
      asked === name ? { answers: [a(name, '10.0.0.1')] } : { rcode: 'FORMERR' },
    )
    const search = [`${'d'.repeat(60)}.cluster.local`]
    expect((await resolverOf([server], { search, ndots: 5 }).addresses(name, never)).data).toEqual(['10.0.0.1'])
  })

  test('ends at a failure: another name must not answer for one that could not be asked for', async () => {
    const server = await serveDns((name) =>
      name === 'api' ? { answers: [a('api', '6.6.6.6')] } : { rcode: 'SERVFAIL' },
    )
    const resolver = resolverOf([server], { search: ['cluster.local'], ndots: 5 })
    await expect(resolver.addresses('api', never)).rejects.toThrow('SERVFAIL')
    expect(server.asked.filter((question) => question.includes(' api A'))).toEqual([])
  })
})

describe('services', () => {
  test('hold no longer than the addresses that were sent along', async () => {
    const name = '_http._tcp.shop.test'
    const server = await serveDns(() => ({
      answers: [srv(name, 'one.test', 8080, { ttl: 60 })],
      additionals: [a('one.test', '10.0.0.1', 5)],
    }))
    expect((await resolverOf([server]).services(name, never)).ttlMs).toBe(5_000)
  })

  test('have targets, ports, weights, and the addresses that were sent along', async () => {
    const name = '_http._tcp.shop.test'
    const server = await serveDns(() => ({
      answers: [srv(name, 'One.test', 8080, { ttl: 12, priority: 1, weight: 3 })],
      additionals: [a('one.test', '10.0.0.1')],
    }))
    const found = await resolverOf([server]).services(name, never)
    expect(found.data).toEqual([{ target: 'one.test', port: 8080, priority: 1, weight: 3 }])
    expect(found.ttlMs).toBe(12_000)
    expect(found.alongside).toEqual(new Map([['one.test', ['10.0.0.1']]]))
  })
})

describe('a server', () => {
  test('that cuts its answer short is asked over TCP', async () => {
    const many = Array.from({ length: 100 }, (_, index) => a('shop.test', `10.0.0.${index}`))
    const server = await serveDns(zoneOf(...many))
    server.truncates = true
    expect((await resolverOf([server]).addresses('shop.test', never)).data).toHaveLength(100)
    expect(server.asked).toContain('udp shop.test A')
    expect(server.asked).toContain('tcp shop.test A')
  })

  test.each(['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR'] as const)(
    'that answers %s makes way for the next',
    async (rcode) => {
      const [broken, well] = [await serveDns(() => ({ rcode })), await serveDns(zoneOf(a('shop.test', '10.0.0.1')))]
      expect((await resolverOf([broken, well]).addresses('shop.test', never)).data).toEqual(['10.0.0.1'])
      await expect(resolverOf([broken]).addresses('shop.test', never)).rejects.toThrow(rcode)
    },
  )

  test('that is not there makes way for the next', async () => {
    const nobody = createSocket('udp4').bind(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address()
    await new Promise<void>((resolve) => nobody.close(resolve))
    const well = await serveDns(zoneOf(a('shop.test', '10.0.0.1')))
    const resolver = resolverOf([{ host: '127.0.0.1', port }, well])
    expect((await resolver.addresses('shop.test', never)).data).toEqual(['10.0.0.1'])
  })

  test.each(['255.255.255.255', 'fe80::1'])(
    'that nothing can be sent to, as %s, makes way for the next',
    async (host) => {
      const well = await serveDns(zoneOf(a('shop.test', '10.0.0.1')))
      expect((await resolverOf([{ host, port: 53 }, well]).addresses('shop.test', never)).data).toEqual(['10.0.0.1'])
    },
  )

  test('that refuses without repeating the question makes way at once', async () => {
    const [broken, well] = [await serveDns(() => undefined), await serveDns(zoneOf(a('shop.test', '10.0.0.1')))]
    // Twelve bytes of header, FORMERR, and no question: RFC 1035 section 4.1.1.
    broken.forge = (question) => Buffer.from([question[0]!, question[1]!, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
    const resolver = resolverOf([broken, well], { timeoutMs: 3_000 })
    expect((await resolver.addresses('shop.test', never)).data).toEqual(['10.0.0.1'])
    expect(frozen.pending).toEqual([])
  })

  test('that says nothing makes way when its time is over, for as many rounds as there are attempts', async () => {
    const silent = await serveDns(() => undefined)
    const resolver = resolverOf([silent], { timeoutMs: 3_000, attempts: 2 })
    const services = resolver.services('_x._tcp.test', never)
    const failed = expect(services).rejects.toThrow('no answer within 3 s')
    await silent.hasBeenAsked(1)
    frozen.advance(3_000)
    await silent.hasBeenAsked(2)
    frozen.advance(3_000)
    await failed
    expect(frozen.pending).toEqual([])
    expect(silent.asked).toHaveLength(2)
  })

  test('is waited for no longer when the question is given up', async () => {
    const silent = await serveDns(() => undefined)
    const given = new AbortController()
    const services = resolverOf([silent], { timeoutMs: 3_000 }).services('_x._tcp.test', given.signal)
    const failed = expect(services).rejects.toThrow('given up')
    await silent.hasBeenAsked(1)
    given.abort()
    await failed
    expect(frozen.pending).toEqual([])
  })

  test.each<[string, (question: Buffer) => Buffer]>([
    ['a random datagram', () => Buffer.from('no answer at all')],
    ['nothing', () => Buffer.alloc(0)],
    ['the question itself', (question) => question],
    ['an answer with another number', (question) => answerTo(question, (bytes) => (bytes[0]! ^= 0xff))],
    ['an answer to another name', (question) => answerTo(question, (bytes) => (bytes[13]! ^= 0x01))],
    ['an answer that ends early', (question) => answerTo(question, () => {}).subarray(0, 20)],
  ])('is believed only where it answers the question: %s before it is passed over', async (_, forge) => {
    const server = await serveDns(zoneOf(a('shop.test', '10.0.0.1')))
    server.forge = forge
    expect((await resolverOf([server]).addresses('shop.test', never)).data).toEqual(['10.0.0.1'])
  })

  function answerTo(question: Buffer, change: (bytes: Buffer) => void): Buffer {
    const bytes = Buffer.from(question)
    // RFC 1035 section 4.1.1: QR is the first bit of the third byte. No such name: rcode 3.
    bytes[2]! |= 0x80
    bytes[3]! |= 0x03
    change(bytes)
    return bytes
  }
})
