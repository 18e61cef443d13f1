import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import type {
  Config,
  DestinationConfig,
  DnsConfig,
  EjectionConfig,
  HealthCheckConfig,
  HostPort,
  ListenAddress,
  ListenerConfig,
  SourceConfig,
  UpstreamConfig,
} from './config.js'
import { isMap, type ConfigPath } from './config-path.js'
import { type dnsSchema, listenerSchema, rootSchema, upstreamName, upstreamSchema } from './config-schema.js'
import { reportUnknownOption, validate, type Subject } from './describe-issues.js'
import { parseDestination } from './destination.js'
import { readSources, type ReadSource } from './endpoint-sources.js'
import { defaultChain, readChain, type ChainContext, type ReadFilter } from './filter-chain.js'
import { got } from './got.js'
import { schemaAt, type JsonSchema } from './json-schema.js'

export interface ReadContext extends ChainContext {
  /** Of the whole configuration, with the registry's filters. */
  readonly schema: JsonSchema
}

/** What could be read of a configuration. Undefined: absent, or wrong, which has been said. */
export interface ReadConfig {
  readonly root: Partial<z.output<typeof rootSchema>>
  readonly upstreams: readonly ReadUpstream[]
  readonly listeners: readonly ReadListener[]
}

export interface ReadUpstream {
  readonly name: string
  readonly path: ConfigPath
  readonly settings: z.output<typeof upstreamSchema> | undefined
  /** What plugins' sources its endpoints name, by the endpoint's index. */
  readonly sources: ReadonlyMap<number, ReadSource>
}

export interface ReadListener {
  readonly path: ConfigPath
  readonly raw: Readonly<Record<string, unknown>>
  /** Given, or its first address as written; undefined where neither could be read. */
  readonly name: string | undefined
  readonly settings: Partial<z.output<typeof listenerSchema>>
  readonly addresses: readonly ListenAddress[]
  readonly destination: DestinationConfig | undefined
  readonly chain: readonly ReadFilter[]
  readonly isDefaultChain: boolean
}

/** What is read option by option; upstreams, listeners and chains are read item by item, and plugins are loaded before. */
const SETTINGS = rootSchema.omit({ plugins: true, upstreams: true, listeners: true }).shape
const LISTENER_SETTINGS = listenerSchema.omit({ filters: true }).shape

/**
 * Reads each part by itself, so that a fault in one hides none in another, and says what is wrong. `raw` is plain data with the
 * environment put in.
 */
export function readConfig(raw: Readonly<Record<string, unknown>>, context: ReadContext): ReadConfig {
  const { upstreams: rawUpstreams, listeners: rawListeners, ...rest } = raw
  const options = Object.fromEntries(
    Object.entries(rest).filter(([name]) => name !== 'plugins' && !name.startsWith('x-')),
  )
  const root = readFields(SETTINGS, options, [], context)
  const upstreams = readUpstreams(rawUpstreams, context)
  const names = upstreams.map(({ name }) => name)
  return { root, upstreams, listeners: readListeners(rawListeners, names, context) }
}

/** The configuration that the parts make where nothing was wrong with any of them. */
export function assembleConfig({ root, upstreams, listeners }: ReadConfig, file: string | undefined): Config {
  return {
    file,
    admin: root.admin,
    drain: { delayMs: root.drain!.delay, graceMs: root.drain!.grace },
    log: root.log!,
    accessLog: root.accessLog!,
    closedTraces: root.closedTraces!,
    traceBytes: root.traceBytes!,
    learn: { destinations: root.learn!.destinations, expiryMs: root.learn!.expiry },
    dns: assembleDns(root.dns!),
    upstreams: upstreams.map((upstream) => assembleUpstream(upstream, file)),
    listeners: listeners.map(assembleListener),
  }
}

