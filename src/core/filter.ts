import type { Connection } from './connection.js'
import type { Sniffer } from './sniffer.js'
import type { Token } from './tokens.js'

/**
 * What a filter says of a connection: go on with the next filter; it is mine now; or refuse it, with one of the reasons that the
 * filter declared.
 */
export type Verdict<R extends string = string> = 'continue' | 'handled' | { readonly deny: R }

/** One step of a listener's chain. Shared by all its connections: what it keeps of one, it lets go in the connection's `onClose`. */
export interface Filter<R extends string = string> {
  /**
   * Called once for each connection that the filters before let through. A promise that does not settle within the listener's
   * `timeouts.verdict` denies the connection (reason `verdict-timeout`); a throw or rejection ends it (reason `error`). Either
   * ends only this connection. The chain driver creates no promise for a filter that answers synchronously.
   */
  onConnection(connection: Connection): Verdict<R> | Promise<Verdict<R>>
  /** A bound of its own, for a filter whose waits have bounds of their own. Replaces `timeouts.verdict`. */
  readonly verdictTimeoutMs?: number
  /**
   * What the server is told before the client's first byte, as the address of the client. Asked of the terminal filter for each wire
   * that is opened, early ones too, and written at once: a server that speaks first waits for it. Counts as nobody's bytes in the
   * summary. A throw ends the connection. The chain may not have come to this filter yet.
   */
  preface?(connection: Connection): Uint8Array | undefined
  /** Before the listener binds: pools, health checks and watchers begin here, not in constructors (`check` builds chains too). */
  start?(): void | Promise<void>
  /** No new connections will come; those under way may finish. */
  drain?(): void
  /** Everything is closed. After this, nothing of the filter may keep the process alive. */
  stop?(): void | Promise<void>
}

/** What a filter's verdict depends on. `facts` includes the protocol. Whatever it is, is withheld until known. */
export type Needs = 'nothing' | 'protocol' | 'facts'

/** A schema for a filter's options: ours are zod's; any Standard Schema (standardschema.dev, version 1) will do. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}
type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

/** Something that `check` says about a filter's options beyond what their schema can. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** A published code: `SLUICE_CONFIG_UNKNOWN_UPSTREAM`. */
  readonly code: string
  /** Below the filter's options: `['routes', 0, 'destination']`. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** What a filter's `check` may look at. */
export interface CheckContext {
  /** Names of the upstream groups. */
  readonly upstreams: readonly string[]
  /** Names of all protocols that can be detected or named by a port. */
  readonly protocols: readonly string[]
  readonly sniffers: readonly Sniffer[]
  readonly listener: { readonly name: string; readonly hasDestination: boolean }
  /** Names of the filters that stand before this one. */
  readonly before: readonly string[]
  /** Options of the filter of that name that stands before this one, as its schema gave them; undefined where there is none, or they are wrong. */
  optionsBefore(name: string): unknown
  /** True where `host:port` is one of our own listeners or the admin address. */
  isOwnAddress(host: string, port: number): boolean
  /** The name nearest to `name`, as `Did you mean "web"?`, or an empty string where none is near. */
  suggest(name: string, among: readonly string[]): string
}

/** A destination that a filter may name where the client stays silent: see `FilterDefinition.whenClientSilent`. */
export interface SilentDestination {
  readonly afterMs: number
  /** As in the YAML: an upstream's name or `host:port`. */
  readonly destination: string
}

export type Injectables = Readonly<Record<string, Token<unknown>>>
export type Injected<I extends Injectables> = { [K in keyof I]: I[K] extends Token<infer T> ? T : never }

/** What a plugin hands over to bring a filter; built-ins come the same way. */
export interface FilterDefinition<O = unknown> {
  /** One string everywhere: YAML, log field, metric label, doc page, folder. */
  readonly name: string
  readonly options: StandardSchema<unknown, O>
  /** Its deny reasons. They are metric labels: an undeclared one counts as `other`. */
  readonly denyReasons?: readonly string[]
  /** It never says `continue`: only such a filter may stand last, and only last. */
  readonly terminal?: boolean
  needs?(options: O): Needs
  /** Where this filter names a destination for a client that says nothing. Detection before it dials there, tentatively. */
  whenClientSilent?(options: O): SilentDestination | undefined
  /** Protocols that it speaks itself, with `Connection.takeOver`: who watches them in the chain before it leaves them to it. */
  readonly takesOver?: readonly string[]
  /** Checks the options against the rest of the configuration, before anything is bound. */
  check?(options: O, context: CheckContext): readonly Finding[]
  /** Makes the filter. Set by `defineFilter` from `use`, or from `inject` and `create`. */
  readonly use?: new (...args: never[]) => Filter
  readonly inject?: Injectables
  create?(injected: never): Filter
}

/** The parts of a definition that know the options' type. */
interface TypedDefinition<O, R extends string> {
  readonly name: string
  readonly options: StandardSchema<unknown, O>
  readonly denyReasons?: readonly R[]
  readonly terminal?: boolean
  needs?(options: O): Needs
  whenClientSilent?(options: O): SilentDestination | undefined
  readonly takesOver?: readonly string[]
  check?(options: O, context: CheckContext): readonly Finding[]
}

/**
 * Defines a filter. Either `use`, a class whose constructor parameters carry `@inject(TOKEN)`; or `inject`, tokens by name, and
 * `create`, which gets what they stand for and the options. A deny reason that is not in `denyReasons` does not compile.
 */
export function defineFilter<O, const R extends string = never>(
  definition: TypedDefinition<O, R> & { readonly use: new (...args: never[]) => Filter<NoInfer<R>> },
): FilterDefinition<O>
export function defineFilter<O, const R extends string = never, const I extends Injectables = Record<never, never>>(
  definition: TypedDefinition<O, R> & {
    readonly inject?: I
    create(injected: Injected<I> & { readonly options: NoInfer<O> }): Filter<NoInfer<R>>
  },
): FilterDefinition<O>
export function defineFilter(definition: FilterDefinition): FilterDefinition {
  return definition
}
