import { describe, expect, test } from 'vitest'
import type { Endpoint } from '../../src/core/endpoint.js'
import type { EndpointSource, SourcedEndpoint } from '../../src/core/endpoint-source.js'
import { UpstreamGroup } from '../../src/core/upstream-group.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { seededRandom } from '../support/seeded-random.js'

class GivenSource implements EndpointSource {
  readonly label = 'given'
  problem: string | undefined = 'not asked yet'
  isStopped = false
  give: (endpoints: readonly SourcedEndpoint[]) => void = () => {}

  start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void> {
    this.give = onChange
    return Promise.resolve()
  }

  stop(): void {
    this.isStopped = true
  }
}

const at = (port: number, more: Partial<SourcedEndpoint> = {}): SourcedEndpoint => ({
  host: '10.0.0.1',
  port,
  maxConnections: undefined,
  ...more,
})

const labels = (group: UpstreamGroup) => group.endpoints.map(({ label }) => label)

describe('an upstream group', () => {
  test('is the union of what is written down and what its sources name, each address once', async () => {
    const [one, two] = [new GivenSource(), new GivenSource()]
    const group = new UpstreamGroup('web', [at(1)], { sources: [one, two] })
    await group.start()
    one.give([at(1), at(2)])
    two.give([at(2), at(3)])
    expect(labels(group)).toEqual(['10.0.0.1:1', '10.0.0.1:2', '10.0.0.1:3'])
    one.give([])
    expect(labels(group)).toEqual(['10.0.0.1:1', '10.0.0.1:2', '10.0.0.1:3'])
    two.give([])
    expect(labels(group)).toEqual(['10.0.0.1:1'])
  })

  test('keeps the endpoint of an address that stays, with what is open on it, and takes its new weight and bound', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source] })
    await group.start()
    source.give([at(1), at(2)])
    const [one] = group.endpoints
    one!.open = 5
    source.give([at(3), at(1, { weight: 4, maxConnections: 5 })])
    expect(group.endpoints[1]).toBe(one)
    expect(one).toMatchObject({ open: 5, weight: 4, isFull: true, isGone: false })
  })

  test.each(['round-robin', 'peak-ewma', 'consistent-hash'] as const)(
    'picks of a later priority only where none of an earlier one can be picked (%s)',
    async (balance) => {
      const source = new GivenSource()
      const group = new UpstreamGroup('web', [], { sources: [source], balance })
      await group.start()
      source.give([at(3, { priority: 7 }), at(1), at(2)])
      const [spare, one, two] = group.endpoints
      const picked = (): number[] => {
        const ports = Array.from({ length: 40 }, (_, i) => group.pickForRequest({ hashKey: `key ${i}` })!.port)
        return [...new Set(ports)].sort()
      }
      expect(picked()).toEqual([1, 2])
      one!.isHealthy = false
      expect(picked()).toEqual([2])
      expect(group.pickForRequest({ tried: new Set([two!]) })).toBe(spare)
      two!.isEjected = true
      expect(picked()).toEqual([3])
      one!.isHealthy = true
      expect(picked()).toEqual([1])
      // What was the spare one comes first.
      source.give([at(3), at(1, { priority: 1 }), at(2, { priority: 1 })])
      expect(picked()).toEqual([3])
      expect(group.endpoints[0]).toBe(spare)
    },
  )

  test('tells an endpoint that it is gone, once; one of the same address later is another', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source] })
    await group.start()
    source.give([at(1), at(2)])
    const [one, two] = group.endpoints
    const told: string[] = []
    one!.whenGone(() => told.push('one'))
    two!.whenGone(() => told.push('two'))
    const off = one!.whenGone(() => told.push('not wanted any more'))
    off()
    source.give([at(2)])
    source.give([at(2), at(1)])
    expect(told).toEqual(['one'])
    expect(one!.isGone).toBe(true)
    expect(group.endpoints[1]).not.toBe(one)
    expect(group.endpoints[1]!.isGone).toBe(false)
  })

  test('says that it has changed, and not where nothing has', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source] })
    await group.start()
    const sizes: number[] = []
    const off = group.subscribe(() => sizes.push(group.endpoints.length))
    source.give([at(1), at(2)])
    source.give([at(1), at(2)])
    source.give([at(1)])
    source.give([at(1, { weight: 2 })])
    off()
    source.give([])
    expect(sizes).toEqual([2, 1, 1])
    expect(group.changes).toBe(4)
  })

  test('picks from the set as it is now, for connections and for requests', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source], random: seededRandom(1) })
    await group.start()
    expect(group.pick()).toBeUndefined()
    expect(group.pickForRequest()).toBeUndefined()
    source.give([at(1), at(2)])
    expect(new Set(Array.from({ length: 4 }, () => group.pick()!.port))).toEqual(new Set([1, 2]))
    expect(new Set(Array.from({ length: 40 }, () => group.pickForRequest()!.port))).toEqual(new Set([1, 2]))
    source.give([at(3)])
    expect(group.pick()!.port).toBe(3)
    expect(group.pickForRequest()!.port).toBe(3)
    // Who gives a request to an endpoint counts that.
    expect(group.endpoints[0]!.picks).toBe(1)
  })

  test('picks one that is set aside only where no other is healthy', () => {
    const group = new UpstreamGroup('web', [at(1), at(2, { maxConnections: 1 }), at(3)], { random: seededRandom(3) })
    const [one, two, three] = group.endpoints
    one!.isEjected = true
    two!.isEjected = true
    for (let i = 0; i < 9; i++) expect(group.pick()).toBe(three)
    expect(group.pick(new Set([three!]))).toBeUndefined()
    three!.isHealthy = false
    expect(new Set(Array.from({ length: 40 }, () => group.pickForRequest()))).toEqual(new Set([one, two]))
    two!.open = 1
    for (let i = 0; i < 9; i++) expect(group.pick()).toBe(one)
    expect(group.pick(new Set([one!]))).toBeUndefined()
    one!.isHealthy = false
    two!.isHealthy = false
    expect(group.pickForRequest()).toBeUndefined()
    expect(group.unavailable.code).toBe('SLUICE_NO_USABLE_ENDPOINT')
  })

  test('says why there is nothing to pick', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source] })
    await group.start()
    expect(group.unavailable).toMatchObject({
      code: 'SLUICE_NO_ENDPOINT',
      message: 'web has no endpoint: given: not asked yet',
    })
    source.problem = undefined
    expect(group.unavailable.message).toBe('web has no endpoint: its sources name none')
    source.give([at(1, { maxConnections: 1 })])
    const [only] = group.endpoints
    only!.open = 1
    expect(group.unavailable.code).toBe('SLUICE_UPSTREAM_FULL')
    only!.isHealthy = false
    expect(group.unavailable.code).toBe('SLUICE_NO_USABLE_ENDPOINT')
  })

  test.each(['round-robin', 'least-connections', 'least-requests', 'random', 'peak-ewma', 'consistent-hash'] as const)(
    '%s picks whatever may be picked, and nothing else, while the set and all that is known of it change',
    async (balance) => {
      const random = seededRandom(11)
      const integer = (below: number): number => Math.floor(random() * below)
      const clock = new FakeClock()
      const source = new GivenSource()
      const group = new UpstreamGroup('web', [], { balance, sources: [source], random, clock })
      await group.start()
      let picks = 0
      for (let step = 0; step < 3_000; step++) {
        if (step % 10 === 0) {
          const ports = Array.from({ length: integer(7) }, () => 1 + integer(9))
          source.give(
            [...new Set(ports)].map((port) => at(port, { weight: 1 + integer(3), maxConnections: 1 + integer(4) })),
          )
        }
        for (const endpoint of group.endpoints) {
          endpoint.isHealthy = random() > 0.3
          endpoint.isEjected = random() > 0.8
          endpoint.open = integer(4)
          if (random() > 0.5) endpoint.observe({ latencyMs: integer(50), isFailure: random() > 0.9 }, clock.now())
        }
        clock.advance(integer(100))
        const tried = new Set(group.endpoints.filter(() => random() > 0.7))
        const key = random() > 0.5 ? `client ${integer(20)}` : undefined
        const isLeft = (endpoint: Endpoint): boolean => endpoint.isUsable && !tried.has(endpoint)
        for (const isFor of ['connection', 'request'] as const) {
          const may = group.endpoints.filter((each) => isLeft(each) && (isFor === 'request' || !each.isFull))
          const picked = isFor === 'request' ? group.pickForRequest({ tried, hashKey: key }) : group.pick(tried, key)
          if (may.length > 0) expect(may).toContain(picked)
          else if (group.endpoints.some(({ isUsable }) => isUsable)) expect(picked).toBeUndefined()
          if (picked) picks++
        }
      }
      expect(picks).toBeGreaterThan(2_000)
    },
  )

  test('stops its sources', async () => {
    const source = new GivenSource()
    const group = new UpstreamGroup('web', [], { sources: [source] })
    await group.start()
    group.stop()
    expect(source.isStopped).toBe(true)
  })
})
