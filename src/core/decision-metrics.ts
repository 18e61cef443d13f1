import type { DetectionResult } from './detection-result.js'
import type { Cell, Family, HistogramCell, Metrics } from './metrics.js'

/** What became of an upstream connection that was opened so that the server's greeting could decide. */
export type EarlyDialOutcome = 'used' | 'in-vain' | 'failed'

/** Seconds. Deciding takes microseconds; what follows is waiting: up to the detect timeout, 10 s. */
const DURATION_BUCKETS = [0.0001, 0.001, 0.01, 0.1, 1, 10]

/** What a chain decided, counted. */
export class DecisionMetrics {
  readonly #detected: Family<'listener' | 'outcome' | 'protocol' | 'decided_by', Cell>
  readonly #duration: Family<'listener', HistogramCell>
  readonly #denied: Family<'listener' | 'filter' | 'reason', Cell>
  readonly #earlyDials: Family<'listener' | 'outcome', Cell>
  readonly #connectErrors: Family<'listener' | 'code', Cell>
  readonly #filterErrors: Family<'listener' | 'filter', Cell>
  readonly #droppedObservers: Family<'listener', Cell>
  readonly #snifferErrors: Family<'protocol', Cell>
  readonly #acceptErrors: Family<'listener', Cell>
  /** The cells of the listener that was counted last. */
  #last: { readonly listener: string; readonly duration: HistogramCell; readonly counts: Map<string, Cell> } | undefined

  constructor(metrics: Metrics) {
    this.#detected = metrics.counter('sluice_detect_total', 'How looking for the protocol ended.', [
      'listener',
      'outcome',
      'protocol',
      'decided_by',
    ])
    this.#duration = metrics.histogram(
      'sluice_detect_duration_seconds',
      'From the first byte of either side to the outcome.',
      ['listener'],
      DURATION_BUCKETS,
    )
    this.#denied = metrics.counter('sluice_deny_total', 'Connections that were refused.', [
      'listener',
      'filter',
      'reason',
    ])
    this.#earlyDials = metrics.counter(
      'sluice_early_dial_total',
      'Upstream connections opened so that the server could speak.',
      ['listener', 'outcome'],
    )
    this.#connectErrors = metrics.counter(
      'sluice_connect_errors_total',
      'Connections whose destination could not be connected.',
      ['listener', 'code'],
    )
    this.#filterErrors = metrics.counter(
      'sluice_filter_errors_total',
      'Connections ended by a filter that threw or rejected.',
      ['listener', 'filter'],
    )
    this.#droppedObservers = metrics.counter(
      'sluice_observer_dropped_total',
      'Observers that threw; their connections went on.',
      ['listener'],
    )
    this.#snifferErrors = metrics.counter(
      'sluice_sniffer_errors_total',
      'Times that a sniffer threw and lost its vote.',
      ['protocol'],
    )
    this.#acceptErrors = metrics.counter(
      'sluice_accept_errors_total',
      'Accepts that failed, as when descriptors run out.',
      ['listener'],
    )
  }

  detected(listener: string, result: DetectionResult, durationMs: number): void {
    const { outcome, protocol = '', decidedBy = '' } = result
    if (this.#last?.listener !== listener)
      this.#last = { listener, duration: this.#duration.cell({ listener }), counts: new Map() }
    const { counts, duration } = this.#last
    const kind = `${outcome} ${decidedBy} ${protocol}`
    let count = counts.get(kind)
    if (count === undefined)
      counts.set(kind, (count = this.#detected.cell({ listener, outcome, protocol, decided_by: decidedBy })))
    count.value++
    duration.observe(durationMs / 1000)
  }

  denied(listener: string, filter: string, reason: string): void {
    this.#denied.cell({ listener, filter, reason }).value++
  }

  earlyDial(listener: string, outcome: EarlyDialOutcome): void {
    this.#earlyDials.cell({ listener, outcome }).value++
  }

  connectFailed(listener: string, code: string): void {
    this.#connectErrors.cell({ listener, code }).value++
  }

  filterFailed(listener: string, filter: string): void {
    this.#filterErrors.cell({ listener, filter }).value++
  }

  observerDropped(listener: string): void {
    this.#droppedObservers.cell({ listener }).value++
  }

  snifferFailed(protocol: string): void {
    this.#snifferErrors.cell({ protocol }).value++
  }

  acceptFailed(listener: string): void {
    this.#acceptErrors.cell({ listener }).value++
  }
}
