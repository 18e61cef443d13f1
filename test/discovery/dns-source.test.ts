import { describe, expect, test } from 'vitest'
import type { DnsSourceConfig } from '../../src/core/config/config.js'
import type { SourcedEndpoint } from '../../src/core/endpoint-source.js'
import { silentLog } from '../../src/core/log.js'
import { DnsFailure } from '../../src/discovery/dns-client.js'
import { DnsSource, type RefreshBounds } from '../../src/discovery/dns-source.js'
import type { Found, Resolver, Service } from '../../src/discovery/resolver.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { until } from '../support/until.js'

const BOUNDS: RefreshBounds = { minTtlMs: 1_000, maxTtlMs: 60_000, holdMs: 30_000 }
const SHARE = { weight: undefined, maxConnections: undefined }
const DNS: DnsSourceConfig = { kind: 'dns', name: 'shop', port: 80, ...SHARE }
const SRV: DnsSourceConfig = { kind: 'srv', name: '_http._tcp.shop', ...SHARE }

const none: ReadonlyMap<string, readonly string[]> = new Map()
const found = <T>(ttlMs: number, ...data: T[]): Found<T> => ({ data, ttlMs, alongside: none })

/** A resolver that answers what the test has told it to, and a source that asks it. */
class Asked implements Pick<Resolver, 'addresses' | 'services'> {
  readonly clock = new FakeClock()
  readonly sets: string[][] = []
  readonly endpoints: (readonly SourcedEndpoint[])[] = []
  readonly source: DnsSource
  count = 0
  signal: AbortSignal | undefined
  answer: () => Found<string> | Promise<Found<string>> = () => found(10_000, '10.0.0.1')
  service: () => Found<Service> = () => found<Service>(10_000)
  readonly names: string[] = []

  constructor(config: DnsSourceConfig = DNS, random = 0) {
    this.source = new DnsSource(config, BOUNDS, {
      resolver: this,
      clock: this.clock,
      log: silentLog,
      random: () => random,
    })
  }

  async addresses(name: string, signal: AbortSignal): Promise<Found<string>> {
    this.count++
    this.names.push(name)
    this.signal = signal
    return await this.answer()
  }

  async services(_name: string, signal: AbortSignal): Promise<Found<Service>> {
    this.signal = signal
    return await Promise.resolve(this.service())
  }

  async start(): Promise<this> {
    await this.source.start((endpoints) => {
      this.endpoints.push(endpoints)
      this.sets.push(endpoints.map(({ host, port }) => `${host}:${port}`))
    })
    return this
  }

  /** Moves on to the next question, and waits until it has been answered. */
  async next(): Promise<number> {
    const [delay] = this.clock.pending
    this.clock.advance(delay!)
    await until(() => this.clock.pending.length > 0)
    return delay!
  }
}

