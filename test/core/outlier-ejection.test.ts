import { describe, expect, test } from 'vitest'
import type { EjectionConfig, EndpointConfig } from '../../src/core/config/config.js'
import type { EndpointSource } from '../../src/core/endpoint-source.js'
import { silentLog } from '../../src/core/log.js'
import { OutlierEjection } from '../../src/core/outlier-ejection.js'
import { UpstreamGroup } from '../../src/core/upstream-group.js'
import { FakeClock } from '../../src/testing/fake-clock.js'

const DEFAULTS: EjectionConfig = {
  consecutiveFailures: 3,
  failurePercent: undefined,
  minOutcomes: 20,
  intervalMs: 10_000,
  baseMs: 30_000,
  maxMs: 100_000,
  maxPercent: 50,
}

const at = (port: number): EndpointConfig => ({ host: '10.0.0.1', port, maxConnections: undefined })

/** A group of so many endpoints, and what makes them fail. */
async function started(count: number, config: Partial<EjectionConfig> = {}) {
  const clock = new FakeClock()
  const ejection = new OutlierEjection({ ...DEFAULTS, ...config }, clock, silentLog)
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
  const group = new UpstreamGroup('web', [], { clock, parts: [ejection], sources: [source] })
  await group.start()
  const ports = Array.from({ length: count }, (_, index) => index + 1)
  change(ports.map(at))
  const observe = (port: number, isFailure: boolean, times: number) => {
    const endpoint = group.endpoints.find((each) => each.port === port)!
    for (let i = 0; i < times; i++) endpoint.observe({ isFailure }, clock.now())
  }
  return {
    clock,
    group,
    change,
    fail: (port: number, times = 3) => observe(port, true, times),
    succeed: (port: number, times = 1) => observe(port, false, times),
    ejected: () => group.endpoints.filter(({ isEjected }) => isEjected).map(({ port }) => port),
  }
}

describe('outlier ejection', () => {
  test('sets an endpoint aside after so many failures in a row, and picks it no more', async () => {
    const { group, fail, ejected } = await started(4)
    fail(2, 2)
    expect(ejected()).toEqual([])
    fail(2, 1)
    expect(ejected()).toEqual([2])
    expect(Array.from({ length: 12 }, () => group.pick()!.port)).not.toContain(2)
    expect(group.endpoints[1]!.ejections).toBe(1)
  })

  test('begins to count anew with each success', async () => {
    const { fail, succeed, ejected } = await started(4)
    for (let i = 0; i < 5; i++) {
      fail(2, 2)
      succeed(2)
    }
    expect(ejected()).toEqual([])
  })

  test('takes it back, for longer each time, up to the bound', async () => {
    const { clock, fail, ejected } = await started(4)
    for (const forMs of [30_000, 60_000, 90_000, 100_000, 100_000]) {
      fail(2)
      clock.advance(forMs - 1)
      expect(ejected()).toEqual([2])
      clock.advance(1)
      expect(ejected()).toEqual([])
    }
  })

  test('forgives what is as long ago as it was set aside for', async () => {
    const { clock, fail, ejected } = await started(4)
    fail(2)
    clock.advance(30_000)
    fail(2)
    clock.advance(60_000)
    clock.advance(60_000)
    fail(2)
    clock.advance(29_999)
    expect(ejected()).toEqual([2])
    clock.advance(1)
    expect(ejected()).toEqual([])
  })

  test('does not count what was under way when it was set aside', async () => {
    const { clock, group, fail, ejected } = await started(4)
    fail(2, 10)
    expect(group.endpoints[1]!.ejections).toBe(1)
    expect(clock.pending).toEqual([30_000])
    clock.advance(30_000)
    expect(ejected()).toEqual([])
    fail(2, 2)
    expect(ejected()).toEqual([])
  })

  test.each([
    [4, 50, [1, 2]],
    [5, 50, [1, 2]],
    [4, 100, [1, 2, 3]],
    [4, 0, []],
    [1, 100, []],
  ])('of %i endpoints sets aside at most %i percent, and never the last', async (count, maxPercent, expected) => {
    const { fail, ejected } = await started(count, { maxPercent })
    for (let port = 1; port <= count; port++) fail(port)
    expect(ejected()).toEqual(expected)
  })

  test('never sets the last one aside that is healthy', async () => {
    const { group, fail, ejected } = await started(3, { maxPercent: 100 })
    group.endpoints[0]!.isHealthy = false
    group.endpoints[1]!.isHealthy = false
    fail(3)
    expect(ejected()).toEqual([])
  })

  test('looks at the share of failures where that is asked for, over enough outcomes of one interval', async () => {
    const { clock, fail, succeed, ejected } = await started(4, { failurePercent: 40, consecutiveFailures: 100 })
    succeed(2, 10)
    fail(2, 7)
    expect(ejected()).toEqual([])
    clock.advance(10_000)
    fail(2, 3)
    expect(ejected()).toEqual([])
    succeed(2, 12)
    fail(2, 4)
    expect(ejected()).toEqual([])
    fail(2, 1)
    expect(ejected()).toEqual([2])
  })

  test('lets an endpoint go that leaves while it is set aside, and knows nothing of it when it comes back', async () => {
    const { clock, change, fail, ejected } = await started(4)
    fail(2)
    change([1, 3, 4].map(at))
    expect(clock.pending).toEqual([])
    change([1, 2, 3, 4].map(at))
    expect(ejected()).toEqual([])
    fail(2)
    expect(ejected()).toEqual([2])
    expect(clock.pending).toEqual([30_000])
  })

  test('leaves no timer when the group stops', async () => {
    const { clock, group, fail } = await started(4)
    fail(1)
    group.stop()
    expect(clock.pending).toEqual([])
  })
})
