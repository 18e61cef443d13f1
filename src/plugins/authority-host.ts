import { latin1 } from '../protocols/byte-views.js'
import { DIGITS, isDigit, LETTERS } from './ascii.js'
import { byteSet } from './compare-bytes.js'

/** RFC 1035 section 2.3.4, less the root's dot and length: what an SNI may have, too. */
const MAX_HOST_BYTES = 253
/** RFC 3986 section 3.2.2: reg-name and IPv4address, without what no host of the Internet has. */
const NAME = byteSet(`-._${DIGITS}${LETTERS}`)
/** IP-literal, its brackets apart; without the zone of RFC 6874, which says nothing outside its machine. */
const IPV6 = byteSet(`:.${DIGITS}ABCDEFabcdef`)
const COLON = 0x3a
const DOT = 0x2e
const AT = 0x40
const OPEN = 0x5b
const CLOSE = 0x5d
const SLASH = 0x2f
const QUESTION_MARK = 0x3f
const HASH = 0x23

/**
 * The host of an authority, RFC 3986 section 3.2: [userinfo "@"] host [":" port]. In lower case, without a trailing dot, without the
 * port and, since it may hold a password, without the userinfo. Undefined where it is no name and no address.
 */
export function authorityHost(bytes: Uint8Array, start: number, end: number): string | undefined {
  let host = start
  for (let at = start; at < end; at++) if (bytes[at] === AT) host = at + 1
  const hostEnd = bytes[host] === OPEN ? skipIpv6(bytes, host, end) : skipName(bytes, host, end)
  if (hostEnd === host || !isPort(bytes, hostEnd, end)) return undefined
  const last = bytes[hostEnd - 1] === DOT ? hostEnd - 1 : hostEnd
  return last === host || last - host > MAX_HOST_BYTES ? undefined : latin1(bytes, host, last).toLowerCase()
}

/** Where the authority ends that begins at `start`: RFC 3986 section 3.2. */
export function authorityEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION_MARK && bytes[at] !== HASH) at++
  return at
}

function skipName(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && NAME[bytes[at]!] === 1) at++
  return at
}

function skipIpv6(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1
  while (at < end && IPV6[bytes[at]!] === 1) at++
  return at < end && bytes[at] === CLOSE ? at + 1 : start
}

/** Nothing, or a colon and any number of digits: RFC 3986 section 3.2.3. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true
  if (bytes[start] !== COLON) return false
  for (let at = start + 1; at < end; at++) if (!isDigit(bytes[at]!)) return false
  return true
}
