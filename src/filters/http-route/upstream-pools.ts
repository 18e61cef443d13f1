import type { Endpoint } from '../../core/endpoint.js'
import type { TakenDial, TakenUpstream } from '../../core/taken-upstream.js'
import type { UpstreamGroup } from '../../core/upstream-group.js'
import { type ConnectionWaiter, EndpointPool, type PoolEnvironment } from './endpoint-pool.js'
import { WaitingLine } from './waiting-line.js'

/** The pools of all endpoints that a listener sends requests to, or that one client has where servers must know who it is. */
export class UpstreamPools {
  readonly #environment: PoolEnvironment
  readonly #pools = new Map<Endpoint, EndpointPool>()
  readonly #lines = new Map<UpstreamGroup, WaitingLine>()
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

  /** The pool of an endpoint of `group`. */
  of(endpoint: Endpoint, group: UpstreamGroup): EndpointPool {
    let pool = this.#pools.get(endpoint)
    if (pool === undefined) {
      pool = new EndpointPool(endpoint, this.#environment, this.#lineOf(group))
      this.#pools.set(endpoint, pool)
    }
    return pool
  }

  /** What leads to `group`, and was dialled before there was a request. */
  adopt(group: UpstreamGroup, taken: TakenUpstream | TakenDial): void {
    const { label } = taken.endpoint
    const shared = this.shared(group)
    this.of(shared.endpoints.find((one) => one.label === label) ?? taken.endpoint, shared).adopt(taken)
  }

  /**
   * An endpoint of `group` that `waiter` may use and need not wait for, if need be with a wire that was dialled early for a client which
   * has said nothing yet. Where all it finds is a connection that serves nobody elsewhere, that is closed: a place becomes free, now or soon.
   */
  findRoom(group: UpstreamGroup, waiter: ConnectionWaiter, hashKey: string | undefined): Endpoint | undefined {
    const full = new Set(group.endpoints.filter((one) => !waiter.mayUse(one) || !this.#hasRoom(one)))
    return group.pickForRequest({ tried: full, hashKey }) ?? this.#findSpare(group, waiter)
  }

  /** `waiter` waits for any endpoint of `group` that it may use. False: as many wait already as may. */
  wait(group: UpstreamGroup, waiter: ConnectionWaiter): boolean {
    const line = this.#lineOf(group)
    if (line.length >= this.#environment.maxPending) return false
    line.add(waiter)
    return true
  }

  leave(group: UpstreamGroup, waiter: ConnectionWaiter): void {
    this.#lines.get(group)?.remove(waiter)
  }

  get isEmpty(): boolean {
    return this.#pools.size === 0
  }

  /** Closes connections that have been idle for too long, and forgets pools of which nothing is left. */
  sweep(now: number): void {
    for (const line of this.#lines.values()) line.serveAll()
    for (const [endpoint, pool] of this.#pools) {
      pool.sweep(now)
      if (pool.isEmpty) this.#forget(endpoint, pool)
    }
  }

  /** Everything ends; nobody waits any more. */
  close(): void {
    for (const line of this.#lines.values()) line.clear()
    for (const pool of this.#pools.values()) pool.close()
    this.#lines.clear()
    this.#pools.clear()
    this.#unnamed.clear()
  }

  #findSpare(group: UpstreamGroup, waiter: ConnectionWaiter): Endpoint | undefined {
    for (const endpoint of group.endpoints) {
      if (!waiter.mayUse(endpoint)) continue
      for (const holder of endpoint.spareHolders) {
        const lent = this.#environment.isOfOneClient ? undefined : holder.lend()
        if (lent !== undefined) {
          this.of(endpoint, group).adopt(lent)
          return endpoint
        }
        if (holder.letGo()) return this.#hasRoom(endpoint) ? endpoint : undefined
      }
    }
    return undefined
  }

  #hasRoom(endpoint: Endpoint): boolean {
    return this.#pools.get(endpoint)?.hasRoom ?? !endpoint.isFull
  }

  #lineOf(group: UpstreamGroup): WaitingLine {
    let line = this.#lines.get(group)
    if (line === undefined) {
      line = new WaitingLine(group, (endpoint) => this.of(endpoint, group).serveWaiting())
      this.#lines.set(group, line)
    }
    return line
  }

  #forget(endpoint: Endpoint, pool: EndpointPool): void {
    pool.close()
    this.#pools.delete(endpoint)
    const group = this.#unnamed.get(endpoint.label)
    if (!group?.endpoints.includes(endpoint)) return
    this.#unnamed.delete(endpoint.label)
    this.#lines.delete(group)
  }
}
