import type { DnsConfig, EndpointConfig, SourceConfig } from './config/config.js'

/** Makes the sources of one instance. */
export interface EndpointSources {
  /** Nothing happens before the source's `start`. Called for each source of the configuration, before the instance starts. */
  make(source: SourceConfig, dns: DnsConfig): EndpointSource
}

/**
 * Where endpoints of a group come from, when they are not written down: DNS, a file; made so that EndpointSlices and xDS can be one.
 *
 * Laws: the first answer may come late or never, and the proxy starts without it; what fails keeps the last good set, so a source
 * never calls back with less than it knows; an empty set is an answer like any other. Every wait and every size is bounded by the
 * source itself.
 */
export interface EndpointSource {
  /** What it is, for logs and metrics: `dns shop.default:80`. */
  readonly label: string
  /** Why there is no set yet, or why it is not up to date; undefined where all is well. */
  readonly problem: string | undefined
  /**
   * Called once, when the proxy starts. `onChange` is to be called with the whole set, for the first time and whenever it may have
   * changed, never from within `start` and never after `stop`. One address once; an address that stays is the same endpoint.
   * Settles when the first attempt has come out, well or not; never rejects.
   */
  start(onChange: (endpoints: readonly EndpointConfig[]) => void): Promise<void>
  /** Called once: leaves no timer, watcher or socket behind. */
  stop(): void
}
