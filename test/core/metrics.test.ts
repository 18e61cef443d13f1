import { describe, expect, test } from 'vitest'
import { MetricsRegistry } from '../../src/core/metrics.js'

describe("metrics on prom-client's registry", () => {
  test("render in Prometheus' text format", async () => {
    const metrics = new MetricsRegistry()
    metrics.counter('requests_total', 'Requests.', ['code']).cell({ code: '200' }).value += 3
    metrics.gauge('open', 'Open now.', []).cell({}).value = 2
    const latency = metrics.histogram('latency_ms', 'Latency.', ['code'], [1, 10]).cell({ code: '200' })
    for (const value of [0.5, 1, 7, 70]) latency.observe(value)
    const text = await metrics.render()
    expect(text.split('\n').filter((line) => line !== '')).toEqual([
      '# HELP requests_total Requests.',
      '# TYPE requests_total counter',
      'requests_total{code="200"} 3',
      '# HELP open Open now.',
      '# TYPE open gauge',
      'open 2',
      '# HELP latency_ms Latency.',
      '# TYPE latency_ms histogram',
      'latency_ms_bucket{code="200",le="1"} 2',
      'latency_ms_bucket{code="200",le="10"} 3',
      'latency_ms_bucket{code="200",le="+Inf"} 4',
      'latency_ms_sum{code="200"} 78.5',
      'latency_ms_count{code="200"} 4',
    ])
  })

  test('escape what a label may say', async () => {
    const metrics = new MetricsRegistry()
    metrics.counter('c', 'C.', ['name']).cell({ name: 'a"b\\c\nd' }).value = 1
    expect(await metrics.render()).toContain('c{name="a\\"b\\\\c\\nd"} 1')
  })

  test('are the same family for the same name, and refuse another shape', () => {
    const metrics = new MetricsRegistry()
    metrics.counter('c', 'C.', ['a']).cell({ a: '1' }).value++
    metrics.counter('c', 'C.', ['a']).cell({ a: '1' }).value++
    expect(metrics.read('c', { a: '1' })).toBe(2)
    expect(() => metrics.gauge('c', 'C.', ['a'])).toThrow(
      'metric c is registered already, as a counter with the labels a',
    )
    expect(() => metrics.counter('c', 'C.', ['b'])).toThrow('registered already')
  })

  test('never grow without bound: what is over it counts as other', () => {
    const metrics = new MetricsRegistry()
    const family = metrics.counter('c', 'C.', ['name'])
    for (let i = 0; i < 10_000; i++) family.cell({ name: `n${i}` }).value++
    expect(metrics.read('c')).toBe(10_000)
    expect(metrics.read('c', { name: 'other' })).toBe(8_000)
  })

  test('sum over the series that carry the labels; histograms count their observations', () => {
    const metrics = new MetricsRegistry()
    const family = metrics.counter('c', 'C.', ['a', 'b'])
    family.cell({ a: '1', b: 'x' }).value = 1
    family.cell({ a: '1', b: 'y' }).value = 10
    family.cell({ a: '2', b: 'x' }).value = 100
    expect([
      metrics.read('c'),
      metrics.read('c', { a: '1' }),
      metrics.read('c', { b: 'x' }),
      metrics.read('c', { a: '3' }),
    ]).toEqual([111, 11, 101, 0])
    expect(metrics.read('nowhere')).toBeUndefined()
    metrics.histogram('h', 'H.', [], [1]).cell({}).observe(5)
    expect(metrics.read('h')).toBe(1)
  })
})
