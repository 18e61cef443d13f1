import { isIP } from 'node:net'
import { normalizeHost } from '../core/address.js'

/** What of a request decides whether it may see more than `/metrics`, `/ready` and `/live`. */
export interface AdminRequest {
  /** The peer's IP address as the socket has it; undefined once it is gone. */
  readonly peer: string | undefined
  /** The Host header, undefined in HTTP/1.0 without one. */
  readonly host: string | undefined
}

/**
 * Why a request may not see what is not public, in words for who asked; undefined where it may.
 *
 * A peer on this machine may still be a browser that a page led here under the page's own name (DNS rebinding): so the Host has to
 * be one that such a name cannot be, an IP literal or localhost, or one that the configuration allows.
 */
export function refusalOf({ peer, host }: AdminRequest, allowedHosts: readonly string[]): string | undefined {
  if (peer === undefined || !isLoopback(normalizeHost(peer))) {
    return 'only peers on this machine may see this: ask over 127.0.0.1 or [::1]'
  }
  const name = hostName(host ?? '')
  const isKnown = isIP(name) !== 0 || name === 'localhost' || allowedHosts.some((allowed) => hostName(allowed) === name)
  return isKnown ? undefined : 'this Host is no IP address, not localhost, and not in admin.allowedHosts'
}

/** RFC 1122 section 3.2.1.3: all of 127.0.0.0/8. */
function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.')
}

/** RFC 9110 section 7.2: uri-host, then maybe a colon and a port. Small letters, without brackets, port and the dot at the end. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host)
  if (bracketed) return bracketed[1]!.toLowerCase()
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase()
}
