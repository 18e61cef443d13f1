import type { FilterDefinition } from '../filter.js'
import { noOriginalDestinations, type OriginalDestinations } from '../original-destination.js'
import type { ObserverDefinition } from '../observer.js'
import { orderSniffers } from '../order-sniffers.js'
import type { Sniffer } from '../sniffer.js'

/** What a configuration may name: the filters and sniffers of all plugins, built-ins included. */
export interface Registry {
  readonly filters: ReadonlyMap<string, FilterDefinition>
  /** In the order in which they are asked. */
  readonly sniffers: readonly Sniffer[]
  readonly observers: readonly ObserverDefinition[]
  readonly originalDestinations: OriginalDestinations
  /** A plugin could not be loaded, which has been said: names that are not here may be its. */
  readonly isIncomplete?: boolean
}

/** The parts of a plugin that a configuration can name. */
export interface Contribution {
  readonly filters?: readonly FilterDefinition[]
  readonly sniffers?: readonly Sniffer[]
  readonly observers?: readonly ObserverDefinition[]
}

/** Collects what the plugins bring, in their order, with `before` on top for sniffers. Of two filters of one name the later one wins. */
export function registryOf(
  plugins: readonly Contribution[],
  originalDestinations: OriginalDestinations = noOriginalDestinations,
): Registry {
  const sniffers = plugins.flatMap((plugin) => plugin.sniffers ?? [])
  const definitions = plugins.flatMap((plugin) => plugin.filters ?? [])
  return {
    filters: new Map(definitions.map((definition) => [definition.name, definition])),
    // A circle has been refused by whoever took the plugins in.
    sniffers: orderSniffers(sniffers).ordered ?? sniffers,
    observers: plugins.flatMap((plugin) => plugin.observers ?? []),
    originalDestinations,
  }
}