function assembleUpstream(
  { name, settings, sources: ofPlugins }: ReadUpstream,
  file: string | undefined,
): UpstreamConfig {
  const { balance, hashOn, endpoints, ejection, healthCheck } = settings!
  const bounded = endpoints.map((endpoint) => ({
    ...('host' in endpoint ? { address: endpoint, weight: undefined } : endpoint),
    maxConnections: ('host' in endpoint ? undefined : endpoint.maxConnections) ?? settings!.maxConnections,
  }))
  const sources = bounded.flatMap((endpoint, index) => assembleSource(endpoint, ofPlugins.get(index), file))
  return {
    name,
    balance,
    endpoints: bounded.flatMap(({ address, weight, maxConnections }) =>
      address ? [{ ...address, maxConnections, ...(weight !== undefined && weight !== 1 && { weight }) }] : [],
    ),
    // Fields are looked for by their names in lower case.
    ...(typeof hashOn === 'object' && { hashOn: { header: hashOn.header.toLowerCase() } }),
    ...(sources.length > 0 && { sources }),
    ...(ejection && { ejection: assembleEjection(ejection) }),
    ...(healthCheck && { healthCheck: assembleHealthCheck(healthCheck) }),
  }
}

type UpstreamSettings = z.output<typeof upstreamSchema>
type EndpointSettings = Exclude<UpstreamSettings['endpoints'][number], HostPort>

function assembleSource(
  { dns, srv, file: path, weight, maxConnections }: Partial<EndpointSettings>,
  source: ReadSource | undefined,
  file: string | undefined,
): SourceConfig[] {
  const share = { weight, maxConnections }
  if (source) return [{ kind: 'plugin', ...source, ...share }]
  if (dns) return [{ kind: 'dns', name: dns.host, port: dns.port, ...share }]
  if (srv !== undefined) return [{ kind: 'srv', name: srv, ...share }]
  if (path !== undefined)
    return [{ kind: 'file', path: file === undefined ? path : resolve(dirname(file), path), ...share }]
  return []
}

function assembleEjection(settings: NonNullable<UpstreamSettings['ejection']>): EjectionConfig {
  const { interval, baseTime, maxTime, failurePercent, ...rest } = settings
  return { ...rest, failurePercent, intervalMs: interval, baseMs: baseTime, maxMs: maxTime }
}

function assembleHealthCheck(settings: NonNullable<UpstreamSettings['healthCheck']>): HealthCheckConfig {
  const { http, port, interval, timeout, rise, fall } = settings
  const asked = http && { path: http.path, host: http.host, statuses: http.statuses }
  return { http: asked, port, intervalMs: interval, timeoutMs: timeout, rise, fall }
}

function assembleDns({
  servers,
  search,
  ndots,
  timeout,
  attempts,
  minTtl,
  maxTtl,
  hold,
}: z.output<typeof dnsSchema>): DnsConfig {
  const bounds = { minTtlMs: minTtl, maxTtlMs: maxTtl, holdMs: hold }
  return { servers, search, ndots, timeoutMs: timeout, attempts, ...bounds }
}

function assembleListener(listener: ReadListener): ListenerConfig {
  const { direction, intercept, preserveSource, limits, timeouts, drain } = listener.settings
  return {
    name: listener.name!,
    direction: direction!,
    addresses: listener.addresses,
    intercept,
    isSourcePreserved: preserveSource!,
    destination: listener.destination,
    limits: { maxConnections: limits!.maxConnections, over: limits!.over, peekWindowBytes: limits!.peekWindow },
    timeouts: {
      connectMs: timeouts!.connect,
      idleMs: timeouts!.idle,
      halfCloseMs: timeouts!.halfClose,
      firstByteMs: timeouts!.firstByte,
      verdictMs: timeouts!.verdict,
      keepAliveMs: timeouts!.keepAlive,
    },
    drain: drain!,
    filters: listener.chain.map(({ definition, options }) => ({ definition, options })),
    isDefaultChain: listener.isDefaultChain,
  }
}

