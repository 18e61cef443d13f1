import type { Endpoint } from '../endpoint.js'
import type { Load } from './balancer.js'
import { LeastLoaded } from './least-loaded.js'

/** The endpoint with the fewest requests in flight; of connections, where nobody counts requests, the fewest that are open. */
export class LeastRequests extends LeastLoaded {
  protected override loadOf(endpoint: Endpoint, load: Load): number {
    return endpoint[load]
  }
}
