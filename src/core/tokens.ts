import type { Clock } from './clock.js'
import type { ListenerContext } from './listener-context.js'
import type { EndpointSources } from './endpoint-source.js'
import type { HealthCheckFactory } from './group-part.js'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import type { ObserverDefinition } from './observer.js'
import type { OriginalDestinations } from './original-destination.js'
import type { Sniffer } from './sniffer.js'
import type { SnifferPlans } from './sniffer-plans.js'
import type { TransparentSockets } from './transparent-sockets.js'
import type { Transport } from './transport.js'
import type { Upstreams } from './upstreams.js'

declare const provides: unique symbol

/** Names a service of type `T` in the container. `Symbol.for` underneath: equal across copies of this package. */
export type Token<T> = symbol & { readonly [provides]?: T }

/** Makes the token of a service; plugins prefix theirs with their own name: `token<Store>('acme/store')`. */
export function token<T>(name: string): Token<T> {
  return Symbol.for(`sluice/${name}`)
}

/** The filter's own options, as its schema gave them. */
export const OPTIONS = token<unknown>('options')
export const LOG = token<Log>('log')
export const METRICS = token<Metrics>('metrics')
export const CLOCK = token<Clock>('clock')
export const UPSTREAMS = token<Upstreams>('upstreams')
/** The listener whose chain this filter stands in, and what stands behind it. */
export const LISTENER = token<ListenerContext>('listener')
/** All sniffers, in the order in which they are asked. */
export const SNIFFERS = token<readonly Sniffer[]>('sniffers')
/** Observers that plugins attach by protocol. */
export const OBSERVERS = token<readonly ObserverDefinition[]>('observers')
/** Plans by which sniffers are asked; for `detect`. */
export const SNIFFER_PLANS = token<SnifferPlans>('sniffer-plans')
/** Finds where an intercepted connection was headed. */
export const ORIGINAL_DESTINATIONS = token<OriginalDestinations>('original-destinations')
/** Makes sockets that carry addresses of others. */
export const TRANSPARENT_SOCKETS = token<TransparentSockets>('transparent-sockets')
/** Makes sources of endpoints from their configuration. */
export const ENDPOINT_SOURCES = token<EndpointSources>('endpoint-sources')
/** Makes active health checks from their configuration. */
export const HEALTH_CHECKS = token<HealthCheckFactory>('health-checks')
export const TRANSPORT = token<Transport>('transport')
