import type { SummaryDraft } from './close-summary.js'
import type { DecisionMetrics } from './decision-metrics.js'
import type { DetectionResult } from './detection-result.js'
import type { DialEnvironment } from './dial.js'
import type { ListenerContext } from './listener-context.js'
import type { Facts } from './sniffer.js'
import type { Trace } from './trace.js'

/** What naming a connection needs of its surroundings: one for all connections of a listener. */
export interface NamingEnvironment {
  readonly context: ListenerContext
  readonly dial: DialEnvironment
  readonly metrics: DecisionMetrics
}

/** What one connection turned out to be: its name or that there is none, the facts, and what it took to know. */
export class Naming {
  readonly #environment: NamingEnvironment
  readonly #trace: Trace
  #firstByteAt: number | undefined
  #durationMs = 0
  #result: DetectionResult | undefined
  /** What observers have added to the facts. */
  #laterFacts: Facts | undefined

  constructor(environment: NamingEnvironment, trace: Trace) {
    this.#environment = environment
    this.#trace = trace
  }

  /** Undefined until detection has come to an end, or a port has given the name. */
  get result(): DetectionResult | undefined {
    return this.#result
  }

  /** Of either side; only the first call counts. */
  firstByteCame(): void {
    this.#firstByteAt ??= this.#environment.dial.clock.now()
  }

  /** Detection has come to an end: this is counted and traced, once. */
  decided(result: DetectionResult): void {
    const { context, dial, metrics } = this.#environment
    this.#result = result
    const now = dial.clock.now()
    this.#durationMs = now - (this.#firstByteAt ?? now)
    metrics.detected(context.name, result, this.#durationMs)
    const { client, server } = result.bytes
    const by = result.decidedBy === undefined ? '' : ` by ${result.decidedBy}`
    const first = result.spokeFirst === undefined ? '' : `, the ${result.spokeFirst} spoke first`
    this.#trace.add(result.outcome, '', `${result.protocol ?? 'no name'}${by}${first}, ${client} + ${server} bytes`)
  }

  /** The name is there already: facts came after it. Those that observers have added stay. */
  learned(result: DetectionResult): void {
    this.#result = this.#laterFacts ? { ...result, facts: { ...result.facts, ...this.#laterFacts } } : result
  }

  /** An observer has learned more. */
  addFacts(named: DetectionResult, facts: Facts): void {
    this.#laterFacts = { ...this.#laterFacts, ...facts }
    this.learned(named)
  }

  describe(summary: SummaryDraft): void {
    const result = this.#result
    if (result === undefined) return
    summary.facts = result.facts
    summary.outcome = result.outcome
    if (result.spokeFirst) summary.spokeFirst = result.spokeFirst
    summary.detection = { bytes: result.bytes, durationMs: this.#durationMs }
    if (result.protocol !== undefined) summary.protocol = result.protocol
    if (result.decidedBy !== undefined) summary.decidedBy = result.decidedBy
  }
}
