import type { EndpointSourceDefinition } from '../core/endpoint-source.js'
import type { FilterDefinition } from '../core/filter.js'
import type { ObserverDefinition } from '../core/observer.js'
import type { Sniffer } from '../core/sniffer.js'
import type { Token } from '../core/tokens.js'

/** A service behind a token, that an embedder or a test can replace. */
export interface Provider<T = unknown> {
  readonly token: Token<T>
  /** Made once an instance, when it is first asked for. */
  create?(): T
  readonly value?: T
}

/** What a package hands over as its default export. Built-ins come in as one of these, too. */
export interface Plugin {
  readonly name: string
  readonly apiVersion: 1
  readonly sniffers?: readonly Sniffer[]
  readonly filters?: readonly FilterDefinition[]
  readonly endpointSources?: readonly EndpointSourceDefinition[]
  readonly providers?: readonly Provider[]
  readonly observers?: readonly ObserverDefinition[]
}
