import type { FilterConfig } from '../core/config/config.js'
import type { Registry } from '../core/config/registry.js'
import type { FilterDefinition } from '../core/filter.js'

/** One filter of the chain, or what stands in for it. */
export interface StandIn {
  readonly name: string
  readonly filter: FilterConfig
  /** It is a plugin's, and not run. */
  readonly isPlugins: boolean
}

/** A built-in filter as it is; one of a plugin replaced by one that needs the same and lets everything pass. */
export function standIn(filter: FilterConfig, builtIns: Registry): StandIn {
  const { definition } = filter
  const { name } = definition
  if (builtIns.filters.get(name) === definition) return { name, filter, isPlugins: false }
  return { name, filter: { ...filter, definition: passing(definition) }, isPlugins: true }
}

function passing(definition: FilterDefinition): FilterDefinition {
  const { name, options, terminal = false } = definition
  return {
    name,
    options,
    terminal,
    ...(definition.needs && { needs: (given: unknown) => definition.needs!(given) }),
    ...(definition.whenClientSilent && { whenClientSilent: (given: unknown) => definition.whenClientSilent!(given) }),
    create: () => ({
      onConnection(connection) {
        connection.trace.note(
          terminal ? "a plugin's, not run: it has the connection" : "a plugin's, not run: it passes",
        )
        if (!terminal) return 'continue'
        connection.answer(new Uint8Array(0))
        return 'handled'
      },
    }),
  }
}
