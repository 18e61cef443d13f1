import type { Endpoint } from '../endpoint.js'

/** Drawn in vain so often, one looks at all. */
const DRAWS = 8

/** Draws endpoints at random, each as often as its weight says. */
export class WeightedDraw {
  readonly #endpoints: readonly Endpoint[]
  readonly #random: () => number
  /** Sums of the weights up to each endpoint; empty where all are the same. */
  readonly #sums: readonly number[]

  constructor(endpoints: readonly Endpoint[], random: () => number) {
    this.#endpoints = endpoints
    this.#random = random
    let sum = 0
    this.#sums = endpoints.some(({ weight }) => weight !== endpoints[0]!.weight)
      ? endpoints.map(({ weight }) => (sum += weight))
      : []
  }

  /** One that `isWanted`; undefined where there is none. Rejecting what is not wanted keeps the shares of the others. */
  draw(isWanted: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    for (let i = 0; i < DRAWS; i++) {
      const endpoint = this.#any()
      if (isWanted(endpoint)) return endpoint
    }
    const wanted = this.#endpoints.filter(isWanted)
    return wanted.length === 0 ? undefined : new WeightedDraw(wanted, this.#random).#any()
  }

  #any(): Endpoint {
    const count = this.#endpoints.length
    if (this.#sums.length === 0) return this.#endpoints[Math.floor(this.#random() * count)]!
    const at = this.#random() * this.#sums[count - 1]!
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sums[middle]! > at) high = middle
      else low = middle + 1
    }
    return this.#endpoints[low]!
  }
}
