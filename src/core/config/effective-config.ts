import { isMap, type ConfigPath } from './config-path.js'
import { DEFAULT_CHAIN } from './defaults.js'
import { configSchema, optionsSchema, type JsonSchema } from './json-schema.js'
import type { Registry } from './registry.js'

/** A configuration as written, fit to be shown. */
export interface WrittenConfig {
  /** Plain data, aliases followed, references to the environment replaced; what came from the environment is `***`. */
  readonly shown: unknown
  /** Paths of the values that came from the environment, wholly or in part: `listeners[0].address`. */
  readonly fromEnvironment: readonly string[]
}

/** The configuration in force, in the words of the YAML: as written, with every default that it left open. */
export function effectiveConfig(written: WrittenConfig, registry: Registry): unknown {
  const effective = fillDefaults(written.shown, configSchema(registry))
  if (!isMap(effective) || !Array.isArray(effective['listeners'])) return effective
  return {
    ...effective,
    listeners: effective['listeners'].map((listener: unknown) => effectiveListener(listener, registry)),
  }
}

/** A copy of `data` with other values at some paths. */
export function maskValues(
  data: unknown,
  values: readonly { readonly path: ConfigPath; readonly masked: string }[],
): unknown {
  const masks = new Map(values.map(({ path, masked }) => [JSON.stringify(path), masked]))
  return copy(data, [])

  function copy(value: unknown, path: ConfigPath): unknown {
    const masked = masks.get(JSON.stringify(path))
    if (masked !== undefined) return masked
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...path, index]))
    if (!isMap(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item, [...path, name])]))
  }
}

function effectiveListener(listener: unknown, registry: Registry): unknown {
  if (!isMap(listener)) return listener
  const { name, filters, ...rest } = listener
  const address: unknown = Array.isArray(rest['address']) ? rest['address'][0] : rest['address']
  const chain = Array.isArray(filters) ? (filters as unknown[]) : DEFAULT_CHAIN
  return { name: name ?? address, ...rest, filters: chain.map((filter) => effectiveFilter(filter, registry)) }
}

function effectiveFilter(item: unknown, registry: Registry): unknown {
  const [name, options] = isMap(item) ? Object.entries(item)[0]! : [String(item), {}]
  const definition = registry.filters.get(name)
  const filled = definition ? fillDefaults(options ?? {}, optionsSchema(definition)) : options
  return isMap(filled) && Object.keys(filled).length === 0 ? name : { [name]: filled }
}

/** Puts in what a schema says of options that are absent. Alternatives of a map are told apart by their options. */
function fillDefaults(value: unknown, schema: JsonSchema): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (schema.items ? fillDefaults(item, schema.items) : item))
  if (!isMap(value)) return value
  const fitting = [schema, ...(schema.anyOf ?? [])].find((each) => each.properties ?? isMap(each.additionalProperties))
  const filled: Record<string, unknown> = { ...value }
  for (const [name, item] of Object.entries(value)) {
    const below = fitting?.properties?.[name] ?? fitting?.additionalProperties
    if (isMap(below)) filled[name] = fillDefaults(item, below)
  }
  for (const [name, below] of Object.entries(fitting?.properties ?? {})) {
    if (filled[name] === undefined && below.default !== undefined) filled[name] = fillDefaults(below.default, below)
  }
  return filled
}
