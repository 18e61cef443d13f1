import { z } from 'zod'
import { endpointWeight, maxConnections } from '../core/config/config-schema.js'
import { hostPort } from '../core/config/scalars.js'
import type { EndpointConfig } from '../core/config/config.js'
import { formatAddress } from '../core/address.js'
import { MAX_SOURCED_ENDPOINTS } from '../core/endpoint-source.js'

const endpointList = z
  .array(
    z.union([
      hostPort(),
      z.strictObject({ address: hostPort(), weight: endpointWeight(), maxConnections: maxConnections().optional() }),
    ]),
  )
  .max(MAX_SOURCED_ENDPOINTS)

/** What a file holds: a list, or a map with `endpoints`, of `host:port` and `{ address, weight, maxConnections }`. */
export function readEndpointList(data: unknown): EndpointConfig[] {
  const list = isWrapped(data) ? data.endpoints : data
  const read = endpointList.safeParse(list)
  if (!read.success) throw new Error(problemOf(read.error))
  const endpoints = read.data.map((each) =>
    'address' in each
      ? { ...each.address, weight: each.weight, maxConnections: each.maxConnections }
      : { ...each, maxConnections: undefined },
  )
  const once = new Map(endpoints.map((each) => [formatAddress(each.host, each.port), each]))
  return [...once.values()]
}

function isWrapped(data: unknown): data is { readonly endpoints: unknown } {
  return typeof data === 'object' && data !== null && Object.keys(data).join() === 'endpoints'
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  const what = 'expected a list of "host:port" or { address, weight, maxConnections }'
  return path === '' ? what : `entry ${path}: ${issue?.message ?? 'wrong'}; ${what}`
}
