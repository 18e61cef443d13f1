import { z } from 'zod'
import type { StandardSchema } from '../filter.js'
import type { ConfigPath } from './config-path.js'
import { rootSchema } from './config-schema.js'
import type { Registry } from './registry.js'

/** JSON Schema, draft 2020-12: the parts that zod makes of our schemas. */
export interface JsonSchema {
  $schema?: string
  $id?: string
  title?: string
  description?: string
  type?: string | string[]
  properties?: Record<string, JsonSchema>
  patternProperties?: Record<string, JsonSchema>
  additionalProperties?: boolean | JsonSchema
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  enum?: unknown[]
  const?: unknown
  default?: unknown
  pattern?: string
  examples?: unknown[]
  minimum?: number
  maximum?: number
  [keyword: string]: unknown
}

/** The schema of a configuration with these filters, for editors: what `sluice schema` prints. */
export function jsonSchema(registry: Registry): JsonSchema {
  const { $schema, ...root } = configSchema(registry)
  return {
    $schema,
    title: 'Sluice configuration',
    description: 'Listeners, their filters, and where they send connections.',
    ...(acceptReferences(root) as JsonSchema),
  }
}

/** As `jsonSchema`, without the references to the environment that may stand for any value: for pages and messages. */
export function configSchema(registry: Registry): JsonSchema {
  const root = toJsonSchema(rootSchema)
  const filters = root.properties?.['listeners']?.items?.properties?.['filters']
  if (filters) filters.items = { oneOf: [...registry.filters.values()].flatMap(namedSchemas) }
  describeSources(root, registry)
  // A place for anchors.
  root.patternProperties = { '^x-': {} }
  return root
}

/** What a filter's options may be; accepts anything where its schema is not zod's, or cannot be shown. */
export function optionsSchema(definition: Pick<Optioned, 'options'>): JsonSchema {
  if (!isZodSchema(definition.options)) return {}
  const schema = tryJsonSchema(definition.options)
  delete schema.$schema
  return schema
}

/** True for schemas of zod 4, of whatever copy. */
export function isZodSchema(schema: object): schema is z.ZodType {
  return '_zod' in schema
}

/** The schema of the value at `path` in data that `schema` describes; of several alternatives the one that knows the way. */
export function schemaAt(schema: JsonSchema, path: ConfigPath): JsonSchema | undefined {
  const [segment, ...rest] = path
  if (segment === undefined) return schema
  for (const alternative of [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const below = childSchema(alternative, segment)
    const found = below && schemaAt(below, rest)
    if (found) return found
  }
  return undefined
}

/** Names of the options that a map of this schema may have. */
export function optionNames(schema: JsonSchema): string[] {
  const alternatives = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  return alternatives.flatMap((alternative) => Object.keys(alternative.properties ?? {}))
}

function childSchema(schema: JsonSchema, segment: string | number): JsonSchema | undefined {
  if (typeof segment === 'number') return schema.items
  const { properties, additionalProperties } = schema
  if (properties && Object.hasOwn(properties, segment)) return properties[segment]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

/** What another copy of zod has made may hold what ours does not know. */
function tryJsonSchema(schema: z.ZodType): JsonSchema {
  try {
    return toJsonSchema(schema)
  } catch {
    return {}
  }
}

/** What stands in the YAML by its name, with options of its own. */
interface Optioned {
  readonly name: string
  readonly options: StandardSchema
}

/** Without a plugin that brings one, a source may be any: the plugins are not known. */
function describeSources(root: JsonSchema, { endpointSources }: Registry): void {
  const upstream = root.properties?.['upstreams']?.additionalProperties
  if (typeof upstream !== 'object' || endpointSources.size === 0) return
  for (const { properties } of upstream.properties?.['endpoints']?.items?.anyOf ?? []) {
    if (properties?.['source'] === undefined) continue
    const { description } = properties['source']
    properties['source'] = {
      anyOf: [...endpointSources.values()].flatMap(namedSchemas),
      ...(description && { description }),
    }
  }
}

/** By its name alone, or as a map from its name to its options. */
function namedSchemas(definition: Optioned): JsonSchema[] {
  const options = optionsSchema(definition)
  const alone: JsonSchema = { const: definition.name, ...(options.description && { description: options.description }) }
  const withOptions: JsonSchema = {
    type: 'object',
    properties: { [definition.name]: { anyOf: [options, { type: 'null' }] } },
    required: [definition.name],
    additionalProperties: false,
  }
  return (options.required ?? []).length > 0 ? [withOptions] : [alone, withOptions]
}

/** Every scalar may also be a reference to the environment: `${NAME:-default}`. */
function acceptReferences(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(acceptReferences)
  if (typeof schema !== 'object' || schema === null) return schema
  const { default: fallback, examples, enum: values, ...rest } = schema as JsonSchema
  const inner = Object.fromEntries(Object.entries(rest).map(([keyword, value]) => [keyword, acceptReferences(value)]))
  const kept = { ...(fallback !== undefined && { default: fallback }), ...(examples && { examples }) }
  const { type, pattern, ...others } = inner as JsonSchema
  if (values) return { ...others, anyOf: [{ enum: values }, { type: 'string', pattern: REFERENCE }], ...kept }
  if (type === 'string' && pattern !== undefined)
    return { type, ...others, pattern: `${pattern}|${REFERENCE}`, ...kept }
  if (type === 'integer' || type === 'number' || type === 'boolean') {
    return { type: [type, 'string'], ...others, pattern: REFERENCE, ...kept }
  }
  return { ...inner, ...kept }
}

const REFERENCE = '\\$\\{'
