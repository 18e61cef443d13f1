import type { Clock } from './clock.js'
import type { SnifferPlan } from './detection.js'
import { LookedAt } from './looked-at.js'

/** One step of a connection's life, in the order in which it happened. */
export interface TraceStep {
  /** Milliseconds since accept. */
  readonly atMs: number
  /** A filter's name, or `accept`, `upstream`, `client`, `server`, `detected`, `close`. */
  readonly step: string
  /** `continue`, `handled`, `deny: REASON` for a filter's verdict; else empty. */
  readonly verdict: string
  readonly note: string
}

/** Bound on the steps of one connection, so that a filter that traces in a loop costs no memory. */
const MAX_STEPS = 64

/** The decision trace: why Sluice did with this connection what it did. */
export class Trace {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly steps: TraceStep[] = []
  /** What detection looked at; undefined before, and where nothing of it is kept. */
  lookedAt: LookedAt | undefined
  #note = ''

  constructor(clock: Clock, startedAt: number) {
    this.#clock = clock
    this.#startedAt = startedAt
  }

  /** Explains the verdict that the filter under way is about to give. */
  note(text: string): void {
    this.#note = text
  }

  /** Adds a filter's verdict, with what it noted. For the chain driver. */
  verdict(filter: string, verdict: string): void {
    this.add(filter, verdict, this.#note)
    this.#note = ''
  }

  /** Adds a step now. Ignored beyond 64 steps. */
  add(step: string, verdict: string, note = ''): void {
    if (this.steps.length < MAX_STEPS) this.steps.push({ atMs: this.elapsedMs, step, verdict, note })
  }

  /** Milliseconds since accept. */
  get elapsedMs(): number {
    return this.#clock.now() - this.#startedAt
  }

  get stepCount(): number {
    return this.steps.length
  }

  /** Where detection notes what it looks at: its first `maxBytes` of each side. Undefined for 0. Detection that goes on continues. */
  keepLooks(plan: SnifferPlan, maxBytes: number, isWithheld: boolean): LookedAt | undefined {
    if (maxBytes > 0) this.lookedAt ??= new LookedAt(plan, maxBytes, this, isWithheld)
    return this.lookedAt
  }
}
