import type { Endpoint } from '../endpoint.js'
import { type Balancer, isEligible, type Load, type Tried } from './balancer.js'
import { WeightedDraw } from './weighted-draw.js'

/** Any of them, as often as its weight says. */
export class Random implements Balancer {
  readonly #random: () => number
  #draw: WeightedDraw | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  use(endpoints: readonly Endpoint[]): void {
    this.#draw = new WeightedDraw(endpoints, this.#random)
  }

  pick(load: Load, tried: Tried): Endpoint | undefined {
    return this.#draw?.draw((endpoint) => isEligible(endpoint, load, tried))
  }
}
