import type { EndpointSourceDefinition } from '../endpoint-source.js'
import { errorText } from '../error-text.js'
import { isMap, type ConfigPath } from './config-path.js'
import { validate } from './describe-issues.js'
import type { ChainContext } from './filter-chain.js'
import type { FindingPlace } from './findings.js'
import { got } from './got.js'
import { optionsSchema } from './json-schema.js'
import { suggest } from './nearest-name.js'

/** A plugin's source that an endpoint names, with its options as the source's own schema gave them. */
export interface ReadSource {
  readonly definition: EndpointSourceDefinition
  readonly options: unknown
}

/**
 * Reads the `source` of each endpoint of an upstream: looks it up by its name, then runs its own schema over its options, so that
 * every path is exact. By the endpoint's index; leaves out what could not be read, having said so.
 */
export function readSources(upstream: unknown, path: ConfigPath, context: ChainContext): Map<number, ReadSource> {
  const endpoints: unknown = isMap(upstream) ? upstream['endpoints'] : undefined
  const read = new Map<number, ReadSource>()
  if (!Array.isArray(endpoints)) return read
  endpoints.forEach((endpoint: unknown, index) => {
    const own = [...path, 'endpoints', index, 'source']
    if (!isMap(endpoint) || context.findings.isSpoilt(own)) return
    const source = readSource(endpoint['source'], own, context)
    if (source) read.set(index, source)
  })
  return read
}

/** A source stands by its name alone, or as a map from its name to its options, as a filter does. */
function readSource(written: unknown, path: ConfigPath, context: ChainContext): ReadSource | undefined {
  if (typeof written === 'string' && written !== '') return readOptions(written, {}, path, context)
  // That it is of another kind is said by the schema of the upstream.
  if (!isMap(written)) return undefined
  const [name, ...others] = Object.keys(written)
  if (name !== undefined && others.length === 0) {
    return readOptions(name, written[name] ?? {}, path, context, { at: 'key', pointAt: [...path, name] })
  }
  const message = `expected one source's name, with its options below it, got ${got(written)}`
  context.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, message)
  return undefined
}

function readOptions(
  name: string,
  options: unknown,
  path: ConfigPath,
  { registry, findings }: ChainContext,
  place: FindingPlace = {},
): ReadSource | undefined {
  const own = [...path, name]
  const definition = registry.endpointSources.get(name)
  if (definition === undefined) {
    const names = [...registry.endpointSources.keys()]
    const nearest = suggest(name, names)
    if (registry.isIncomplete && nearest === '') return undefined
    const there = names.length > 0 ? `There are ${names.join(', ')}.` : 'No plugin brings one.'
    findings.add('SLUICE_CONFIG_UNKNOWN_SOURCE', path, `no source "${name}". ${nearest || there}`, place)
    return undefined
  }
  try {
    const schema = optionsSchema(definition)
    const valid = validate(definition.options, { value: options, path: own, schema, findings })
    return valid && { definition, options: valid.output }
  } catch (error) {
    const message = `the source "${name}" failed while its options were checked: ${errorText(error)}`
    findings.add('SLUICE_CONFIG_SOURCE_FAILED', own, message)
    return undefined
  }
}
