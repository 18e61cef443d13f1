import { describe, expect, test } from 'vitest'
import type { Balancer } from '../../../src/core/balance/balancer.js'
import { makeBalancer } from '../../../src/core/balance/make-balancer.js'
import type { Balance } from '../../../src/core/config/config.js'
import { Endpoint } from '../../../src/core/endpoint.js'
import { seededRandom } from '../../support/seeded-random.js'

const BALANCES = [
  'round-robin',
  'least-connections',
  'least-requests',
  'random',
  'peak-ewma',
  'consistent-hash',
] as const satisfies readonly Balance[]

function endpointsOf(...weights: number[]): Endpoint[] {
  return weights.map(
    (weight, index) => new Endpoint({ host: `10.0.0.${index}`, port: 80, maxConnections: undefined, weight }),
  )
}

function balancerOf(balance: Balance, endpoints: readonly Endpoint[], now: () => number = () => 0): Balancer {
  const balancer = makeBalancer(balance, seededRandom(7), now)
  balancer.use(endpoints)
  return balancer
}

/** How often each endpoint was picked. */
function share(
  balancer: Balancer,
  endpoints: readonly Endpoint[],
  picks: number,
  key?: (pick: number) => string,
): number[] {
  const counts = new Map<Endpoint | undefined, number>()
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick('requests', undefined, key?.(i))
    counts.set(picked, (counts.get(picked) ?? 0) + 1)
  }
  return endpoints.map((endpoint) => counts.get(endpoint) ?? 0)
}

describe.each(BALANCES)('%s', (balance) => {
  const keys = balance === 'consistent-hash' ? [undefined, 'a key'] : [undefined]

  test('picks no endpoint that is unhealthy, set aside or tried, and undefined where none is left', () => {
    const endpoints = endpointsOf(1, 1, 1, 1)
    const [unhealthy, ejected, tried, last] = endpoints
    const balancer = balancerOf(balance, endpoints)
    unhealthy!.isHealthy = false
    ejected!.isEjected = true
    for (const key of keys) {
      for (let i = 0; i < 50; i++) expect(balancer.pick('requests', new Set([tried!]), key)).toBe(last)
      expect(balancer.pick('requests', new Set([tried!, last!]), key)).toBeUndefined()
    }
  })

  test('places no connection on a full endpoint, and still requests', () => {
    const [full] = [new Endpoint({ host: 'a', port: 1, maxConnections: 1 })]
    full.open = 1
    const balancer = balancerOf(balance, [full])
    expect(balancer.pick('open', undefined, 'a key')).toBeUndefined()
    expect(balancer.pick('requests', undefined, 'a key')).toBe(full)
  })

  test('follows a change of the set', () => {
    const [one, two] = endpointsOf(1, 1)
    const balancer = balancerOf(balance, [one!])
    expect(balancer.pick('open', undefined, 'k')).toBe(one)
    balancer.use([two!])
    for (let i = 0; i < 20; i++) expect(balancer.pick('open', undefined, `k${i}`)).toBe(two)
  })
})

describe('round-robin', () => {
  test('takes turns', () => {
    const endpoints = endpointsOf(1, 1, 1)
    expect(share(balancerOf('round-robin', endpoints), endpoints, 9)).toEqual([3, 3, 3])
  })

  test('spreads the turns of weights 5, 1, 1 without bursts', () => {
    const endpoints = endpointsOf(5, 1, 1)
    const balancer = balancerOf('round-robin', endpoints)
    const order = Array.from({ length: 14 }, () => endpoints.indexOf(balancer.pick('open', undefined, undefined)!))
    expect(order.slice(0, 7)).toEqual([0, 0, 1, 0, 2, 0, 0])
    expect(order.slice(7)).toEqual(order.slice(0, 7))
  })
})

describe('random', () => {
  test('gives each its share by weight, to within four standard deviations', () => {
    const endpoints = endpointsOf(1, 2, 7)
    const counts = share(balancerOf('random', endpoints), endpoints, 10_000)
    expectShares(counts, [0.1, 0.2, 0.7], 10_000)
  })

  test('keeps the shares of the others when one may not be picked', () => {
    const endpoints = endpointsOf(6, 1, 3)
    endpoints[0]!.isHealthy = false
    const counts = share(balancerOf('random', endpoints), endpoints, 10_000)
    expectShares(counts, [0, 0.25, 0.75], 10_000)
  })
})

