import { describe, expect, test } from 'vitest'
import type { EndpointConfig } from '../../src/core/config/config.js'
import { EndpointMetrics } from '../../src/core/endpoint-metrics.js'
import type { EndpointSource } from '../../src/core/endpoint-source.js'
import { silentLog } from '../../src/core/log.js'
import { MetricsRegistry } from '../../src/core/metrics.js'
import { OutlierEjection } from '../../src/core/outlier-ejection.js'
import { UpstreamGroup } from '../../src/core/upstream-group.js'
import { HealthChecks } from '../../src/health/health-checks.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { GivenProbe } from '../support/given-probe.js'
import { seededRandom } from '../support/seeded-random.js'

const EJECTION = {
  consecutiveFailures: 3,
  failurePercent: undefined,
  minOutcomes: 20,
  intervalMs: 10_000,
  baseMs: 30_000,
  maxMs: 100_000,
}

/** One success or failure decides, and has all the time it wants. */
const HEALTH = { http: undefined, port: undefined, intervalMs: 20_000, timeoutMs: 1_000_000, rise: 1, fall: 1 }

const at = (port: number): EndpointConfig => ({ host: '10.0.0.1', port, maxConnections: undefined })

/** A group whose endpoints are both set aside where they fail, and checked. */
async function started(ports: readonly number[], maxPercent = 100) {
  const [clock, probe] = [new FakeClock(), new GivenProbe()]
  const random = seededRandom(7)
  const environment = { probe, clock, log: silentLog, random: () => 0.5, passed: { value: 0 }, failed: { value: 0 } }
  const parts = [
    new OutlierEjection({ ...EJECTION, maxPercent }, clock, silentLog),
    new HealthChecks(HEALTH, environment),
  ]
  let change: (endpoints: readonly EndpointConfig[]) => void = () => {}
  const source: EndpointSource = {
    label: 'test',
    problem: undefined,
    start: (onChange) => {
      change = onChange
      return Promise.resolve()
    },
    stop: () => {},
  }
  const group = new UpstreamGroup('web', [], { clock, parts, sources: [source], random, balance: 'random' })
  await group.start()
  const of = (port: number) => group.endpoints.find((each) => each.port === port)!
  const give = (...given: readonly number[]): void => change(given.map(at))
  const fail = (...failing: readonly number[]): void => {
    for (const port of failing)
      for (let i = 0; i < 3; i++) of(port).observe({ latencyMs: 1, isFailure: true }, clock.now())
  }
  /** Ends the check that is under way. */
  const check = (port: number, problem?: string): void => probe.running.get(port)!(problem)
  give(...ports)
  return {
    clock,
    probe,
    group,
    of,
    give,
    fail,
    check,
    ejected: () => group.endpoints.filter(({ isEjected }) => isEjected).map(({ port }) => port),
    /** Where connections and requests go. */
    picked: () => {
      const seen = Array.from({ length: 60 }, () => [group.pick()?.port, group.pickForRequest()?.port])
      const unique = (index: number) => [...new Set(seen.map((pair) => pair[index]))].sort()
      expect(unique(1)).toEqual(unique(0))
      return unique(0)
    },
  }
}

