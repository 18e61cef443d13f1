import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR } from './ascii.js'
import { uint16 } from './big-endian.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'
import { MAX_FACT_BYTES, printableText } from './printable-text.js'

/** RFC 1006 section 6: version(1) reserved(1) length(2, big-endian; itself included). */
const TPKT = Uint8Array.of(3, 0)
const TPKT_BYTES = 4
/** X.224 section 13.3: length indicator(1; what follows) code(1) destination(2) source(2) class(1). */
const REQUEST = 0xe0
const CONFIRM = 0xd0
const CODE = TPKT_BYTES + 1
const CLASS = TPKT_BYTES + 6
const VARIABLE = TPKT_BYTES + 7
/** The length indicator is a byte, and 255 is reserved. */
const MAX_PACKET_BYTES = TPKT_BYTES + 1 + 254

/** MS-RDPBCGR section 2.2.1.1: a cookie (mstshash=, or msts= for a load balancer), or a routing token, each up to CRLF. */
const COOKIE = latin1Bytes('Cookie: msts')
const HASH = latin1Bytes('hash=')
const TOKEN = latin1Bytes('tsv://')
/** Sections 2.2.1.1.1, 2.2.1.2.1 and 2.2.1.2.2: type(1) flags(1) length(2) and four more bytes, little-endian. */
const NEGOTIATION_BYTES = 8
const NEGOTIATION_REQUEST = 1
const NEGOTIATION_RESPONSE = 2
const NEGOTIATION_FAILURE = 3
const LENGTH_AND_NOTHING = Uint8Array.of(NEGOTIATION_BYTES, 0)
/** RDP, TLS, CredSSP, RDSTLS, early user authorization, Azure AD: the bits of one byte; or a failure's code, 1 to 6. */
const MAX_PROTOCOLS = 0x1f
/** Section 2.2.1.1.2: a correlation id of 36 bytes may follow, and a flag says so. */
const CORRELATION_BYTES = 36

/**
 * RDP, MS-RDPBCGR sections 2.2.1.1 and 2.2.1.2: by the X.224 connection request with a cookie, a routing token or a request to
 * negotiate; or by the confirm that negotiates. An X.224 request without any is also ISO-on-TCP, which S7, MMS and H.323 speak.
 * Fact: `user`, the cookie's hash, which clients cut to nine characters.
 */
export const rdp: Sniffer = {
  protocol: 'rdp',
  maxBytes: VARIABLE + COOKIE.length,
  samples: {
    client: [
      '\x03\0\0\x2a\x25\xe0\0\0\0\0\0Cookie: mstshash=alice\r\n\x01\0\x08\0\x03\0\0\0',
      '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0',
      '\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: msts=3640205228.15629.0000\r\n',
    ],
    server: [
      '\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0',
      '\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x05\0\0\0',
    ],
  },
  client: sniffRequest,
  server: sniffConfirm,
}

function sniffRequest(window: Uint8Array): Sniff {
  const header = sniffHeader(window, REQUEST)
  if (header !== 'match') return header
  if (window.length === VARIABLE) return 'need-more'
  const first = window[VARIABLE]
  if (first === NEGOTIATION_REQUEST) return sniffNegotiation(window)
  if (first === TOKEN[0]) return compareBytes(window, VARIABLE, TOKEN)
  const compared = compareBytes(window, VARIABLE, COOKIE)
  return compared === 'match' ? readUser(window) : compared
}

function sniffConfirm(window: Uint8Array): Sniff {
  if (window.length >= TPKT_BYTES && uint16(window, 2) !== VARIABLE + NEGOTIATION_BYTES) return 'no-match'
  const header = sniffHeader(window, CONFIRM)
  if (header !== 'match') return header
  if (window.length === VARIABLE) return 'need-more'
  const type = window[VARIABLE]
  return type === NEGOTIATION_RESPONSE || type === NEGOTIATION_FAILURE ? sniffNegotiation(window) : 'no-match'
}

/** TPKT and X.224, whose lengths have to agree, with something behind them. */
function sniffHeader(window: Uint8Array, code: number): Sniff {
  const { length } = window
  const compared = compareBytes(window, 0, TPKT)
  if (compared !== 'match') return compared
  if (length > 2 && window[2]! > MAX_PACKET_BYTES >> 8) return 'no-match'
  if (length < TPKT_BYTES) return 'need-more'
  const bytes = uint16(window, 2)
  if (bytes < VARIABLE + NEGOTIATION_BYTES || bytes > MAX_PACKET_BYTES) return 'no-match'
  if (length > TPKT_BYTES && window[TPKT_BYTES] !== bytes - TPKT_BYTES - 1) return 'no-match'
  if (length > CODE && window[CODE] !== code) return 'no-match'
  // Class 0, without options.
  if (length > CLASS && window[CLASS] !== 0) return 'no-match'
  return length < VARIABLE ? 'need-more' : 'match'
}

/** A request, a response or a failure, and nothing behind it but a correlation id. */
function sniffNegotiation(window: Uint8Array): Sniff {
  const rest = uint16(window, 2) - VARIABLE - NEGOTIATION_BYTES
  if (rest !== 0 && rest !== CORRELATION_BYTES) return 'no-match'
  const compared = compareBytes(window, VARIABLE + 2, LENGTH_AND_NOTHING)
  if (compared !== 'match') return compared
  const protocols = VARIABLE + 4
  for (let at = protocols; at < protocols + 4; at++) {
    if (at >= window.length) return 'need-more'
    if (window[at]! > (at === protocols ? MAX_PROTOCOLS : 0)) return 'no-match'
  }
  return 'match'
}

function readUser(window: Uint8Array): Sniff {
  const start = VARIABLE + COOKIE.length
  const compared = compareBytes(window, start, HASH)
  if (compared !== 'match') return compared === 'need-more' ? 'sure' : 'match'
  const name = start + HASH.length
  const last = Math.min(uint16(window, 2), name + MAX_FACT_BYTES + 1)
  for (let at = name; at < last; at++) {
    if (at === window.length) return 'sure'
    if (window[at] !== CR) continue
    const user = printableText(window, name, at)
    return user === undefined ? 'match' : { facts: { user } }
  }
  return 'match'
}
