import type { Connection } from '../core/connection.js'
import type { FilterDefinition } from '../core/filter.js'
import type { Observer } from '../core/observer.js'
import type { Sniffer } from '../core/sniffer.js'
import type { Token } from '../core/tokens.js'

/** A service behind a token, that an embedder or a test can replace. */
export interface Provider<T = unknown> {
  readonly token: Token<T>
  /** Made once an instance, when it is first asked for. */
  create?(): T
  readonly value?: T
}

/** Goes on watching connections of a detected protocol. Returns nothing where there is nothing to watch. */
export interface ObserverDefinition {
  readonly protocol: string
  create(connection: Connection): Observer | undefined
}

/** What a package hands over as its default export. Built-ins come in as one of these, too. */
export interface Plugin {
  readonly name: string
  readonly apiVersion: 1
  readonly sniffers?: readonly Sniffer[]
  readonly filters?: readonly FilterDefinition[]
  readonly providers?: readonly Provider[]
  readonly observers?: readonly ObserverDefinition[]
}
