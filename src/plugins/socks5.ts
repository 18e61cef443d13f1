import type { Sniff, Sniffer } from '../core/sniffer.js'

// RFC 1928 section 3: VER(1) NMETHODS(1) METHODS.
const VERSION = 5
const METHODS = 2
/** Fewer are defined, and clients offer one to three. */
const MAX_METHODS = 16
/** IANA, "SOCKS Methods": 0 to 9 without 4. What one client offers alone: nothing, GSSAPI, or user and password. */
const MAX_ASSIGNED = 9
const UNASSIGNED = 4
const MAX_ALONE = 2
/** RFC 1928 section 3: X'80' to X'FE' are private, X'FF' is an answer. */
const MIN_PRIVATE = 0x80
const NONE_ACCEPTABLE = 0xff

/**
 * SOCKS 5, RFC 1928, by the methods that the client offers, each once; it then waits for the server's choice, so that there is no
 * more to go by, and the destination is not among the facts. The first three bytes of one that offers no authentication alone are
 * also the length of a MongoDB message of 261 bytes, which MongoDB's sniffer, asked before, waits to see. What curl says is the header
 * of a MySQL client's answer to a greeting: MySQL's servers greet first, and that names them.
 */
export const socks5: Sniffer = {
  protocol: 'socks5',
  maxBytes: METHODS + MAX_METHODS,
  before: ['mysql'],
  samples: {
    client: [
      '\x05\x02\0\x02',
      '\x05\x02\0\x01',
      '\x05\x03\0\x01\x02',
      '\x05\x01\x02',
      '\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x01\0\x50',
    ],
  },
  client: sniffMethods,
}

function sniffMethods(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== VERSION) return 'no-match'
  if (window.length < METHODS) return 'need-more'
  const count = window[1]!
  if (count === 0 || count > MAX_METHODS) return 'no-match'
  const end = METHODS + count
  for (let at = METHODS; at < end; at++) {
    if (at === window.length) return 'need-more'
    const method = window[at]!
    if (!isMethod(method) || (count === 1 && method > MAX_ALONE)) return 'no-match'
    for (let before = METHODS; before < at; before++) if (window[before] === method) return 'no-match'
  }
  return 'match'
}

function isMethod(byte: number): boolean {
  if (byte >= MIN_PRIVATE) return byte !== NONE_ACCEPTABLE
  return byte <= MAX_ASSIGNED && byte !== UNASSIGNED
}
