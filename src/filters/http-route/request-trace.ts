import type { Trace } from '../../core/trace.js'
import type { HttpExchange } from '../../http/http-exchange.js'

/** A trace is to say why something was done, and is kept for every connection: the first few requests show it. */
const MAX_REQUESTS = 4
/** In place of the status, where there was no answer. */
export const LOST = 'lost'
/** Characters of a target that are shown. */
const MAX_TARGET = 100

/** Writes into a connection's trace what became of its first requests. */
export class RequestTrace {
  readonly #trace: Trace
  #left = MAX_REQUESTS

  constructor(trace: Trace) {
    this.#trace = trace
  }

  /** The next request is one of those: its method and target are wanted. */
  get isWanted(): boolean {
    return this.#left > 0
  }

  /** One that is over, at `now`; `rule` has decided about it. Its label `route` may be a path template of `http-metrics`. */
  add(exchange: HttpExchange, rule: string | undefined, now: number): void {
    if (this.#left === 0) return
    this.#left--
    const { method, target, endpoint, retries, refused, status, startedAt } = exchange
    const shown = target.length > MAX_TARGET ? `${target.slice(0, MAX_TARGET)}…` : target
    const parts = [
      method === '' ? 'no head that can be taken' : `${method} ${shown}`,
      ...(rule === undefined ? [] : [`rule ${rule}`]),
      ...(endpoint === undefined ? [] : [`to ${endpoint}`]),
      ...(retries === 0 ? [] : [`sent again ${retries === 1 ? 'once' : `${retries} times`}`]),
      ...(refused === undefined ? [] : [`refused: ${refused}`]),
      `${(now - startedAt).toFixed(1)} ms`,
    ]
    this.#trace.add('request', status === 0 ? LOST : String(status), parts.join(', '))
  }
}
