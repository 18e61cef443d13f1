import type { EndpointSourceDefinition } from '../endpoint-source.js'
import type { FilterDefinition } from '../filter.js'
import { noOriginalDestinations, type OriginalDestinations } from '../original-destination.js'
import type { ObserverDefinition } from '../observer.js'
import { orderSniffers } from '../order-sniffers.js'
import type { Sniffer } from '../sniffer.js'
import { ORIGINAL_DESTINATIONS, type Token, TRANSPARENT_SOCKETS } from '../tokens.js'
import { noTransparentSockets, type TransparentSockets } from '../transparent-sockets.js'

/** What a configuration may name: the filters, sources and sniffers of all plugins, built-ins included. */
export interface Registry {
  readonly filters: ReadonlyMap<string, FilterDefinition>
  readonly endpointSources: ReadonlyMap<string, EndpointSourceDefinition>
  /** In the order in which they are asked. */
  readonly sniffers: readonly Sniffer[]
  readonly observers: readonly ObserverDefinition[]
  readonly originalDestinations: OriginalDestinations
  readonly transparentSockets: TransparentSockets
  /** A plugin could not be loaded, which has been said: names that are not here may be its. */
  readonly isIncomplete?: boolean
}

/** The parts of a plugin that a configuration can name. */
export interface Contribution {
  readonly filters?: readonly FilterDefinition[]
  readonly endpointSources?: readonly EndpointSourceDefinition[]
  readonly sniffers?: readonly Sniffer[]
  readonly observers?: readonly ObserverDefinition[]
  readonly providers?: readonly { readonly token: Token<unknown>; readonly value?: unknown }[]
}

/** What a configuration may need of the kernel. */
export type KernelServices = Pick<Registry, 'originalDestinations' | 'transparentSockets'>

/** Collects what the plugins bring, in their order, with `before` on top for sniffers. Of two filters of one name the later one wins. */
export function registryOf(plugins: readonly Contribution[], kernel: Partial<KernelServices> = {}): Registry {
  const sniffers = plugins.flatMap((plugin) => plugin.sniffers ?? [])
  const definitions = plugins.flatMap((plugin) => plugin.filters ?? [])
  const sources = plugins.flatMap((plugin) => plugin.endpointSources ?? [])
  return {
    endpointSources: new Map(sources.map((definition) => [definition.name, definition])),
    filters: new Map(definitions.map((definition) => [definition.name, definition])),
    // A circle has been refused by whoever took the plugins in.
    sniffers: orderSniffers(sniffers).ordered ?? sniffers,
    observers: plugins.flatMap((plugin) => plugin.observers ?? []),
    originalDestinations:
      kernel.originalDestinations ?? provided(plugins, ORIGINAL_DESTINATIONS) ?? noOriginalDestinations,
    transparentSockets: kernel.transparentSockets ?? provided(plugins, TRANSPARENT_SOCKETS) ?? noTransparentSockets,
  }
}

/** The service that the plugins bring as a value; of several the last one. */
function provided<T>(plugins: readonly Contribution[], token: Token<T>): T | undefined {
  const providers = plugins.flatMap((plugin) => plugin.providers ?? [])
  return providers.findLast((provider) => provider.token === token)?.value as T | undefined
}
