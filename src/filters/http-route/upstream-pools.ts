import type { Endpoint } from '../../core/endpoint.js'
import type { TakenUpstream } from '../../core/upstream-side.js'
import type { UpstreamGroup } from '../../core/upstream-group.js'
import { EndpointPool, type PoolEnvironment } from './endpoint-pool.js'

/** The pools of all endpoints that a listener sends requests to, or that one client has where servers must know who it is. */
export class UpstreamPools {
  readonly #environment: PoolEnvironment
  readonly #pools = new Map<Endpoint, EndpointPool>()
  /** Connections that go where they were headed bring a group each: those to one address share the first one's. */
  readonly #unnamed = new Map<string, UpstreamGroup>()

  constructor(environment: PoolEnvironment) {
    this.#environment = environment
  }

  /** The group whose endpoints have the pools that requests to `group` use. */
  shared(group: UpstreamGroup): UpstreamGroup {
    if (group.name !== undefined) return group
    const known = this.#unnamed.get(group.label)
    if (known !== undefined) return known
    this.#unnamed.set(group.label, group)
    return group
  }

  of(endpoint: Endpoint): EndpointPool {
    let pool = this.#pools.get(endpoint)
    if (pool === undefined) {
      pool = new EndpointPool(endpoint, this.#environment)
      this.#pools.set(endpoint, pool)
    }
    return pool
  }

  /** A wire to `group` that was opened before there was a request. */
  adopt(group: UpstreamGroup, taken: TakenUpstream): void {
    const { label } = taken.endpoint
    const endpoint = this.shared(group).endpoints.find((one) => one.label === label) ?? taken.endpoint
    this.of(endpoint).adopt(taken)
  }

  get isEmpty(): boolean {
    return this.#pools.size === 0
  }

  /** Closes connections that have been idle for too long, and forgets pools of which nothing is left. */
  sweep(now: number): void {
    for (const [endpoint, pool] of this.#pools) {
      pool.sweep(now)
      if (pool.isEmpty) this.#forget(endpoint, pool)
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close()
    this.#pools.clear()
    this.#unnamed.clear()
  }

  #forget(endpoint: Endpoint, pool: EndpointPool): void {
    pool.close()
    this.#pools.delete(endpoint)
    const group = this.#unnamed.get(endpoint.label)
    if (group?.endpoints.includes(endpoint)) this.#unnamed.delete(endpoint.label)
  }
}