/** Reads each option of a map by its own schema. Options that the map does not know are reported. */
function readFields<S extends z.ZodRawShape>(
  shape: S,
  raw: Readonly<Record<string, unknown>>,
  path: ConfigPath,
  context: ReadContext,
): Partial<z.output<z.ZodObject<S>>> {
  const known = new Set(Object.keys(shape))
  for (const name of Object.keys(raw)) {
    if (!known.has(name)) reportUnknownOption(name, [], subject(raw, path, context))
  }
  const read: Record<string, unknown> = {}
  for (const name of known) {
    const field = shape[name] as unknown as z.ZodType
    const valid = validate(field, subject(raw[name], [...path, name], context))
    if (valid) read[name] = valid.output
  }
  return read as Partial<z.output<z.ZodObject<S>>>
}

function readUpstreams(raw: unknown, context: ReadContext): ReadUpstream[] {
  const path = ['upstreams']
  if (raw === undefined || context.findings.isSpoilt(path)) return []
  if (!isMap(raw)) {
    context.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, `expected a map from names to upstreams, got ${got(raw)}`)
    return []
  }
  return Object.entries(raw).map(([name, value]) => {
    const own = [...path, name]
    const named = upstreamName.safeParse(name)
    if (!named.success) {
      context.findings.add('SLUICE_CONFIG_INVALID_VALUE', own, named.error.issues[0]!.message, { at: 'key' })
    }
    const settings = validate(upstreamSchema, subject(value, own, context))?.output
    return { name, path: own, settings, sources: readSources(value, own, context) }
  })
}

function readListeners(raw: unknown, upstreams: readonly string[], context: ReadContext): ReadListener[] {
  const path = ['listeners']
  if (context.findings.isSpoilt(path)) return []
  if (raw === undefined || (Array.isArray(raw) && raw.length === 0)) {
    context.findings.add('SLUICE_CONFIG_NO_LISTENER', path, 'there is no listener: nothing would come in')
    return []
  }
  if (!Array.isArray(raw)) {
    const hint = isMap(raw) ? '; begin each with a dash' : ''
    context.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, `expected a list of listeners, got ${got(raw)}${hint}`)
    return []
  }
  return raw.flatMap((item: unknown, index) => {
    const own = [...path, index]
    if (isMap(item)) return [readListener(item, own, upstreams, context)]
    if (!context.findings.isSpoilt(own)) {
      context.findings.add('SLUICE_CONFIG_WRONG_TYPE', own, `expected a map of a listener's options, got ${got(item)}`)
    }
    return []
  })
}

function readListener(
  raw: Record<string, unknown>,
  path: ConfigPath,
  upstreams: readonly string[],
  context: ReadContext,
): ReadListener {
  const { filters: rawFilters, ...options } = raw
  const settings = readFields(LISTENER_SETTINGS, options, path, context)
  const isDefaultChain = rawFilters === undefined
  return {
    path,
    raw,
    name: settings.name ?? ('name' in raw ? undefined : firstAddress(raw['address'])),
    settings,
    addresses: settings.address === undefined ? [] : [settings.address].flat(),
    destination: readDestination(settings.destination, [...path, 'destination'], upstreams, context),
    chain: isDefaultChain ? defaultChain(path, context) : readChain(rawFilters, [...path, 'filters'], context),
    isDefaultChain,
  }
}

function firstAddress(raw: unknown): string | undefined {
  const first: unknown = Array.isArray(raw) ? raw[0] : raw
  return typeof first === 'string' ? first : undefined
}

function readDestination(
  text: string | undefined,
  path: ConfigPath,
  upstreams: readonly string[],
  { findings }: ReadContext,
): DestinationConfig | undefined {
  if (text === undefined || findings.isSpoilt(path)) return undefined
  const parsed = parseDestination(text, upstreams)
  if (parsed.problem === undefined) return parsed.value
  findings.add(parsed.code, path, parsed.problem)
  return undefined
}

function subject(value: unknown, path: ConfigPath, context: ReadContext): Subject {
  const around = schemaAt(context.schema, path.slice(0, -1))
  return { value, path, schema: schemaAt(context.schema, path) ?? {}, around, findings: context.findings }
}
