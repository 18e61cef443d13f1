import type { Endpoint } from '../../core/endpoint.js'
import type { RoomWaiter, UpstreamGroup } from '../../core/upstream-group.js'
import type { ConnectionWaiter } from './endpoint-pool.js'

/** Requests that wait for a connection to any endpoint of one group. Whichever has one first serves the oldest that may go there. */
export class WaitingLine implements RoomWaiter {
  readonly #group: UpstreamGroup
  readonly #serve: (endpoint: Endpoint) => void
  readonly #waiters: ConnectionWaiter[] = []

  /** `serve` is called with an endpoint that may have room, while somebody waits. */
  constructor(group: UpstreamGroup, serve: (endpoint: Endpoint) => void) {
    this.#group = group
    this.#serve = serve
  }

  get length(): number {
    return this.#waiters.length
  }

  /** Somebody waits for an endpoint of the group, here or elsewhere. */
  get isWanted(): boolean {
    return this.#group.isWanted
  }

  isWantedElsewhere(endpoint: Endpoint): boolean {
    return this.#group.isWantedBeside(this, endpoint)
  }

  wants(endpoint: Endpoint): boolean {
    return this.#waiters.some((waiter) => waiter.mayUse(endpoint))
  }

  add(waiter: ConnectionWaiter): void {
    this.#waiters.push(waiter)
    if (this.#waiters.length === 1) this.#group.waitForRoom(this)
  }

  /** The oldest that may go to `endpoint`; it waits no more. */
  next(endpoint: Endpoint): ConnectionWaiter | undefined {
    const index = this.#waiters.findIndex((waiter) => waiter.mayUse(endpoint))
    return index < 0 ? undefined : this.#takeOut(index)
  }

  remove(waiter: ConnectionWaiter): void {
    const index = this.#waiters.indexOf(waiter)
    if (index >= 0) this.#takeOut(index)
  }

  roomAt(endpoint: Endpoint): void {
    this.#serve(endpoint)
  }

  /** Now and then: places that became free without a word, by a health check that has passed. */
  serveAll(): void {
    for (const endpoint of this.#group.endpoints) if (this.#waiters.length > 0) this.#serve(endpoint)
  }

  clear(): void {
    this.#waiters.length = 0
    this.#group.stopWaiting(this)
  }

  #takeOut(index: number): ConnectionWaiter {
    const [waiter] = this.#waiters.splice(index, 1)
    if (this.#waiters.length === 0) this.#group.stopWaiting(this)
    return waiter!
  }
}
