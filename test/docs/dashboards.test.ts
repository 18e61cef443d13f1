import { beforeAll, describe, expect, test } from 'vitest'
import { createSluice } from '../../src/sluice.js'
import { linkerdQueries, ownQueries, seriesOf } from './dashboards.js'

/** What Prometheus adds to what it scrapes, in Linkerd's configuration. */
const SCRAPE_LABELS = ['namespace', 'deployment', 'pod']
const HISTOGRAM_PARTS = /_(bucket|sum|count)$/

let labelsOf: Map<string, readonly string[]>

beforeAll(async () => {
  await using sluice = createSluice({
    listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:9' }],
  })
  await sluice.start()
  const registered = sluice.metricsRegistry.registry.getMetricsAsArray() as unknown as {
    name: string
    type: string
    labelNames: string[]
  }[]
  labelsOf = new Map(
    registered.flatMap(({ name, type, labelNames }): [string, string[]][] =>
      type === 'histogram'
        ? ['_bucket', '_sum', '_count'].map((part) => [name + part, [...labelNames, 'le']])
        : [[name, labelNames]],
    ),
  )
})

function unknownIn(query: string): string[] {
  return seriesOf(query).flatMap(({ metric, labels }) => {
    const known = labelsOf.get(metric)
    if (known === undefined) return [metric]
    return labels
      .filter((label) => !known.includes(label) && !SCRAPE_LABELS.includes(label))
      .map((one) => `${metric}.${one}`)
  })
}

describe('the queries of dashboards', () => {
  test('are read: metrics and the labels of their matchers', () => {
    expect(
      seriesOf(
        'histogram_quantile(0.5, sum by (le, b_c) (rate(a_b_bucket{x="y_z{", d_e=~"$f_g"}[$__rate_interval]))) / c_d',
      ),
    ).toEqual([
      { metric: 'a_b_bucket', labels: ['x', 'd_e'] },
      { metric: 'c_d', labels: [] },
    ])
  })

  test.each(linkerdQueries().filter(({ finds }) => finds))(
    "Linkerd's $panel names what there is: $query",
    ({ query }) => {
      expect(seriesOf(query).length).toBeGreaterThan(0)
      expect(unknownIn(query)).toEqual([])
    },
  )

  test('of Linkerd are all that the page lists, with those that find nothing', () => {
    expect(linkerdQueries()).toHaveLength(15)
    expect(linkerdQueries().filter(({ finds }) => !finds)).toHaveLength(3)
  })

  test.each(ownQueries())('our $panel names what there is: $query', ({ query }) => {
    expect(seriesOf(query).length).toBeGreaterThan(0)
    expect(unknownIn(query)).toEqual([])
  })

  test('of ours leave no metric of HTTP out', () => {
    const shown = ownQueries().flatMap(({ query }) =>
      seriesOf(query).map(({ metric }) => metric.replace(HISTOGRAM_PARTS, '')),
    )
    const http = [...labelsOf.keys()]
      .map((name) => name.replace(HISTOGRAM_PARTS, ''))
      .filter((name) => /^(request|response|sluice_http|sluice_grpc)_/.test(name))
    expect([...new Set(http)].filter((name) => !shown.includes(name))).toEqual([])
  })
})
