import type { Endpoint } from '../endpoint.js'
import { type Balancer, isEligible, type Load, type Tried } from './balancer.js'

/** Of those with the least load for their weight the next one in turn: ties are spread. */
export abstract class LeastLoaded implements Balancer {
  #endpoints: readonly Endpoint[] = []
  #turn = 0

  /** What is compared, before it is divided by the weight. */
  protected abstract loadOf(endpoint: Endpoint, load: Load): number

  use(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints
  }

  pick(load: Load, tried: Tried): Endpoint | undefined {
    const count = this.#endpoints.length
    const start = this.#turn++ % count
    let best: Endpoint | undefined
    let least = Infinity
    for (let i = 0; i < count; i++) {
      const endpoint = this.#endpoints[(start + i) % count]!
      if (!isEligible(endpoint, load, tried)) continue
      // With the one that is to be placed: so an empty endpoint of twice the weight goes before an empty other one.
      const loaded = (this.loadOf(endpoint, load) + 1) / endpoint.weight
      if (loaded >= least) continue
      least = loaded
      best = endpoint
    }
    return best
  }
}
