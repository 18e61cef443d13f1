import type { Clock, Timer } from '../core/clock.js'

interface Waiting {
  readonly at: number
  readonly callback: () => void
}

/** A clock that moves only when told to. I/O goes on: `afterPoll` polls for real. Hand it in behind the token CLOCK. */
export class FakeClock implements Clock {
  #now = 1_000
  readonly #waiting = new Set<Waiting>()

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#now
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const waiting = { at: this.#now + delayMs, callback }
    this.#waiting.add(waiting)
    return { cancel: () => void this.#waiting.delete(waiting) }
  }

  afterPoll(callback: () => void): void {
    setImmediate(() => setImmediate(callback))
  }

  /** Delays of the timers that wait, in milliseconds from now. */
  get pending(): number[] {
    return [...this.#waiting].map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  /** Moves on, firing what is due in order. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const due = [...this.#waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#waiting.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = until
  }
}
