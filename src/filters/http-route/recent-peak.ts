/** The highest of the values of this period and of the one before: of at least one period, of at most two. */
export class RecentPeak {
  readonly #periodMs: number
  #since: number
  #before = 0
  #current = 0

  /** `now` in monotonic milliseconds. */
  constructor(periodMs: number, now: number) {
    this.#periodMs = periodMs
    this.#since = now
  }

  get value(): number {
    return Math.max(this.#before, this.#current)
  }

  note(value: number): void {
    if (value > this.#current) this.#current = value
  }

  /** To be called now and then: a period that is over makes room for the next. */
  turn(now: number): void {
    if (now - this.#since < this.#periodMs) return
    this.#since = now
    this.#before = this.#current
    this.#current = 0
  }
}
