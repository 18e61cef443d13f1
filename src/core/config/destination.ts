import type { DestinationConfig } from './config.js'
import type { ConfigCode } from './config-codes.js'
import { got } from './got.js'
import { suggest } from './nearest-name.js'
import { parseHostPort } from './scalar-text.js'

/** A destination as written, read; or what is wrong with it. */
export type ParsedDestination =
  | { readonly value: DestinationConfig; readonly problem?: undefined }
  | { readonly problem: string; readonly code: ConfigCode }

/** Reads an upstream's name, `host:port` or `original`. Only what has a colon is `host:port`: names of upstreams have none. */
export function parseDestination(text: string, upstreams: readonly string[]): ParsedDestination {
  if (text === 'original') return { value: { kind: 'original' } }
  if (upstreams.includes(text)) return { value: { kind: 'upstream', name: text } }
  if (text.includes(':')) {
    const parsed = parseHostPort(text)
    return parsed.problem === undefined
      ? { value: { kind: 'address', ...parsed.value } }
      : { problem: parsed.problem, code: 'SLUICE_CONFIG_INVALID_VALUE' }
  }
  const hint = suggest(text, upstreams)
  const problem = `no upstream ${got(text)}, and it is not host:port${hint && `. ${hint}`}`
  return { problem, code: 'SLUICE_CONFIG_UNKNOWN_UPSTREAM' }
}
