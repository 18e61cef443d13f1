import { z } from 'zod'
import type { CheckContext, Filter, Finding, FilterDefinition } from '../../../src/core/filter.js'
import { noTransparentSockets } from '../../../src/core/transparent-sockets.js'
import { type KernelServices, registryOf, type Registry } from '../../../src/core/config/registry.js'
import { cidr, duration } from '../../../src/core/config/scalars.js'
import { parseDestination } from '../../../src/core/config/destination.js'

const anyOf = <T extends z.ZodType>(schema: T) => z.union([schema, z.array(schema).min(1)])

const portOverrideOptions = z
  .strictObject({
    ports: z.record(z.string(), z.string()).default({}).describe('Protocols by port.'),
  })
  .describe('Names the protocol by destination port.')

const detectOptions = z
  .strictObject({
    protocols: z.array(z.string()).optional().describe('Protocols that are looked for; all where absent.'),
    timeout: duration({ minMs: 1 }).prefault('10s').describe('Bound on the wait for a name.'),
    onTimeout: z.enum(['continue', 'deny']).default('continue').describe('What a timeout does.'),
    onUnknown: z.enum(['continue', 'deny']).default('continue').describe('What an unknown protocol does.'),
  })
  .describe('Finds out which protocol a connection speaks.')

const forwardOptions = z
  .strictObject({
    routes: z
      .array(
        z.strictObject({
          name: z.string().optional(),
          match: z.strictObject({
            protocol: anyOf(z.string()).optional(),
            sni: anyOf(z.string()).optional(),
            alpn: anyOf(z.string()).optional(),
            source: anyOf(cidr()).optional(),
            clientSilent: duration({ minMs: 1 }).optional(),
          }),
          destination: z.string(),
        }),
      )
      .default([])
      .describe('The first route that matches wins.'),
  })
  .describe('Forwards to a destination.')

function checkRoutes(options: z.output<typeof forwardOptions>, context: CheckContext): Finding[] {
  const findings = options.routes.flatMap(({ destination }, index): Finding[] => {
    const path = ['routes', index, 'destination']
    const parsed = parseDestination(destination, context.upstreams)
    if (parsed.problem !== undefined) return [{ severity: 'error', code: parsed.code, path, message: parsed.problem }]
    const { value } = parsed
    if (value.kind !== 'address' || !context.isOwnAddress(value.host, value.port)) return []
    return [{ severity: 'error', code: 'SLUICE_CONFIG_OWN_ADDRESS', path, message: 'this is one of our own addresses' }]
  })
  if (options.routes.length > 0 || context.listener.hasDestination) return findings
  const message = 'nothing to forward to: it needs routes, or the listener a destination'
  return [...findings, { severity: 'error', code: 'SLUICE_CONFIG_NO_DESTINATION', path: [], message }]
}

const noOptions = z.strictObject({}).describe('Has no options.')
const create = (): Filter => ({ onConnection: () => 'continue' })

/** Filters with the names and options of the built-in ones; none of them is ever run here. */
export const testFilters: readonly FilterDefinition[] = [
  { name: 'port-override', options: portOverrideOptions, create },
  { name: 'detect', options: detectOptions, create },
  { name: 'tls-passthrough', options: noOptions, create },
  { name: 'http-metrics', options: noOptions, create },
  {
    name: 'tcp-forward',
    options: forwardOptions,
    terminal: true,
    check: checkRoutes,
    create,
  },
  { name: 'echo', options: noOptions, terminal: true, create },
  {
    name: 'direct-response',
    options: z.strictObject({ body: z.string().describe('What is said.') }).describe('Says one thing.'),
    terminal: true,
    create,
  },
]

/** A kernel that has all that a configuration may need. */
export const someKernel: KernelServices = {
  originalDestinations: { of: () => undefined },
  transparentSockets: { ...noTransparentSockets, unavailable: undefined },
}

export const testRegistry: Registry = registryOf([{ filters: testFilters }], someKernel)
