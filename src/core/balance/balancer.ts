import type { Endpoint } from '../endpoint.js'

/** What is to be placed, and so what counts as an endpoint's load: connections that are open, or requests in flight. */
export type Load = 'open' | 'requests'

/** Endpoints that were tried already. */
export type Tried = ReadonlySet<Endpoint> | undefined

/** Picks endpoints of one group. */
export interface Balancer {
  /** The set, before the first pick and whenever it or a weight has changed. Never empty, not changed by the caller later. */
  use(endpoints: readonly Endpoint[]): void
  /**
   * An eligible endpoint; undefined where there is none. The same `key` gives the same one, where the balancer looks at keys; `now`
   * spares one that looks at times the question to the clock.
   */
  pick(load: Load, tried: Tried, key: string | undefined, now?: number): Endpoint | undefined
}

/** Requests may go to an endpoint whose connections are all taken: they wait for one, or use one that is idle. */
export function isEligible(endpoint: Endpoint, load: Load, tried: Tried): boolean {
  return endpoint.isUsable && !(load === 'open' && endpoint.isFull) && !tried?.has(endpoint)
}
