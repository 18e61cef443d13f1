import type { z } from 'zod'
import type { listenerSchema, rootSchema } from './core/config/config-schema.js'
import type { FilterInput } from './core/filter-options.js'
import './plugins/built-in-filter-options.js'
import type { Plugin } from './plugins/plugin.js'

/** A configuration as an object of the shape that the YAML has. */
export interface SluiceConfig extends Omit<z.input<typeof rootSchema>, 'plugins' | 'listeners'> {
  /** Plugins themselves, or names and paths as in the YAML. */
  plugins?: readonly (Plugin | string)[]
  listeners: readonly ListenerInput[]
  /** A place for what several listeners share. */
  [shared: `x-${string}`]: unknown
}

/** A listener as it is written. */
export interface ListenerInput extends Omit<z.input<typeof listenerSchema>, 'filters'> {
  /** In the order in which they see a connection. Where absent: the default chain. */
  filters?: readonly FilterInput[]
}
