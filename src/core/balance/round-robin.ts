import type { Endpoint } from '../endpoint.js'
import { type Balancer, isEligible, type Load, type Tried } from './balancer.js'

/**
 * One after the other. With weights, nginx' smooth variant: each turn an endpoint gains its weight and the one that is ahead is
 * picked and loses the sum, so that 5, 1, 1 gives a a b a c a a and no bursts.
 */
export class RoundRobin implements Balancer {
  #endpoints: readonly Endpoint[] = []
  /** Empty where all weights are the same. */
  #ahead = new Map<Endpoint, number>()
  #turn = 0

  use(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints
    const isWeighted = endpoints.some(({ weight }) => weight !== endpoints[0]!.weight)
    this.#ahead = new Map(isWeighted ? endpoints.map((endpoint) => [endpoint, this.#ahead.get(endpoint) ?? 0]) : [])
  }

  pick(load: Load, tried: Tried): Endpoint | undefined {
    return this.#ahead.size > 0 ? this.#weighted(load, tried) : this.#next(load, tried)
  }

  #next(load: Load, tried: Tried): Endpoint | undefined {
    const count = this.#endpoints.length
    // A second try is no turn: otherwise with two endpoints the one that refuses would be first each time.
    const start = (tried === undefined ? this.#turn++ : this.#turn) % count
    for (let i = 0; i < count; i++) {
      const endpoint = this.#endpoints[(start + i) % count]!
      if (isEligible(endpoint, load, tried)) return endpoint
    }
    return undefined
  }

  #weighted(load: Load, tried: Tried): Endpoint | undefined {
    let sum = 0
    let best: Endpoint | undefined
    let most = -Infinity
    for (const endpoint of this.#endpoints) {
      if (!isEligible(endpoint, load, tried)) continue
      const ahead = this.#ahead.get(endpoint)! + endpoint.weight
      this.#ahead.set(endpoint, ahead)
      sum += endpoint.weight
      if (ahead > most) {
        most = ahead
        best = endpoint
      }
    }
    if (best) this.#ahead.set(best, most - sum)
    return best
  }
}
