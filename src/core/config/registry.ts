import type { FilterDefinition } from '../filter.js'
import { noOriginalDestinations, type OriginalDestinations } from '../original-destination.js'
import type { Sniffer } from '../sniffer.js'

/** What a configuration may name: the filters and sniffers of all plugins, built-ins included. */
export interface Registry {
  readonly filters: ReadonlyMap<string, FilterDefinition>
  /** In the order in which they are asked. */
  readonly sniffers: readonly Sniffer[]
  readonly originalDestinations: OriginalDestinations
}

/** The parts of a plugin that a configuration can name. */
export interface Contribution {
  readonly filters?: readonly FilterDefinition[]
  readonly sniffers?: readonly Sniffer[]
}

/** Collects what the plugins bring, in their order. Of two filters of one name the later one wins. */
export function registryOf(
  plugins: readonly Contribution[],
  originalDestinations: OriginalDestinations = noOriginalDestinations,
): Registry {
  const definitions = plugins.flatMap((plugin) => plugin.filters ?? [])
  return {
    filters: new Map(definitions.map((definition) => [definition.name, definition])),
    sniffers: plugins.flatMap((plugin) => plugin.sniffers ?? []),
    originalDestinations,
  }
}