describe('least-connections and least-requests', () => {
  test('take the least loaded for its weight', () => {
    const endpoints = endpointsOf(1, 2, 1)
    const [one, two, three] = endpoints
    one!.open = 3
    two!.open = 4
    three!.open = 3
    one!.requests = 0
    two!.requests = 9
    three!.requests = 4
    expect(balancerOf('least-connections', endpoints).pick('requests', undefined, undefined)).toBe(two)
    expect(balancerOf('least-requests', endpoints).pick('requests', undefined, undefined)).toBe(one)
    expect(balancerOf('least-requests', endpoints).pick('open', undefined, undefined)).toBe(two)
  })

  test.each(['least-connections', 'least-requests'] as const)('%s fills endpoints evenly', (balance) => {
    const endpoints = endpointsOf(1, 1, 2)
    const balancer = balancerOf(balance, endpoints)
    for (let i = 0; i < 40; i++) {
      const picked = balancer.pick('requests', undefined, undefined)!
      picked.open++
      picked.requests++
    }
    expect(endpoints.map(({ requests }) => requests)).toEqual([10, 10, 20])
  })
})

describe('peak-ewma', () => {
  /** Requests in flight end after their endpoint's latency; one comes each millisecond. */
  function simulate(
    latencies: readonly number[],
    requests: number,
    fails: (endpoint: number) => boolean = () => false,
  ) {
    let now = 0
    const endpoints = endpointsOf(...latencies.map(() => 1))
    const balancer = balancerOf('peak-ewma', endpoints, () => now)
    const inFlight: { at: number; index: number }[] = []
    const counts = latencies.map(() => 0)
    for (; now < requests; now++) {
      for (const done of inFlight.filter(({ at }) => at <= now)) {
        inFlight.splice(inFlight.indexOf(done), 1)
        endpoints[done.index]!.requests--
        endpoints[done.index]!.observe({ latencyMs: latencies[done.index]!, isFailure: fails(done.index) }, now)
      }
      const index = endpoints.indexOf(balancer.pick('requests', undefined, undefined)!)
      counts[index]!++
      endpoints[index]!.requests++
      inFlight.push({ at: now + latencies[index]!, index })
    }
    return counts
  }

  test('spreads requests over endpoints that are alike', () => {
    for (const count of simulate([5, 5, 5], 9_000)) expect(count).toBeGreaterThan(2_500)
  })

  test('sends less than one request in a hundred to an endpoint that takes 100 ms beside two that take 1 ms', () => {
    const [, , slow] = simulate([1, 1, 100], 10_000)
    expect(slow).toBeLessThan(100)
    expect(slow).toBeGreaterThan(0)
  })

  test('takes one that fails at once for slow, not for fast', () => {
    const [, , failing] = simulate([5, 5, 1], 10_000, (index) => index === 2)
    expect(failing).toBeLessThan(100)
  })

  test('comes back to an endpoint that was slow, once that is long enough ago', () => {
    let now = 0
    const endpoints = endpointsOf(1, 1)
    const balancer = balancerOf('peak-ewma', endpoints, () => now)
    endpoints[0]!.observe({ latencyMs: 1_000, isFailure: false }, now)
    endpoints[1]!.observe({ latencyMs: 1, isFailure: false }, now)
    expect(share(balancer, endpoints, 100)).toEqual([0, 100])
    for (; now < 90_000; now += 1_000) endpoints[1]!.observe({ latencyMs: 10, isFailure: false }, now)
    expect(share(balancer, endpoints, 100)).toEqual([100, 0])
  })

  test('soon forgets one slow answer, as of an endpoint that has just started; a second one it remembers', () => {
    let now = 0
    const endpoints = endpointsOf(1, 1)
    const balancer = balancerOf('peak-ewma', endpoints, () => now)
    endpoints[0]!.observe({ latencyMs: 50, isFailure: false }, now)
    endpoints[1]!.observe({ latencyMs: 1, isFailure: false }, now)
    expect(share(balancer, endpoints, 100)).toEqual([0, 100])
    now = 5_000
    for (const count of share(balancer, endpoints, 1_000)) expect(count).toBeGreaterThan(300)
    endpoints[0]!.observe({ latencyMs: 50, isFailure: false }, now)
    now = 10_000
    expect(share(balancer, endpoints, 100)).toEqual([0, 100])
  })

  test('remembers one failure for long: what cannot be repeated would fail with the next', () => {
    let now = 0
    const endpoints = endpointsOf(1, 1)
    const balancer = balancerOf('peak-ewma', endpoints, () => now)
    endpoints[0]!.observe({ latencyMs: 1, isFailure: true }, now)
    endpoints[1]!.observe({ latencyMs: 1, isFailure: false }, now)
    now = 30_000
    expect(share(balancer, endpoints, 100)).toEqual([0, 100])
  })

  test('takes endpoints for alike that answer within a millisecond', () => {
    const endpoints = endpointsOf(1, 1)
    const balancer = balancerOf('peak-ewma', endpoints)
    endpoints[0]!.observe({ latencyMs: 0.9, isFailure: false }, 0)
    endpoints[1]!.observe({ latencyMs: 0.1, isFailure: false }, 0)
    for (const count of share(balancer, endpoints, 1_000)) expect(count).toBeGreaterThan(300)
    endpoints[0]!.observe({ latencyMs: 2, isFailure: false }, 0)
    expect(share(balancer, endpoints, 100)).toEqual([0, 100])
  })
})

