import { describe, expect, test } from 'vitest'
import type { EndpointConfig, HealthCheckConfig } from '../../src/core/config/config.js'
import type { EndpointSource } from '../../src/core/endpoint-source.js'
import { silentLog } from '../../src/core/log.js'
import { UpstreamGroup } from '../../src/core/upstream-group.js'
import { HealthChecks, MAX_CONCURRENT_CHECKS } from '../../src/health/health-checks.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { GivenProbe } from '../support/given-probe.js'

const DEFAULTS: HealthCheckConfig = {
  http: undefined,
  port: undefined,
  intervalMs: 10_000,
  timeoutMs: 2_000,
  rise: 2,
  fall: 3,
}

const at = (port: number): EndpointConfig => ({ host: '10.0.0.1', port, maxConnections: undefined })

async function started(count: number, config: Partial<HealthCheckConfig> = {}, random = 0.5) {
  const [clock, probe] = [new FakeClock(), new GivenProbe()]
  const [passed, failed] = [{ value: 0 }, { value: 0 }]
  const environment = { probe, clock, log: silentLog, random: () => random, passed, failed }
  const checks = new HealthChecks({ ...DEFAULTS, ...config }, environment)
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
  const group = new UpstreamGroup(
    'web',
    Array.from({ length: count }, (_, index) => at(index + 1)),
    {
      clock,
      parts: [checks],
      sources: [source],
    },
  )
  await group.start()
  return {
    clock,
    probe,
    group,
    passed,
    failed,
    change,
    healthy: () => group.endpoints.filter(({ isHealthy }) => isHealthy).map(({ port }) => port),
    /** Ends the check of an endpoint, and moves on to its next. */
    check: (port: number, problem?: string) => {
      const finish = probe.running.get(port)
      expect(finish).toBeDefined()
      finish!(problem)
      clock.advance(10_000)
    },
  }
}

describe('health checks', () => {
  test('begin at once; an endpoint is used until the first has failed, which alone decides', async () => {
    const { probe, healthy, group } = await started(2)
    expect([...probe.running.keys()]).toEqual([1, 2])
    expect(healthy()).toEqual([1, 2])
    probe.running.get(1)!('refused')
    expect(healthy()).toEqual([2])
    expect(group.pick()!.port).toBe(2)
    expect(group.pick()!.port).toBe(2)
  })

  test('take an endpoint out after so many failures in a row, and bring it back after so many successes', async () => {
    const { healthy, check, passed, failed } = await started(1)
    check(1)
    for (let i = 0; i < 3; i++) {
      check(1, 'refused')
      check(1, 'refused')
      check(1)
    }
    expect(healthy()).toEqual([1])
    for (let i = 0; i < 3; i++) check(1, 'refused')
    expect(healthy()).toEqual([])
    check(1)
    check(1, 'refused')
    check(1)
    expect(healthy()).toEqual([])
    check(1)
    expect(healthy()).toEqual([1])
    expect([passed.value, failed.value]).toEqual([7, 10])
  })

  test('that take too long have failed, and are given up', async () => {
    const { clock, probe, healthy } = await started(1)
    clock.advance(1_999)
    expect(healthy()).toEqual([1])
    clock.advance(1)
    expect(healthy()).toEqual([])
    expect(probe.running.size).toBe(0)
    expect(clock.pending).toEqual([10_000])
  })

  test.each([
    [0, 9_000],
    [0.5, 10_000],
    [1, 11_000],
  ])('differ in their interval: random %f makes %i ms', async (random, expected) => {
    const { clock, probe } = await started(1, {}, random)
    probe.running.get(1)!()
    expect(clock.pending).toEqual([expected])
  })

  test('run at most so many at once, all of them in the end', async () => {
    const { probe, failed } = await started(MAX_CONCURRENT_CHECKS * 2 + 1)
    const seen = new Set<number>()
    while (probe.running.size > 0) {
      expect(probe.running.size).toBeLessThanOrEqual(MAX_CONCURRENT_CHECKS)
      const [port, finish] = [...probe.running][0]!
      seen.add(port)
      finish('refused')
    }
    expect(seen.size).toBe(MAX_CONCURRENT_CHECKS * 2 + 1)
    expect(failed.value).toBe(MAX_CONCURRENT_CHECKS * 2 + 1)
  })

  test('may ask another port', async () => {
    const { probe } = await started(1, { port: 9_000 })
    expect([...probe.running.keys()]).toEqual([9_000])
  })

  test('follow the set: new endpoints are checked at once, gone ones no more', async () => {
    const { clock, probe, change, healthy, check } = await started(0)
    change([at(1), at(2)])
    check(1, 'refused')
    change([at(2), at(3)])
    expect([...probe.running.keys()].sort()).toEqual([3])
    check(3)
    expect(healthy()).toEqual([3])
    change([])
    expect(probe.running.size).toBe(0)
    expect(clock.pending).toEqual([])
  })

  test('leave no timer and no check when the group stops', async () => {
    const { clock, probe, group } = await started(3)
    probe.running.get(1)!()
    group.stop()
    expect(probe.running.size).toBe(0)
    expect(clock.pending).toEqual([])
  })
})
