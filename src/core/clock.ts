export interface Timer {
  cancel(): void
}

/** Time as a service, so that tests can hold it still. */
export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  now(): number
  /** Milliseconds since 1970. */
  wallTime(): number
  /** Calls once, after `delayMs`. Keeps no process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Calls once the event loop has polled for I/O once more: what had already arrived has been read by then. */
  afterPoll(callback: () => void): void
}

/** Node fires a longer timer at once: 24.8 days are as good as for ever. */
const MAX_DELAY_MS = 2 ** 31 - 1

class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout
  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS))
    this.#handle.unref()
  }
  cancel(): void {
    clearTimeout(this.#handle)
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer: (delayMs, callback) => new NodeTimer(delayMs, callback),
  // The first immediate runs at the end of the turn that is under way, before its successor polls.
  afterPoll: (callback) => void setImmediate(() => setImmediate(callback)),
}
