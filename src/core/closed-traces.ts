import type { CloseSummary } from './close-summary.js'
import type { LookedAt } from './looked-at.js'
import type { TraceStep } from './trace.js'

/** A connection that is over, with why Sluice did with it what it did. */
export interface ClosedTrace {
  readonly summary: CloseSummary
  readonly steps: readonly TraceStep[]
  /** What detection looked at: at most `traceBytes` of each side. */
  readonly lookedAt?: LookedAt | undefined
}

/** The last closed connections, oldest first. */
export class ClosedTraces {
  readonly #capacity: number
  readonly #ring: ClosedTrace[] = []
  #next = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(trace: ClosedTrace): void {
    if (this.#capacity === 0) return
    this.#ring[this.#next] = trace
    this.#next = (this.#next + 1) % this.#capacity
  }

  list(): ClosedTrace[] {
    const isFull = this.#ring.length === this.#capacity
    return isFull ? [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)] : [...this.#ring]
  }
}