describe('a DNS source', () => {
  test('gives the addresses with its port, in one order however the server turns them', async () => {
    const asked = new Asked()
    asked.answer = () => found(10_000, '10.0.0.2', '10.0.0.1')
    await asked.start()
    asked.answer = () => found(10_000, '10.0.0.1', '10.0.0.2')
    await asked.next()
    expect(asked.sets).toEqual([
      ['10.0.0.1:80', '10.0.0.2:80'],
      ['10.0.0.1:80', '10.0.0.2:80'],
    ])
    expect(asked.source.problem).toBeUndefined()
  })

  test.each([
    [10_000, 0, 10_000],
    [10_000, 0.5, 10_500],
    [0, 0, 1_000],
    [86_400_000, 0, 60_000],
  ])('asks again after the time to live of %i ms (random %f): after %i', async (ttlMs, random, expected) => {
    const asked = new Asked(DNS, random)
    asked.answer = () => found(ttlMs, '10.0.0.1')
    await asked.start()
    expect(asked.clock.pending).toEqual([expected])
  })

  test('keeps the last set through failures, asked for less and less often, and says why', async () => {
    const asked = await new Asked().start()
    asked.answer = () => {
      throw new DnsFailure('10.96.0.10:53: it answered SERVFAIL')
    }
    await asked.next()
    expect(asked.source.problem).toContain('SERVFAIL')
    const delays: number[] = []
    for (let i = 0; i < 7; i++) delays.push(await asked.next())
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(asked.sets).toEqual([['10.0.0.1:80']])
    asked.answer = () => found(10_000, '10.0.0.3')
    await asked.next()
    expect(asked.sets.at(-1)).toEqual(['10.0.0.3:80'])
    expect(asked.source.problem).toBeUndefined()
  })

  test('starts where nothing can be resolved: with no set, and a reason', async () => {
    const asked = new Asked()
    asked.answer = () => Promise.reject(new DnsFailure('there is no server to ask'))
    await asked.start()
    expect(asked.sets).toEqual([])
    expect(asked.source.problem).toBe('there is no server to ask')
  })

  test('believes that a name is gone when that was said for as long as it holds its set', async () => {
    const asked = await new Asked().start()
    asked.answer = () => found<string>(10_000)
    for (let i = 0; i < 3; i++) await asked.next()
    expect(asked.sets).toEqual([['10.0.0.1:80']])
    await asked.next()
    expect(asked.sets.at(-1)).toEqual([])
    asked.answer = () => found(10_000, '10.0.0.1')
    await asked.next()
    expect(asked.sets.at(-1)).toEqual(['10.0.0.1:80'])
  })

  test('a name that was gone for a moment is not', async () => {
    const asked = await new Asked().start()
    for (let i = 0; i < 5; i++) {
      asked.answer = () => found<string>(10_000)
      await asked.next()
      await asked.next()
      asked.answer = () => found(10_000, '10.0.0.1')
      await asked.next()
    }
    expect(new Set(asked.sets.map((set) => set.join()))).toEqual(new Set(['10.0.0.1:80']))
  })

  test('uses no more than a thousand of what a name has', async () => {
    const asked = new Asked()
    asked.answer = () => found(10_000, ...Array.from({ length: 1_200 }, (_, i) => `10.0.${i >> 8}.${i & 255}`))
    await asked.start()
    expect(asked.sets[0]).toHaveLength(1_000)
  })

  test('hands weight and bound on to each endpoint', async () => {
    const asked = await new Asked({ ...DNS, weight: 3, maxConnections: 7 }).start()
    expect(asked.endpoints[0]).toEqual([{ host: '10.0.0.1', port: 80, weight: 3, maxConnections: 7 }])
  })

  test('keeps what it knows of a family that could not be asked for', async () => {
    const asked = new Asked()
    asked.answer = () => found(10_000, '10.0.0.1', 'fd00::1')
    await asked.start()
    asked.answer = () => ({ ...found(10_000, '10.0.0.2'), unasked: 6 })
    await asked.next()
    await asked.next()
    expect(asked.sets.at(-1)).toEqual(['10.0.0.2:80', 'fd00::1:80'])
    asked.answer = () => found(10_000, '10.0.0.2')
    await asked.next()
    expect(asked.sets.at(-1)).toEqual(['10.0.0.2:80'])
  })

  test('names an address once, however often the answer has it', async () => {
    const asked = new Asked()
    asked.answer = () => found(10_000, '10.0.0.1', '10.0.0.2', '10.0.0.1')
    await asked.start()
    expect(asked.sets).toEqual([['10.0.0.1:80', '10.0.0.2:80']])
  })

  test('asks whether a name is still gone when its hold is over, however long the answer holds', async () => {
    const asked = await new Asked().start()
    asked.answer = () => found<string>(50_000)
    await asked.next()
    expect(asked.clock.pending).toEqual([30_000])
    await asked.next()
    expect(asked.sets.at(-1)).toEqual([])
  })

  test('stops asking, also where a question is under way', async () => {
    const asked = await new Asked().start()
    let settle: (answer: Found<string>) => void = () => {}
    asked.answer = () => new Promise((resolve) => (settle = resolve))
    asked.clock.advance(10_000)
    asked.source.stop()
    expect(asked.signal?.aborted).toBe(true)
    settle(found(10_000, '10.0.0.9'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(asked.clock.pending).toEqual([])
    expect(asked.sets).toEqual([['10.0.0.1:80']])
  })
})

describe('an SRV source', () => {
  const service = (target: string, more: Partial<Service> = {}): Service => ({
    target,
    port: 8080,
    priority: 0,
    weight: 0,
    ...more,
  })

  test('gives the addresses of the targets, with their ports, weights and priorities', async () => {
    const asked = new Asked({ ...SRV, weight: 2 })
    asked.service = () => ({
      data: [
        service('one.test', { priority: 1, weight: 5 }),
        service('two.test', { priority: 1, port: 9090 }),
        service('backup.test', { priority: 2, weight: 5 }),
      ],
      ttlMs: 40_000,
      alongside: new Map([['one.test', ['10.0.0.1', 'fd00::1']]]),
    })
    asked.answer = () => found(15_000, '10.0.0.2')
    await asked.start()
    expect(asked.endpoints[0]).toEqual([
      { host: '10.0.0.1', port: 8080, weight: 10, priority: 1, maxConnections: undefined },
      { host: '10.0.0.2', port: 8080, weight: 10, priority: 2, maxConnections: undefined },
      { host: '10.0.0.2', port: 9090, weight: 2, priority: 1, maxConnections: undefined },
      { host: 'fd00::1', port: 8080, weight: 10, priority: 1, maxConnections: undefined },
    ])
    // Targets are absolute, and their time to live counts too.
    expect([...asked.names].sort()).toEqual(['backup.test.', 'two.test.'])
    expect(asked.clock.pending).toEqual([15_000])
  })

  test('a target of "." is a service that is not there', async () => {
    const asked = new Asked(SRV)
    asked.service = () => found(10_000, service(''))
    await asked.start()
    expect(asked.sets).toEqual([])
    expect(asked.source.problem).toContain('no such')
  })

  test('asks for each target once, and keeps the last set where one of them fails', async () => {
    const asked = new Asked(SRV)
    asked.service = () => found(10_000, service('one.test'), service('one.test', { port: 8081 }), service('two.test'))
    await asked.start()
    expect([...asked.names].sort()).toEqual(['one.test.', 'two.test.'])
    expect(asked.sets[0]).toEqual(['10.0.0.1:8080', '10.0.0.1:8081'])
    asked.answer = () => Promise.reject(new DnsFailure('no answer within 5 s'))
    await asked.next()
    expect(asked.sets).toHaveLength(1)
  })

  test('uses no more than a thousand targets', async () => {
    const asked = new Asked(SRV)
    const services = Array.from({ length: 1_200 }, (_, i) => service(`t${i}.test`, { port: i + 1 }))
    asked.service = () => found(10_000, ...services)
    await asked.start()
    expect(asked.source.problem).toBeUndefined()
    expect(asked.sets[0]).toHaveLength(1_000)
  })
})
