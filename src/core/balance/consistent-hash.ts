import type { Endpoint } from '../endpoint.js'
import { type Balancer, isEligible, type Load, type Tried } from './balancer.js'
import { hash32 } from './hash.js'
import { Random } from './random.js'

/** Ketama's 160 points an endpoint: shares are even to within a tenth or so. */
const POINTS = 160
/** Points of the whole ring, whatever the weights: half a megabyte. */
const MAX_POINTS = 65_536

/**
 * A ring of hashes: an endpoint owns the stretch before each of its points, so that one more or less moves only the keys of its own
 * share. Who owns a key and is not eligible is passed over for the next on the ring. Without a key any will do.
 */
export class ConsistentHash implements Balancer {
  readonly #withoutKey: Random
  #hashes = new Uint32Array()
  #owners: Endpoint[] = []
  #count = 0

  constructor(random: () => number) {
    this.#withoutKey = new Random(random)
  }

  use(endpoints: readonly Endpoint[]): void {
    this.#withoutKey.use(endpoints)
    this.#count = endpoints.length
    const points = endpoints.flatMap((endpoint) => pointsOf(endpoint, pointsEach(endpoint, endpoints)))
    // Where two fall together the label decides: the ring depends on who is in it, and not on the order of an answer.
    points.sort((a, b) => a.hash - b.hash || (a.endpoint.label < b.endpoint.label ? -1 : 1))
    this.#hashes = Uint32Array.from(points, ({ hash }) => hash)
    this.#owners = points.map(({ endpoint }) => endpoint)
  }

  pick(load: Load, tried: Tried, key: string | undefined): Endpoint | undefined {
    if (key === undefined) return this.#withoutKey.pick(load, tried)
    const start = this.#firstFrom(hash32(key))
    const seen = new Set<Endpoint>()
    for (let i = 0; i < this.#owners.length && seen.size < this.#count; i++) {
      const endpoint = this.#owners[(start + i) % this.#owners.length]!
      if (isEligible(endpoint, load, tried)) return endpoint
      seen.add(endpoint)
    }
    return undefined
  }

  #firstFrom(hash: number): number {
    let low = 0
    let high = this.#hashes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#hashes[middle]! < hash) low = middle + 1
      else high = middle
    }
    return low
  }
}

interface Point {
  readonly hash: number
  readonly endpoint: Endpoint
}

function pointsOf(endpoint: Endpoint, count: number): Point[] {
  return Array.from({ length: count }, (_, index) => ({ hash: hash32(`${endpoint.label}#${index}`), endpoint }))
}

/** An endpoint's points come from its own weight wherever the ring has room for that: others then do not move its keys. */
function pointsEach({ weight }: Endpoint, endpoints: readonly Endpoint[]): number {
  const wanted = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0) * POINTS
  return Math.max(1, Math.round(weight * POINTS * Math.min(1, MAX_POINTS / wanted)))
}
