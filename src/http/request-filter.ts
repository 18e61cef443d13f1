import { parsePathTemplate, matchesTemplate, type PathTemplate } from './path-template.js'
import { REQUEST_PROTOCOLS, type RequestProtocol, type RequestRecord } from './request-record.js'

/** Which requests somebody wants to see. What is not given leaves none out. */
export interface RequestFilter {
  readonly protocol?: RequestProtocol
  readonly status?: StatusFilter
  /** As it was written: methods are case-sensitive. */
  readonly method?: string
  readonly path?: PathFilter
}

/** Statuses from `first` to `last`. */
export interface StatusFilter {
  readonly first: number
  readonly last: number
}

export type PathFilter = { readonly template: PathTemplate } | { readonly prefix: string }

/** What may be asked for, by its name. */
export const REQUEST_FILTER_KEYS = ['protocol', 'status', 'method', 'path'] as const
type FilterKey = (typeof REQUEST_FILTER_KEYS)[number]
export type WrittenRequestFilter = { readonly [K in FilterKey]?: string | undefined }

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Reads a filter; what is wrong with it, as a text that says what was expected. */
export function parseRequestFilter({ protocol, status, method, path }: WrittenRequestFilter): RequestFilter | string {
  if (protocol !== undefined && !isProtocol(protocol))
    return `protocol: expected ${REQUEST_PROTOCOLS.slice(0, -1).join(', ')} or ${REQUEST_PROTOCOLS.at(-1)}, got "${protocol}"`
  const statuses = status === undefined ? undefined : parseStatus(status)
  if (typeof statuses === 'string') return statuses
  if (method !== undefined && !TOKEN.test(method)) return `method: expected a method such as GET, got "${method}"`
  const paths = path === undefined ? undefined : parsePath(path)
  if (typeof paths === 'string') return paths
  return {
    ...(protocol !== undefined && { protocol }),
    ...(statuses && { status: statuses }),
    ...(method !== undefined && { method }),
    ...(paths && { path: paths }),
  }
}

export function matchesFilter(filter: RequestFilter, record: RequestRecord): boolean {
  const { protocol, status, method, path } = filter
  if (protocol !== undefined && record.protocol !== protocol) return false
  if (method !== undefined && record.method !== method) return false
  if (status && (record.status === undefined || record.status < status.first || record.status > status.last))
    return false
  if (path === undefined) return true
  return 'prefix' in path ? record.target.startsWith(path.prefix) : matchesTemplate(path.template, record.target)
}

function isProtocol(text: string): text is RequestProtocol {
  return REQUEST_PROTOCOLS.some((protocol) => protocol === text)
}

function parseStatus(text: string): StatusFilter | string {
  if (/^[1-9]xx$/.test(text)) return { first: Number(text[0]) * 100, last: Number(text[0]) * 100 + 99 }
  if (/^[1-9]\d\d$/.test(text)) return { first: Number(text), last: Number(text) }
  return `status: expected one such as 404, or a class such as 5xx, got "${text}"`
}

/** With braces a template, else a prefix: `/orders` is of `/orders/1`, too. */
function parsePath(text: string): PathFilter | string {
  if (!text.startsWith('/'))
    return `path: expected the beginning of a path, or a template such as /orders/{id}, got "${text}"`
  if (!/[{}]/.test(text)) return { prefix: text }
  const template = parsePathTemplate(text)
  return typeof template === 'string'
    ? `path: expected a path template such as /orders/{id}: ${template}`
    : { template }
}
