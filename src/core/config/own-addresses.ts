import { isIPv4, isIPv6 } from 'node:net'
import { normalizeHost } from '../address.js'
import type { HostPort, ListenAddress } from './config.js'

const ANY_V4 = '0.0.0.0'
const ANY_V6 = '::'

/** The addresses that this configuration listens on: a connection sent to one of them would come back. */
export class OwnAddresses {
  readonly #addresses: readonly HostPort[]

  /** What is passed in by the parent process is known when it is there: a connection that comes back is seen then. */
  constructor(addresses: readonly ListenAddress[]) {
    this.#addresses = addresses.flatMap((address) =>
      'inherited' in address ? [] : [{ host: canonicalHost(address.host), port: address.port }],
    )
  }

  /**
   * True where connecting to `host:port` reaches one of them: the same host; or this machine by a name for itself, where one
   * listens on all interfaces. Port 0 is not known yet and never matches. Other names and interface addresses of this machine are
   * seen when a connection comes back.
   */
  has(host: string, port: number): boolean {
    const target = canonicalHost(host)
    return this.#addresses.some((own) => own.port === port && port !== 0 && reaches(target, own.host))
  }
}

/** True where both cannot be bound: the same port, and the same host or one that includes it. */
export function overlaps(a: ListenAddress, b: ListenAddress): boolean {
  if ('inherited' in a || 'inherited' in b) return 'inherited' in a && 'inherited' in b && a.inherited === b.inherited
  if (a.port !== b.port || a.port === 0) return false
  const [first, second] = [canonicalHost(a.host), canonicalHost(b.host)]
  if (first === second) return true
  // All of IPv6 beside all of IPv4 is how both families are listed one by one.
  const hosts = [first, second].sort()
  if (hosts[0] === ANY_V4 && hosts[1] === ANY_V6) return false
  return includes(first, second) || includes(second, first)
}

function includes(wide: string, narrow: string): boolean {
  return wide === ANY_V6 || (wide === ANY_V4 && !isIPv6(narrow))
}

/** Linux takes a connection to the unspecified address as one to this machine. */
function reaches(target: string, own: string): boolean {
  if (target === own) return true
  if (target === 'localhost') return isLoopback(own) || own === ANY_V4 || own === ANY_V6
  if (own === 'localhost') return isLoopback(target) || target === ANY_V4 || target === ANY_V6
  if (own === ANY_V6) return isLoopback(target) || target === ANY_V4
  if (own === ANY_V4) return isIPv4(target) && isLoopback(target)
  if (target === ANY_V4) return isIPv4(own) && isLoopback(own)
  if (target === ANY_V6) return own === '::1'
  return false
}

/** RFC 1122 section 3.2.1.3: all of 127.0.0.0/8; RFC 4291 section 2.5.3: ::1. */
function isLoopback(host: string): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

/** One spelling for each host: IPv6 as RFC 5952 has it, names in small letters and without the dot at the end. */
function canonicalHost(host: string): string {
  const normal = normalizeHost(host)
  if (isIPv6(normal)) return new URL(`http://[${normal}]`).hostname.slice(1, -1)
  return normal.toLowerCase().replace(/\.$/, '')
}
