import { Registry } from 'prom-client'

/** One series of a counter or gauge. Bind it once, then add to `value`: no look-up and no call per event. */
export interface Cell {
  value: number
}

/** One series of a histogram. */
export interface HistogramCell {
  observe(value: number): void
}

export interface Family<L extends string, C, O extends string = never> {
  /**
   * The series with these labels, made when first asked for; an optional label that is not given does not appear. Beyond the bound
   * on series all further ones are one, `other`.
   */
  cell(labels: Readonly<Record<L, string> & Partial<Record<O, string>>>): C
  /** Forgets all series, for families that are written anew when they are read. Cells that were given out count nowhere then. */
  clear(): void
}

/** Where filters and core register what they count. The same name gives the same family, for all listeners of an instance. */
export interface Metrics {
  counter<const L extends string, const O extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    optionalLabels?: readonly O[],
  ): Family<L, Cell, O>
  gauge<const L extends string>(name: string, help: string, labels: readonly L[]): Family<L, Cell>
  histogram<const L extends string, const O extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    buckets: readonly number[],
    optionalLabels?: readonly O[],
  ): Family<L, HistogramCell, O>
}

/** Series of one family. A scrape of 10,000 series takes 30 ms; what must be bounded is bounded well below that. */
const MAX_SERIES = 2_000

/** What a label says once its family is full. */
const OVERFLOW = 'other'

class Series implements Cell {
  value = 0
}

class HistogramSeries implements HistogramCell {
  readonly #bounds: readonly number[]
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.sum += value
  }
}

type AnySeries = Series | HistogramSeries
interface MetricValue {
  metricName?: string
  labels: Record<string, string | number>
  value: number
}

class MetricFamily<S extends AnySeries> implements Family<string, S> {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labelNames: readonly string[]
  readonly bounds: readonly number[]
  readonly #make: () => S
  readonly #series = new Map<string, { labels: Record<string, string>; series: S }>()

  constructor(
    name: string,
    help: string,
    type: MetricFamily<S>['type'],
    labelNames: readonly string[],
    bounds: readonly number[],
    make: () => S,
  ) {
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labelNames
    this.bounds = bounds
    this.#make = make
  }

  cell(labels: Readonly<Record<string, string | undefined>>): S {
    let key = ''
    for (const name of this.labelNames) key += `${labels[name] ?? ''}\0`
    const known = this.#series.get(key)
    if (known) return known.series
    if (this.#series.size >= MAX_SERIES) return this.#overflow()
    const series = this.#make()
    this.#series.set(key, {
      labels: Object.fromEntries(
        Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      series,
    })
    return series
  }

  clear(): void {
    this.#series.clear()
  }

  #overflow(): S {
    const key = OVERFLOW
    const known = this.#series.get(key)
    if (known) return known.series
    const series = this.#make()
    this.#series.set(key, { labels: Object.fromEntries(this.labelNames.map((name) => [name, OVERFLOW])), series })
    return series
  }

  /** What prom-client's registry asks of a metric when it renders. */
  get(): { name: string; help: string; type: string; values: MetricValue[]; aggregator: string } {
    const values: MetricValue[] = []
    for (const { labels, series } of this.#series.values()) {
      if (series instanceof HistogramSeries) this.#addHistogram(values, labels, series)
      else values.push({ labels, value: series.value })
    }
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' }
  }

  #addHistogram(values: MetricValue[], labels: Record<string, string>, series: HistogramSeries): void {
    let total = 0
    for (let i = 0; i <= this.bounds.length; i++) {
      total += series.counts[i]!
      const le = i === this.bounds.length ? '+Inf' : this.bounds[i]!
      values.push({ metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: total })
    }
    values.push({ metricName: `${this.name}_sum`, labels, value: series.sum })
    values.push({ metricName: `${this.name}_count`, labels, value: total })
  }

  /** Sum of the series that carry all of `labels`; a histogram's number of observations. Undefined where there is none. */
  sum(labels: Readonly<Record<string, string>>): number | undefined {
    let total: number | undefined
    for (const { labels: own, series } of this.#series.values()) {
      if (!Object.entries(labels).every(([name, value]) => own[name] === value)) continue
      total =
        (total ?? 0) + (series instanceof HistogramSeries ? series.counts.reduce((a, b) => a + b, 0) : series.value)
    }
    return total
  }
}

/**
 * The metrics of one instance: prom-client's registry and exposition over own cells, which cost 3 ns an increment where
 * prom-client's take 270.
 */
export class MetricsRegistry implements Metrics {
  readonly registry = new Registry()
  readonly #families = new Map<string, MetricFamily<AnySeries>>()
  /** Brought up to date before anything is read: live connections add what they have counted since. */
  beforeRead: () => void = () => {}

  counter<const L extends string, const O extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    optionalLabels: readonly O[] = [],
  ): Family<L, Cell, O> {
    return this.#family(name, help, 'counter', [...labels, ...optionalLabels], [], () => new Series())
  }

  gauge<const L extends string>(name: string, help: string, labels: readonly L[]): Family<L, Cell> {
    return this.#family(name, help, 'gauge', labels, [], () => new Series())
  }

  histogram<const L extends string, const O extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    buckets: readonly number[],
    optionalLabels: readonly O[] = [],
  ): Family<L, HistogramCell, O> {
    const all = [...labels, ...optionalLabels]
    return this.#family(name, help, 'histogram', all, buckets, () => new HistogramSeries(buckets))
  }

  /** Prometheus text format, version 0.0.4. */
  async render(): Promise<string> {
    this.beforeRead()
    return await this.registry.metrics()
  }

  /** Sum over the series of `name` that carry all of `labels`; 0 where nothing was counted, undefined for an unknown name. */
  read(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    this.beforeRead()
    const family = this.#families.get(name)
    return family && (family.sum(labels) ?? 0)
  }

  #family<S extends AnySeries>(
    name: string,
    help: string,
    type: MetricFamily<S>['type'],
    labels: readonly string[],
    bounds: readonly number[],
    make: () => S,
  ): MetricFamily<S> {
    const known = this.#families.get(name)
    if (known) {
      if (known.type !== type || known.labelNames.join() !== labels.join()) {
        throw new TypeError(
          `metric ${name} is registered already, as a ${known.type} with the labels ${known.labelNames.join(', ')}`,
        )
      }
      return known as unknown as MetricFamily<S>
    }
    const family = new MetricFamily<S>(name, help, type, labels, bounds, make)
    this.#families.set(name, family)
    this.registry.registerMetric(family as never)
    return family
  }
}
