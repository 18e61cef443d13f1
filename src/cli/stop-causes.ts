import type { ServingIo, StopCause } from './serving-io.js'

type Signal = Exclude<StopCause, 'stdout-closed'>

/** What asks a command to stop, in order, also what came before anyone waited. */
export class StopCauses {
  readonly #pending: StopCause[] = []
  #waiter: ((cause: StopCause) => void) | undefined
  /** Gives signals back to the process: from then on they end it. */
  readonly dispose: () => void

  constructor(io: ServingIo) {
    this.dispose = io.onStop((cause) => this.#add(cause))
  }

  /** Settles with the next one. One waiter at a time. */
  next(): Promise<StopCause> {
    const pending = this.#pending.shift()
    if (pending) return Promise.resolve(pending)
    return new Promise((resolve) => (this.#waiter = resolve))
  }

  /** As `next`, but passes over a closed standard output, of which there may be one report a line. */
  async nextSignal(): Promise<Signal> {
    for (;;) {
      const cause = await this.next()
      if (cause !== 'stdout-closed') return cause
    }
  }

  #add(cause: StopCause): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) waiter(cause)
    else if (cause !== 'stdout-closed' || !this.#pending.includes(cause)) this.#pending.push(cause)
  }
}
