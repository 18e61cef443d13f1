import type { Endpoint } from '../endpoint.js'
import { type Balancer, isEligible, type Load, type Tried } from './balancer.js'
import { WeightedDraw } from './weighted-draw.js'

/** What one of whom nothing is known yet counts as, once something is in flight to it: it is tried, and not flooded (Finagle). */
const UNKNOWN_LATENCY_MS = 1_000

/** Endpoints that answer within this are alike, and the one with less in flight is next: what lies between them is chance. */
const MIN_LATENCY_MS = 1

/**
 * Of two drawn at random the one that is expected to answer sooner: recent latency with its peaks, times what is in flight and the
 * one to come (Finagle's and Linkerd's peak-EWMA). Two choices and not all: with the best of all, whoever looks best is flooded by
 * every proxy at once.
 */
export class PowerOfTwo implements Balancer {
  readonly #random: () => number
  readonly #now: () => number
  #draw: WeightedDraw | undefined

  constructor(random: () => number, now: () => number) {
    this.#random = random
    this.#now = now
  }

  use(endpoints: readonly Endpoint[]): void {
    this.#draw = new WeightedDraw(endpoints, this.#random)
  }

  pick(load: Load, tried: Tried, _key?: string, now = this.#now()): Endpoint | undefined {
    const first = this.#draw?.draw((endpoint) => isEligible(endpoint, load, tried))
    if (first === undefined) return undefined
    const second = this.#draw?.draw((endpoint) => endpoint !== first && isEligible(endpoint, load, tried))
    if (second === undefined) return first
    return cost(second, load, now) < cost(first, load, now) ? second : first
  }
}

function cost(endpoint: Endpoint, load: Load, now: number): number {
  const inFlight = endpoint[load]
  const latencyMs = endpoint.latencyMs(now) ?? (inFlight > 0 ? UNKNOWN_LATENCY_MS : 0)
  return Math.max(latencyMs, MIN_LATENCY_MS) * (inFlight + 1)
}
