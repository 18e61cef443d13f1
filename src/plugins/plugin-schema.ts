import { z } from 'zod'
import { MAX_PEEK_WINDOW_BYTES } from '../core/config/defaults.js'
import { validate } from '../core/config/describe-issues.js'
import { Findings } from '../core/config/findings.js'
import { Positions } from '../core/config/positions.js'
import { got } from '../core/config/got.js'
import type { Plugin } from './plugin.js'
import type { PluginProblem } from './plugin-problem.js'
import { RESERVED_PROTOCOLS } from './reserved-protocols.js'

/** What this Sluice loads. Raised when a plugin that is made for an older one would no longer work. */
export const PLUGIN_API_VERSION = 1

/** Names of protocols, filters and plugins are labels of metrics. */
const MAX_NAME = 64

const func = () => z.custom((value) => typeof value === 'function', 'expected a function')

const pluginName = z
  .string()
  .regex(/^[^\s\p{Cc}"]+$/u, { error: 'the name of a plugin is one word, as in "acme"' })
  .max(MAX_NAME)

const filterName = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
    error: 'the name of a filter is small letters and digits, with single dashes between, as in "acme-source-quota"',
  })
  .max(MAX_NAME)

const protocolName = z
  .string()
  .regex(/^[a-z0-9]+([-./][a-z0-9]+)*$/, {
    error: 'the name of a protocol is small letters, digits, and single dashes, dots or slashes, as in "http/2"',
  })
  .max(MAX_NAME)
  .refine((name) => !RESERVED_PROTOCOLS.includes(name), {
    error: '"opaque" and "detect" mean something else in port-override: choose another name',
  })

const samples = z.array(
  z
    .custom<string | Uint8Array>(
      (value) => typeof value === 'string' || value instanceof Uint8Array,
      'expected a text or a Uint8Array',
    )
    .refine((value) => value.length > 0, 'a sample of no bytes shows nothing: give what is really said first'),
)

const sniffer = z
  .looseObject({
    protocol: protocolName,
    maxBytes: z.int().min(1).max(MAX_PEEK_WINDOW_BYTES),
    before: z.array(z.string()).optional(),
    samples: z.looseObject({ client: samples.optional(), server: samples.optional() }),
    client: func().optional(),
    server: func().optional(),
    whyNot: func().optional(),
  })
  .superRefine((value, context) => {
    const sides = (['client', 'server'] as const).filter((side) => value[side] !== undefined)
    if (sides.length === 0) {
      context.addIssue({ code: 'custom', message: 'it listens to nobody: it needs a function "client" or "server"' })
    }
    for (const side of sides) {
      if ((value.samples[side] ?? []).length > 0) continue
      const message = `it listens to the ${side}, and has no sample of what a ${side} says first: conflicts could not be found`
      context.addIssue({ code: 'custom', path: ['samples', side], message })
    }
  })

const filter = z
  .looseObject({
    name: filterName,
    options: standardSchema(),
    denyReasons: z.array(z.string()).optional(),
    terminal: z.boolean().optional(),
    needs: func().optional(),
    whenClientSilent: func().optional(),
    check: func().optional(),
    use: func().optional(),
    inject: z.record(z.string(), z.symbol()).optional(),
    create: func().optional(),
  })
  .superRefine((value, context) => {
    if ((value.use === undefined) === (value.create === undefined)) {
      const message = 'it needs either "create", a function, or "use", a class, that makes the filter'
      context.addIssue({ code: 'custom', message })
    }
  })

const endpointSource = z
  .looseObject({
    name: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
        error: 'the name of a source is small letters and digits, with single dashes between, as in "acme-registry"',
      })
      .max(MAX_NAME),
    options: standardSchema(),
    use: func().optional(),
    inject: z.record(z.string(), z.symbol()).optional(),
    create: func().optional(),
  })
  .superRefine((value, context) => {
    if ((value.use === undefined) === (value.create === undefined)) {
      const message = 'it needs either "create", a function, or "use", a class, that makes the source'
      context.addIssue({ code: 'custom', message })
    }
  })

const provider = z
  .looseObject({
    token: z.custom((value) => typeof value === 'symbol', 'expected a token, made by token("acme/store")'),
  })
  .refine((value) => 'value' in value || typeof value['create'] === 'function', {
    error: 'it needs a "value", or a function "create" that makes it',
  })

const CONTRIBUTIONS = {
  sniffers: z.array(sniffer).optional(),
  filters: z.array(filter).optional(),
  endpointSources: z.array(endpointSource).optional(),
  providers: z.array(provider).optional(),
  observers: z.array(z.looseObject({ protocol: protocolName, create: func() })).optional(),
}
const CONTRIBUTION_NAMES = Object.keys(CONTRIBUTIONS) as (keyof typeof CONTRIBUTIONS)[]

/** Loose: what a later Sluice adds without a new version of the plugin API is not this one's business. */
const pluginSchema = z.looseObject({ name: pluginName, ...CONTRIBUTIONS })

/**
 * Whether `value` is a plugin for this Sluice; `label` is what messages call it. Empty where nothing is wrong. A shape that cannot be
 * relied on is said in full, each fault with its path.
 */
export function checkPluginShape(value: unknown, label: string): readonly PluginProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [invalid(label, 'a plugin is an object with name, apiVersion, and what it brings')]
  }
  const { apiVersion } = value as Partial<Record<keyof Plugin, unknown>>
  if (apiVersion !== PLUGIN_API_VERSION) return [wrongVersion(apiVersion, label)]
  const faults = new Findings(undefined, new Positions())
  validate(pluginSchema, { value, path: [], schema: {}, findings: faults })
  const problems = faults
    .sorted()
    .map(({ path, message }) => invalid(label, path === '' ? message : `${path}: ${message}`))
  if (problems.length > 0) return problems
  const brings = value as Partial<Record<keyof typeof CONTRIBUTIONS, readonly unknown[]>>
  if (CONTRIBUTION_NAMES.some((name) => (brings[name] ?? []).length > 0)) return []
  return [invalid(label, `it brings nothing: it has neither ${CONTRIBUTION_NAMES.join(' nor ')}`)]
}

function wrongVersion(apiVersion: unknown, label: string): PluginProblem {
  if (apiVersion === undefined) return invalid(label, `apiVersion is missing: write apiVersion: ${PLUGIN_API_VERSION}`)
  const isNewer = typeof apiVersion === 'number' && apiVersion > PLUGIN_API_VERSION
  const remedy = isNewer
    ? 'upgrade sluice, or take an older version of the plugin'
    : 'take a newer version of the plugin'
  const message = `${label} is made for plugin API ${got(apiVersion)}, and this sluice has ${PLUGIN_API_VERSION}: ${remedy}`
  return { code: 'SLUICE_PLUGIN_API_VERSION', message }
}

function invalid(label: string, message: string): PluginProblem {
  return { code: 'SLUICE_PLUGIN_INVALID', message: `${label} is no valid plugin: ${message}` }
}

function standardSchema() {
  return z.custom(
    isStandardSchema,
    'expected a Standard Schema: one of zod from 3.24 on, or an object with "~standard"',
  )
}

function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Record<string, unknown>)['~standard']
  return typeof standard === 'object' && standard !== null && 'validate' in standard
}
