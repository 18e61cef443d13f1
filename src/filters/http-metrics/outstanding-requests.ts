import type { AnsweredMethod } from '../../protocols/http1-framing.js'

/** The requests of a connection that wait for their responses, in their order (RFC 9112 section 9.3.2). A ring: nothing moves. */
export class OutstandingRequests {
  readonly #maxRequests: number
  // Room for one, which is all that most clients ever need; it doubles up to the bound.
  #starts: number[] = [0]
  #methods: AnsweredMethod[] = ['other']
  #first = 0
  #size = 0

  constructor(maxRequests: number) {
    this.#maxRequests = maxRequests
  }

  get size(): number {
    return this.#size
  }

  /** When the first byte of the oldest one came. Only where there is one, as `firstMethod`. */
  get firstStart(): number {
    return this.#starts[this.#first]!
  }

  get firstMethod(): AnsweredMethod {
    return this.#methods[this.#first]!
  }

  /** False where there are as many as there may be: it was not added. */
  push(start: number, method: AnsweredMethod): boolean {
    if (this.#size === this.#maxRequests) return false
    if (this.#size === this.#starts.length) this.#grow()
    const index = (this.#first + this.#size) % this.#starts.length
    this.#starts[index] = start
    this.#methods[index] = method
    this.#size++
    return true
  }

  /** The oldest one has its response. */
  shift(): void {
    this.#first = (this.#first + 1) % this.#starts.length
    this.#size--
  }

  #grow(): void {
    const capacity = 2 * this.#starts.length
    const starts: number[] = []
    const methods: AnsweredMethod[] = []
    for (let i = 0; i < capacity; i++) {
      starts.push(this.#starts[(this.#first + i) % this.#starts.length]!)
      methods.push(this.#methods[(this.#first + i) % this.#methods.length]!)
    }
    this.#starts = starts
    this.#methods = methods
    this.#first = 0
  }
}
