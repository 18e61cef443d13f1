import type { Direction } from '../listener-context.js'
import type { EndpointSourceDefinition } from '../endpoint-source.js'
import type { FilterDefinition } from '../filter.js'

/** What a valid configuration is once it is read: durations in milliseconds, sizes in bytes, filters looked up, defaults in. */
export interface Config {
  /** Where it came from: a file's path, or undefined for an object. */
  readonly file: string | undefined
  readonly admin: AdminConfig | undefined
  readonly drain: { readonly delayMs: number; readonly graceMs: number }
  readonly log: { readonly level: LogLevel }
  /** One line a connection on standard output. */
  readonly accessLog: boolean
  /** Closed connections whose trace is kept. */
  readonly closedTraces: number
  /** Of each side. */
  readonly traceBytes: number
  /** What destinations turned out to be is remembered: of so many, for so long. */
  readonly learn: { readonly destinations: number; readonly expiryMs: number }
  readonly dns: DnsConfig
  readonly upstreams: readonly UpstreamConfig[]
  readonly listeners: readonly ListenerConfig[]
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface AdminConfig {
  readonly address: HostPort
  /** Host names, beside IP literals and localhost, under which everything but /metrics, /ready and /live is answered. */
  readonly allowedHosts: readonly string[]
}

/** `host` is an IP literal or a DNS name, without brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

export type Balance =
  'round-robin' | 'least-connections' | 'least-requests' | 'random' | 'peak-ewma' | 'consistent-hash'

/** What `consistent-hash` looks at: the client's address, or a header of a request, its name in lower case. */
export type HashOn = 'source' | { readonly header: string }

export interface UpstreamConfig {
  readonly name: string
  /** Undefined: `round-robin` for connections, `peak-ewma` for requests. */
  readonly balance: Balance | undefined
  readonly hashOn?: HashOn | undefined
  /** Those that are written down. */
  readonly endpoints: readonly EndpointConfig[]
  readonly sources?: readonly SourceConfig[]
  readonly ejection?: EjectionConfig | undefined
  readonly healthCheck?: HealthCheckConfig | undefined
}

/** What is the same for all endpoints of a source. */
interface SourceShare {
  readonly weight: number | undefined
  readonly maxConnections: number | undefined
}

/** A name whose addresses all have one port, or a name whose SRV records name hosts and ports. */
export type DnsSourceConfig = SourceShare &
  (
    | { readonly kind: 'dns'; readonly name: string; readonly port: number }
    | { readonly kind: 'srv'; readonly name: string }
  )

export interface FileSourceConfig extends SourceShare {
  readonly kind: 'file'
  /** Absolute, or from the current folder. */
  readonly path: string
}

/** A source that a plugin brings. */
export interface PluginSourceConfig extends SourceShare {
  readonly kind: 'plugin'
  readonly definition: EndpointSourceDefinition
  /** As the definition's schema gave them. */
  readonly options: unknown
}

export type BuiltInSourceConfig = DnsSourceConfig | FileSourceConfig
export type SourceConfig = BuiltInSourceConfig | PluginSourceConfig

/** How names of `dns` and `srv` are asked for. Undefined: as resolv.conf says. */
export interface DnsConfig {
  readonly servers: readonly HostPort[] | undefined
  readonly search: readonly string[] | undefined
  readonly ndots: number | undefined
  readonly timeoutMs: number | undefined
  readonly attempts: number | undefined
  readonly minTtlMs: number
  readonly maxTtlMs: number
  readonly holdMs: number
}

/** When an endpoint is set aside because of how requests and connections came out. */
export interface EjectionConfig {
  readonly consecutiveFailures: number
  /** Of the outcomes within an interval; undefined: not looked at. */
  readonly failurePercent: number | undefined
  readonly minOutcomes: number
  readonly intervalMs: number
  readonly baseMs: number
  readonly maxMs: number
  readonly maxPercent: number
}

export interface HealthCheckConfig {
  /** Undefined: it is enough that the endpoint can be connected. */
  readonly http: HttpCheckConfig | undefined
  /** Undefined: the endpoint's own. */
  readonly port: number | undefined
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
}

export interface HttpCheckConfig {
  readonly path: string
  /** Undefined: the endpoint's address. */
  readonly host: string | undefined
  readonly statuses: readonly StatusRange[]
}

export interface StatusRange {
  readonly from: number
  readonly to: number
}

export interface EndpointConfig extends HostPort {
  /** Connections that this endpoint may hold; undefined: no bound. */
  readonly maxConnections: number | undefined
  /** Its share beside the others'; 1 where absent. */
  readonly weight?: number | undefined
}

/** A socket that the parent process has bound and listens on: its descriptor's number, or the name that systemd gives it. */
export interface InheritedSocket {
  readonly inherited: string
}

export type ListenAddress = HostPort | InheritedSocket

/** As written: an upstream's name or `host:port`; or the original destination of an intercepted connection. */
export type DestinationConfig =
  | { readonly kind: 'upstream'; readonly name: string }
  | ({ readonly kind: 'address' } & HostPort)
  | { readonly kind: 'original' }

export interface ListenerConfig {
  /** Its first address as written, where none is given. */
  readonly name: string
  readonly direction: Direction
  /** Several where it listens on more than one. Host `::` for `:8080` means all interfaces, both families. */
  readonly addresses: readonly ListenAddress[]
  readonly intercept: 'redirect' | 'tproxy' | undefined
  readonly isSourcePreserved: boolean
  readonly destination: DestinationConfig | undefined
  readonly limits: {
    readonly maxConnections: number
    readonly over: 'refuse'
    readonly peekWindowBytes: number
  }
  readonly timeouts: {
    readonly connectMs: number
    readonly idleMs: number
    readonly halfCloseMs: number
    readonly firstByteMs: number
    readonly verdictMs: number
    readonly keepAliveMs: number
  }
  /** `listener`: stop accepting when the drain's delay is over; `process`: go on accepting until the drain ends. */
  readonly drain: { readonly closeWith: 'listener' | 'process' }
  /** The default chain where the YAML names none. */
  readonly filters: readonly FilterConfig[]
  readonly isDefaultChain: boolean
}

export interface FilterConfig {
  readonly definition: FilterDefinition
  /** As the definition's schema gave them. */
  readonly options: unknown
}
