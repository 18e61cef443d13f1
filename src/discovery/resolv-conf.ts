import { isIP } from 'node:net'
import type { HostPort } from '../core/config/config.js'

/** How names are asked for: resolv.conf(5). */
export interface ResolverSettings {
  /** In the order in which they are asked. */
  readonly servers: readonly HostPort[]
  /** Domains that are put behind a name which is not absolute. */
  readonly search: readonly string[]
  /** A name with so many dots is tried as it is before the search list. */
  readonly ndots: number
  /** For one question to one server. */
  readonly timeoutMs: number
  /** Rounds over all servers. */
  readonly attempts: number
}

export const DNS_PORT = 53
/** What glibc's resolver holds itself to (resolv.h: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY) and begins with. */
const MAX_SERVERS = 3
const NDOTS = { byDefault: 1, max: 15 }
const TIMEOUT_S = { byDefault: 5, max: 30 }
const ATTEMPTS = { byDefault: 2, max: 5 }
/** glibc has had no bound since 2.26; Kubernetes allows 32. */
const MAX_SEARCH = 32

/** Reads a resolv.conf. What it does not know it passes over, as the C libraries do; without a server it is this machine's. */
export function parseResolvConf(text: string): ResolverSettings {
  const servers: HostPort[] = []
  const options = new Map<string, string>()
  let search: string[] = []
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue
    const [keyword, ...values] = line.trim().split(/\s+/)
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1).flatMap(server))
    // The last of the two wins, whichever it is.
    else if (keyword === 'search') search = values.map(withoutDot).filter((domain) => domain !== '')
    else if (keyword === 'domain') search = values.slice(0, 1).map(withoutDot)
    else if (keyword === 'options') for (const option of values) options.set(...keyAndValue(option))
  }
  return {
    servers: servers.length > 0 ? servers.slice(0, MAX_SERVERS) : [{ host: '127.0.0.1', port: DNS_PORT }],
    search: search.slice(0, MAX_SEARCH),
    ndots: bounded(options.get('ndots'), NDOTS, 0),
    timeoutMs: bounded(options.get('timeout'), TIMEOUT_S, 1) * 1_000,
    attempts: bounded(options.get('attempts'), ATTEMPTS, 1),
  }
}

/** RFC 1035 section 2.3.4 allows 255 bytes on the wire: written with dots that are two less. */
const MAX_NAME = 253

/** The names that a name may stand for, in the order in which they are tried; all absolute, without the dot at the end. */
export function candidates(name: string, { search, ndots }: Pick<ResolverSettings, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const searched = search.map((domain) => `${name}.${domain}`).filter((one) => one.length <= MAX_NAME)
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name]
}

function server(text: string): HostPort[] {
  // A zone, as in fe80::1%eth0, is part of the address.
  return isIP(text) === 0 ? [] : [{ host: text, port: DNS_PORT }]
}

function withoutDot(domain: string): string {
  return domain.replace(/\.$/, '')
}

function keyAndValue(option: string): [string, string] {
  const colon = option.indexOf(':')
  return colon < 0 ? [option, ''] : [option.slice(0, colon), option.slice(colon + 1)]
}

function bounded(
  text: string | undefined,
  { byDefault, max }: { byDefault: number; max: number },
  min: number,
): number {
  if (text === undefined || !/^\d+$/.test(text)) return byDefault
  return Math.min(max, Math.max(min, Number(text)))
}
