/** What retries may add to the load: see the option `retries`. */
export interface RetryBudgetOptions {
  /** Retries for each request: 0.2 is one for five. */
  readonly ratio: number
  /** Retries a second that are there whatever the number of requests. */
  readonly minPerSecond: number
}

/** Seconds of `minPerSecond`, and requests, whose share can be saved up: a burst of retries is no longer than that. */
const SAVED_SECONDS = 10
const SAVED_REQUESTS = 1_000
const RETRY = 1_000

/**
 * Keeps retries a share of all requests, so that servers which fail under load are not asked twice as often for that (Finagle's and
 * Linkerd's retry budget, as two buckets of tokens).
 */
export class RetryBudget {
  readonly #options: RetryBudgetOptions
  readonly #now: () => number
  /** Thousandths of a retry: whole numbers, so that five fifths are one. */
  #shares = 0
  #reserve: number
  #filledAt: number

  constructor(options: RetryBudgetOptions, now: () => number) {
    this.#options = options
    this.#now = now
    this.#reserve = options.minPerSecond
    this.#filledAt = now()
  }

  /** A request has come. */
  deposit(): void {
    const share = Math.round(this.#options.ratio * RETRY)
    this.#shares = Math.min(this.#shares + share, Math.max(RETRY, SAVED_REQUESTS * share))
  }

  /** Whether one may be sent again; if so, it is counted as that. */
  withdraw(): boolean {
    if (this.#shares >= RETRY) {
      this.#shares -= RETRY
      return true
    }
    this.#fill()
    if (this.#reserve < 1) return false
    this.#reserve--
    return true
  }

  #fill(): void {
    const { minPerSecond } = this.#options
    const now = this.#now()
    const earned = ((now - this.#filledAt) / 1000) * minPerSecond
    this.#reserve = Math.min(this.#reserve + earned, minPerSecond * SAVED_SECONDS)
    this.#filledAt = now
  }
}
