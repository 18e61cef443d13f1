import type { DnsConfig, BuiltInSourceConfig } from './config/config.js'
import type { Injectables, Injected, StandardSchema } from './filter.js'

/** Endpoints of one source: more than a group is ever spread over, and what balancers and health checks are still quick with. */
export const MAX_SOURCED_ENDPOINTS = 1_000

/** Makes the built-in sources of one instance: DNS and files. */
export interface EndpointSources {
  /** Nothing happens before the source's `start`. Called for each source of the configuration, before the instance starts. */
  make(source: BuiltInSourceConfig, dns: DnsConfig): EndpointSource
}

/** One endpoint, as a source names it. */
export interface SourcedEndpoint {
  /** An IP literal without brackets, or a name, which is then looked up at each connection. */
  readonly host: string
  readonly port: number
  /** Its share beside the others': twice the weight gets twice as much. 1 where absent; above 0. */
  readonly weight?: number | undefined
  /** Connections that it may hold; no bound where absent. */
  readonly maxConnections?: number | undefined
  /** It is picked only where none of a smaller priority can be. A whole number from 0 on; 0 where absent. */
  readonly priority?: number | undefined
}

/**
 * Where endpoints of a group come from, when they are not written down: DNS, a file, or what a plugin brings, such as EndpointSlices
 * or xDS.
 *
 * Laws: the first answer may come late or never, and the proxy starts without it; what fails keeps the last good set, so a source
 * never calls back with less than it knows; an empty set is an answer like any other. Every wait and every size is bounded by the
 * source itself.
 *
 * A set is who is to get new connections and requests. What is draining, terminating, not ready, or unhealthy in the eyes of who
 * tells the source, it leaves out: what is in flight on an endpoint that leaves goes on.
 */
export interface EndpointSource {
  /** What it is, for logs and messages, once the same: `dns shop.default:80`. */
  readonly label: string
  /** Why there is no set yet, or why it is not up to date; undefined where all is well. Asked for at any time. */
  readonly problem: string | undefined
  /**
   * Called once, when the proxy starts. `onChange` is to be called with the whole set, for the first time and whenever it may have
   * changed, never from within `start` and never after `stop`. One address once; an address that stays is the same endpoint, with
   * what is open on it and what is known of it. The list is the source's again when `onChange` returns.
   * Settles when the first attempt has come out, well or not: listeners are bound then, or after 5 s. Never rejects.
   */
  start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void>
  /** Called once: leaves no timer, watcher or socket behind. */
  stop(): void
}

/** What a plugin hands over to bring a kind of source: `source: { NAME: { options } }` among the endpoints of an upstream. */
export interface EndpointSourceDefinition<O = unknown> {
  /** As in the YAML. */
  readonly name: string
  readonly options: StandardSchema<unknown, O>
  /** Makes the source of one entry. Set by `defineEndpointSource` from `use`, or from `inject` and `create`. */
  readonly use?: new (...args: never[]) => EndpointSource
  readonly inject?: Injectables
  create?(injected: never): EndpointSource
}

interface TypedDefinition<O> {
  readonly name: string
  readonly options: StandardSchema<unknown, O>
}

/**
 * Defines a kind of source. Either `use`, a class whose constructor parameters carry `@inject(TOKEN)`; or `inject`, tokens by name,
 * and `create`, which gets what they stand for and the options. `CLOCK`, `LOG`, `METRICS` and `TRANSPORT` are there for both.
 */
export function defineEndpointSource<O>(
  definition: TypedDefinition<O> & { readonly use: new (...args: never[]) => EndpointSource },
): EndpointSourceDefinition<O>
export function defineEndpointSource<O, const I extends Injectables = Record<never, never>>(
  definition: TypedDefinition<O> & {
    readonly inject?: I
    create(injected: Injected<I> & { readonly options: NoInfer<O> }): EndpointSource
  },
): EndpointSourceDefinition<O>
export function defineEndpointSource(definition: EndpointSourceDefinition): EndpointSourceDefinition {
  return definition
}