describe('consistent-hash', () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `client-${index}`)
  const owners = (balancer: Balancer) => keys.map((key) => balancer.pick('requests', undefined, key)!)

  test('gives the same key the same endpoint, whatever the order of the set', () => {
    const endpoints = endpointsOf(1, 1, 1, 1, 1)
    const before = owners(balancerOf('consistent-hash', endpoints))
    expect(owners(balancerOf('consistent-hash', [...endpoints].reverse()))).toEqual(before)
  })

  test('gives each a share near its weight', () => {
    const endpoints = endpointsOf(1, 1, 2)
    const [one, two, three] = share(balancerOf('consistent-hash', endpoints), endpoints, 10_000, (i) => keys[i]!)
    for (const count of [one!, two!, three! / 2]) {
      expect(count).toBeGreaterThan(2_000)
      expect(count).toBeLessThan(3_000)
    }
  })

  test('moves no key but those of an endpoint that leaves, and only to one that comes', () => {
    const endpoints = endpointsOf(1, 1, 1, 1, 1)
    const [left, ...rest] = endpoints
    const before = owners(balancerOf('consistent-hash', endpoints))
    const after = owners(balancerOf('consistent-hash', rest))
    before.forEach((owner, index) => {
      if (owner !== left) expect(after[index]).toBe(owner)
    })
    expect(before.filter((owner) => owner === left).length).toBeGreaterThan(1_000)
  })

  test('passes over an endpoint that may not be picked, and moves only its keys', () => {
    const endpoints = endpointsOf(1, 1, 1, 1, 1)
    const balancer = balancerOf('consistent-hash', endpoints)
    const before = owners(balancer)
    endpoints[2]!.isEjected = true
    owners(balancer).forEach((owner, index) => {
      if (before[index] === endpoints[2]) expect(owner).not.toBe(endpoints[2])
      else expect(owner).toBe(before[index])
    })
  })

  test('without a key any endpoint will do', () => {
    const endpoints = endpointsOf(1, 1)
    expectShares(share(balancerOf('consistent-hash', endpoints), endpoints, 10_000), [0.5, 0.5], 10_000)
  })
})

/** Within four standard deviations of a binomial: with a fixed seed this either holds or not, for good. */
function expectShares(counts: readonly number[], shares: readonly number[], picks: number): void {
  counts.forEach((count, index) => {
    const expected = picks * shares[index]!
    const deviation = Math.sqrt(expected * (1 - shares[index]!))
    expect(Math.abs(count - expected)).toBeLessThanOrEqual(4 * deviation)
  })
}
