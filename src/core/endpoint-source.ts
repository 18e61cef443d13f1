import type { EndpointConfig } from './config/config.js'

/**
 * Where endpoints of a group come from, when they are not written down: DNS, a file; made so that EndpointSlices and xDS can be one.
 *
 * Laws: the first answer may come late or never, and `start` does not wait for it; what fails keeps the last good set, so a source
 * never calls back with less than it knows; an empty set is an answer like any other. Every wait and every size is bounded by the
 * source itself.
 */
export interface EndpointSource {
  /** What it is, for logs and metrics: `dns shop.default:80`. */
  readonly label: string
  /**
   * Called once, when the proxy starts. `onChange` is to be called with the whole set, for the first time and whenever it may have
   * changed, never from within `start` and never after `stop`. One address once; an address that stays is the same endpoint.
   */
  start(onChange: (endpoints: readonly EndpointConfig[]) => void): void
  /** Called once: leaves no timer, watcher or socket behind. */
  stop(): void
}
