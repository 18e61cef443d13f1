import type { Outcome } from './endpoint.js'

/** How fast the past is forgotten: Finagle's and Linkerd's default for peak-EWMA. */
const DECAY_MS = 10_000

/**
 * What a failure counts as, at the least: one that comes back at once would otherwise look like the fastest of all. Finagle's
 * penalty for what is not known; three orders of magnitude above a healthy answer within a cluster.
 */
const FAILURE_LATENCY_MS = 1_000

/**
 * A moving average of latency that takes peaks at once and forgets them slowly, also while nothing is observed: so an endpoint that
 * was slow is asked again (Finagle's PeakEwma).
 */
export class PeakEwma {
  #valueMs = 0
  #at = 0
  #isEmpty = true

  observe({ latencyMs, isFailure }: Outcome, now: number): void {
    if (isFailure) this.#add(Math.max(latencyMs ?? 0, FAILURE_LATENCY_MS), now)
    else if (latencyMs !== undefined) this.#add(latencyMs, now)
  }

  /** Undefined where nothing was observed yet. */
  valueAt(now: number): number | undefined {
    return this.#isEmpty ? undefined : this.#valueMs * Math.exp((this.#at - now) / DECAY_MS)
  }

  #add(latencyMs: number, now: number): void {
    if (this.#isEmpty || latencyMs > this.#valueMs) this.#valueMs = latencyMs
    else {
      const rest = Math.exp((this.#at - now) / DECAY_MS)
      this.#valueMs = this.#valueMs * rest + latencyMs * (1 - rest)
    }
    this.#isEmpty = false
    this.#at = now
  }
}