describe('endpoints that are set aside', () => {
  test('are used where checks take out all others later, and no more once another is well', async () => {
    const { clock, of, fail, check, ejected, picked, group } = await started([1, 2, 3])
    for (const port of [1, 2]) check(port)
    fail(1, 2)
    expect(picked()).toEqual([3])
    check(3, 'refused')
    expect(ejected()).toEqual([1, 2])
    expect(picked()).toEqual([1, 2])
    expect(group.endpoints.map((endpoint) => group.accepts(endpoint))).toEqual([true, true, false])
    clock.advance(10_000)
    fail(1, 2)
    // What fails as the last resort is not set aside for longer: that it fails is known.
    expect([of(1).ejections, of(2).ejections]).toEqual([1, 1])
    clock.advance(20_000)
    expect(ejected()).toEqual([])
    expect(picked()).toEqual([1, 2])
    fail(1)
    expect(picked()).toEqual([2])
    check(3)
    expect(picked()).toEqual([2, 3])
  })

  test('and unhealthy are used in no case, and not when their time is over', async () => {
    const { clock, fail, check, ejected, picked, group } = await started([1, 2])
    fail(1)
    check(1, 'refused')
    check(2, 'refused')
    expect(picked()).toEqual([undefined])
    expect(group.unavailable.code).toBe('SLUICE_NO_USABLE_ENDPOINT')
    clock.advance(30_000)
    expect(ejected()).toEqual([])
    expect(picked()).toEqual([undefined])
  })

  test('are unknown when they come back to the set: in use, checked at once, with no timer of before', async () => {
    const { clock, probe, of, give, fail, check, picked } = await started([1, 2, 3])
    for (const port of [1, 2, 3]) check(port)
    fail(1)
    clock.advance(20_000)
    check(1, 'refused')
    const gone = of(1)
    expect([gone.isEjected, gone.isHealthy]).toEqual([true, false])
    give(2, 3)
    expect(gone.isGone).toBe(true)
    // Those of the checks of the two that are left.
    expect(clock.pending).toHaveLength(2)
    // What was under way on it says nothing about anybody any more.
    gone.observe({ isFailure: true }, clock.now())
    give(1, 2, 3)
    expect(of(1)).not.toBe(gone)
    expect([of(1).isEjected, of(1).isHealthy, of(1).ejections]).toEqual([false, true, 0])
    expect(picked()).toEqual([1, 2, 3])
    expect([...probe.running.keys()]).toContain(1)
    fail(1)
    // Set aside for as long as the first time.
    expect(clock.pending).toContain(30_000)
    expect(clock.pending).not.toContain(60_000)
  })

  test('are all that is left of a set that shrinks: used, and back in their time', async () => {
    const { clock, give, fail, ejected, picked } = await started([1, 2, 3, 4], 50)
    fail(1, 2)
    give(1, 2)
    expect(picked()).toEqual([1, 2])
    fail(1, 2)
    expect(ejected()).toEqual([1, 2])
    give(1, 2, 5)
    expect(picked()).toEqual([5])
    // Both count for the share: of three at most one may be.
    fail(5)
    expect(ejected()).toEqual([1, 2])
    clock.advance(30_000)
    expect(ejected()).toEqual([])
    expect(picked()).toEqual([1, 2, 5])
    give(1)
    fail(1)
    expect(ejected()).toEqual([])
  })

  test('never are the last that can be used, and are as soon as another can', async () => {
    const { clock, of, fail, check, ejected, picked } = await started([1, 2])
    check(2, 'refused')
    fail(1)
    expect(ejected()).toEqual([])
    expect(picked()).toEqual([1])
    clock.advance(20_000)
    check(2)
    of(1).observe({ isFailure: true }, clock.now())
    expect(ejected()).toEqual([1])
    expect(picked()).toEqual([2])
  })

  test('leave nothing behind when the group stops, nor do checks', async () => {
    const { clock, probe, group, fail, check } = await started([1, 2, 3])
    check(1)
    fail(1, 2)
    expect(clock.pending).toHaveLength(5)
    group.stop()
    expect(clock.pending).toEqual([])
    expect(probe.running.size).toBe(0)
    group.endpoints[2]!.observe({ isFailure: true }, clock.now())
    expect(clock.pending).toEqual([])
  })
})

describe('metrics of endpoints', () => {
  test('say which are set aside and how often, and forget those that left', async () => {
    const { clock, group, give, fail, check } = await started([1, 2, 3])
    const metrics = new MetricsRegistry()
    const endpointMetrics = new EndpointMetrics(metrics)
    const values = async (name: string): Promise<Record<string, number>> => {
      endpointMetrics.write([group])
      const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith(`${name}{`))
      const parsed = lines.map((line): [string, number] => [
        /endpoint="10\.0\.0\.1:(\d)"/.exec(line)![1]!,
        Number(line.split(' ')[1]),
      ])
      return Object.fromEntries(parsed)
    }
    fail(1)
    check(2, 'refused')
    expect(await values('sluice_endpoint_usable')).toEqual({ 1: 0, 2: 0, 3: 1 })
    expect(await values('sluice_endpoint_ejected')).toEqual({ 1: 1, 2: 0, 3: 0 })
    expect(await values('sluice_endpoint_ejections_total')).toEqual({ 1: 1, 2: 0, 3: 0 })
    clock.advance(30_000)
    fail(1)
    expect(await values('sluice_endpoint_ejections_total')).toEqual({ 1: 2, 2: 0, 3: 0 })
    give(2, 3)
    expect(await values('sluice_endpoint_ejections_total')).toEqual({ 2: 0, 3: 0 })
    give(1, 2, 3)
    expect(await values('sluice_endpoint_usable')).toEqual({ 1: 1, 2: 0, 3: 1 })
    expect(await values('sluice_endpoint_ejections_total')).toEqual({ 1: 0, 2: 0, 3: 0 })
  })
})
