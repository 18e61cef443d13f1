import type { Outcome } from './endpoint.js'

/** How fast the average forgets: Finagle's and Linkerd's default for peak-EWMA. */
const DECAY_MS = 10_000

/**
 * How fast a peak is forgotten that nothing has confirmed. A first request that had code compiled, a pause for garbage: at the average's
 * pace, 50 ms once would keep an endpoint out for 40 s beside others that take one.
 */
const PEAK_DECAY_MS = 1_000

/**
 * What a failure counts as, at the least: one that comes back at once would otherwise look like the fastest of all. Finagle's
 * penalty for what is not known; three orders of magnitude above a healthy answer within a cluster.
 */
const FAILURE_LATENCY_MS = 1_000

/**
 * A moving average of latency that takes peaks at once (Finagle's PeakEwma), and forgets it all while nothing is observed: so an
 * endpoint that was slow is asked again. Unlike Finagle's it tells a peak from slowness: one slow answer is forgotten soon, a second
 * one, and any failure, slowly.
 */
export class PeakEwma {
  #averageMs = 0
  #peakMs = 0
  #at = 0
  #isEmpty = true

  observe({ latencyMs, isFailure }: Outcome, now: number): void {
    if (isFailure) {
      const failureMs = Math.max(latencyMs ?? 0, FAILURE_LATENCY_MS)
      this.#add(failureMs, now)
      // Whoever fails is not tried soon again: what cannot be repeated would fail with it.
      this.#averageMs = Math.max(this.#averageMs, failureMs)
    } else if (latencyMs !== undefined) this.#add(latencyMs, now)
  }

  /** Undefined where nothing was observed yet. */
  valueAt(now: number): number | undefined {
    if (this.#isEmpty) return undefined
    const age = this.#at - now
    return Math.max(this.#averageMs * Math.exp(age / DECAY_MS), this.#peakMs * Math.exp(age / PEAK_DECAY_MS))
  }

  #add(latencyMs: number, now: number): void {
    if (!this.#isEmpty) {
      const age = this.#at - now
      const rest = Math.exp(age / DECAY_MS)
      this.#averageMs = this.#averageMs * rest + latencyMs * (1 - rest)
      this.#peakMs *= Math.exp(age / PEAK_DECAY_MS)
    }
    this.#peakMs = Math.max(this.#peakMs, latencyMs)
    this.#isEmpty = false
    this.#at = now
  }
}
