import type { AnsweredMethod } from '../protocols/http1-framing.js'
import type { HttpExchange } from './http-exchange.js'

/** The requests of a connection that wait for their responses, in their order (RFC 9112 section 9.3.2). A ring: nothing moves. */
export class OutstandingRequests {
  readonly #maxRequests: number
  // Room for one, which is all that most clients ever need; it doubles up to the bound.
  #exchanges: (HttpExchange | undefined)[] = [undefined]
  #methods: AnsweredMethod[] = ['other']
  #first = 0
  #size = 0

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests
  }

  get size(): number {
    return this.#size
  }

  /** The oldest one; undefined where there is none. */
  get first(): HttpExchange | undefined {
    return this.#size === 0 ? undefined : this.#exchanges[this.#first]
  }

  /** Of the oldest one, where there is one. */
  get firstMethod(): AnsweredMethod {
    return this.#methods[this.#first]!
  }

  /** False where there are as many as there may be: it was not added. */
  push(exchange: HttpExchange, method: AnsweredMethod): boolean {
    if (this.#size === this.#maxRequests) return false
    if (this.#size === this.#exchanges.length) this.#grow()
    const index = (this.#first + this.#size) % this.#exchanges.length
    this.#exchanges[index] = exchange
    this.#methods[index] = method
    this.#size++
    return true
  }

  /** The oldest one has its response. */
  shift(): void {
    this.#exchanges[this.#first] = undefined
    this.#first = (this.#first + 1) % this.#exchanges.length
    this.#size--
  }

  #grow(): void {
    const { length } = this.#exchanges
    const at = (i: number): number => (this.#first + i) % length
    const exchanges = Array.from({ length: 2 * length }, (_, i) =>
      i < this.#size ? this.#exchanges[at(i)] : undefined,
    )
    this.#methods = Array.from({ length: 2 * length }, (_, i) => (i < this.#size ? this.#methods[at(i)]! : 'other'))
    this.#exchanges = exchanges
    this.#first = 0
  }
}
