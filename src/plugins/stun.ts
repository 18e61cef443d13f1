import type { Sniff, Sniffer } from '../core/sniffer.js'
import { compareBytes } from './compare-bytes.js'

/** RFC 8489 section 5: type(2) length(2; what follows the header, in fours) magic cookie(4) transaction id(12); big-endian. */
const LENGTH = 2
const COOKIE = 4
const MAGIC_COOKIE = Uint8Array.of(0x21, 0x12, 0xa4, 0x42)
/** Credentials and a few attributes: the first message has a few hundred bytes. */
const MAX_LENGTH_HIGH = 0x07

/** Methods of first messages: Binding (RFC 8489 section 18.2), Allocate (RFC 8656 section 17), ConnectionBind (RFC 6062 section 6.1). */
const METHODS = [0x01, 0x03, 0x0b]
/** RFC 8489 section 5, as the bits of the class stand in the type's two bytes beside a method below 16. */
const SUCCESS = 0x00
const ERROR = 0x10

/**
 * STUN and TURN over TCP, RFC 8489 section 6.2.2 and RFC 8656, by the header of a client's first request or of a server's answer to
 * it. With the two bytes of length before it that ICE has (RFC 4571) it is not recognised, nor without its cookie (RFC 3489).
 */
export const stun: Sniffer = {
  protocol: 'stun',
  maxBytes: COOKIE + MAGIC_COOKIE.length,
  samples: {
    client: [
      '\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl',
      '\0\x03\0\x08\x21\x12\xa4\x42abcdefghijkl\0\x19\0\x04\x11\0\0\0',
    ],
    server: ['\x01\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl', '\x01\x13\0\x08\x21\x12\xa4\x42abcdefghijkl'],
  },
  client: (window) => sniffHeader(window, 0x00, SUCCESS, SUCCESS),
  server: (window) => sniffHeader(window, 0x01, SUCCESS, ERROR),
}

/** The type has this first byte, and in its second one of these two classes. */
function sniffHeader(window: Uint8Array, first: number, one: number, other: number): Sniff {
  const { length } = window
  if (length > 0 && window[0] !== first) return 'no-match'
  if (length > 1 && !METHODS.includes(window[1]! - one) && !METHODS.includes(window[1]! - other)) return 'no-match'
  if (length > LENGTH && window[LENGTH]! > MAX_LENGTH_HIGH) return 'no-match'
  if (length > LENGTH + 1 && window[LENGTH + 1]! % 4 !== 0) return 'no-match'
  return compareBytes(window, COOKIE, MAGIC_COOKIE)
}
