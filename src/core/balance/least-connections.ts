import type { Endpoint } from '../endpoint.js'
import { LeastLoaded } from './least-loaded.js'

/** The endpoint with the fewest open connections, whatever is placed. */
export class LeastConnections extends LeastLoaded {
  protected override loadOf(endpoint: Endpoint): number {
    return endpoint.open
  }
}
