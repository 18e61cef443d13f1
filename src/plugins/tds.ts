import type { Sniff, Sniffer } from '../core/sniffer.js'
import { uint16 } from './big-endian.js'
import { compareAny } from './compare-any.js'
import { compareBytes } from './compare-bytes.js'

/** MS-TDS section 2.2.3.1: type(1) status(1) length(2, big-endian; itself included) SPID(2) packet(1) window(1, zero). */
const HEADER_BYTES = 8
const PRELOGIN = 0x12
const LOGIN7 = 0x10
/** End of message, or more packets. */
const MAX_STATUS = 1
const WINDOW = 7
/** The packets of a login are negotiated only by it: until then they have 4,096 bytes at most. */
const MAX_PACKET_BYTES = 4096

/** Section 2.2.6.5: options, each token(1) offset(2) length(2); the first has to be the version, of 6 bytes, behind the list. */
const VERSION_TOKEN = 0
const VERSION_OFFSET = HEADER_BYTES + 1
const VERSION_LENGTH = Uint8Array.of(0, 6)
const VERSION_BYTES = 6
/** One option and the list's end. */
const MIN_OFFSET = 6

/** Section 2.2.6.4: length(4, little-endian; what follows the header) version(4, little-endian) and 86 bytes that are fixed. */
const MIN_LOGIN_BYTES = 94
const LOGIN_VERSION = HEADER_BYTES + 4
/** The versions 7.0, 7.1 and its revision, 7.2, 7.3 A and B, 7.4, and 8.0, as they are sent. */
const LOGIN_VERSIONS = [
  [0x00, 0x00, 0x00, 0x70],
  [0x00, 0x00, 0x00, 0x71],
  [0x01, 0x00, 0x00, 0x71],
  [0x02, 0x00, 0x09, 0x72],
  [0x03, 0x00, 0x0a, 0x73],
  [0x03, 0x00, 0x0b, 0x73],
  [0x04, 0x00, 0x00, 0x74],
  [0x00, 0x00, 0x00, 0x08],
].map((bytes) => Uint8Array.from(bytes))

/**
 * TDS 7 and later, which Microsoft SQL Server speaks, by the client's PRELOGIN or LOGIN7 (MS-TDS sections 2.2.3.1, 2.2.6.4 and
 * 2.2.6.5). The client speaks first. In TDS 8 it begins with TLS, and is `tls` with the ALPN `tds/8.0`.
 */
export const tds: Sniffer = {
  protocol: 'tds',
  maxBytes: LOGIN_VERSION + 4,
  samples: {
    client: [
      `\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01\x02\0\x21\0\x01\x03\0\x22\0\x04\x04\0\x26\0\x01\xff${'\0'.repeat(13)}`,
      '\x10\x01\0\x90\0\0\x01\0\x88\0\0\0\x04\0\0\x74\0\x10\0\0\0\0\0\x07',
      '\x10\x01\0\x90\0\0\x01\0\x88\0\0\0\x01\0\0\x71\0\x10\0\0\0\0\0\x07',
    ],
  },
  client: sniffPacket,
}

function sniffPacket(window: Uint8Array): Sniff {
  const { length } = window
  if (length === 0) return 'need-more'
  const type = window[0]
  if (type !== PRELOGIN && type !== LOGIN7) return 'no-match'
  if (length > 1 && window[1]! > MAX_STATUS) return 'no-match'
  if (length > 2 && window[2]! > MAX_PACKET_BYTES >> 8) return 'no-match'
  if (length < 4) return 'need-more'
  const bytes = uint16(window, 2)
  const least = type === PRELOGIN ? MIN_OFFSET + VERSION_BYTES : MIN_LOGIN_BYTES
  if (bytes < HEADER_BYTES + least || bytes > MAX_PACKET_BYTES) return 'no-match'
  if (length > 4 && window[4] !== 0) return 'no-match'
  if (length > 5 && window[5] !== 0) return 'no-match'
  if (length > WINDOW && window[WINDOW] !== 0) return 'no-match'
  if (length <= HEADER_BYTES) return 'need-more'
  return type === PRELOGIN ? sniffPrelogin(window, bytes) : sniffLogin(window, bytes)
}

function sniffPrelogin(window: Uint8Array, bytes: number): Sniff {
  if (window[HEADER_BYTES] !== VERSION_TOKEN) return 'no-match'
  if (window.length < VERSION_OFFSET + 2) return 'need-more'
  const offset = uint16(window, VERSION_OFFSET)
  if (offset < MIN_OFFSET || HEADER_BYTES + offset + VERSION_BYTES > bytes) return 'no-match'
  return compareBytes(window, VERSION_OFFSET + 2, VERSION_LENGTH)
}

/** The length is that of the packet, or of several. */
function sniffLogin(window: Uint8Array, bytes: number): Sniff {
  if (window.length < LOGIN_VERSION) return 'need-more'
  const isWhole = window[1] === MAX_STATUS
  const login = window[HEADER_BYTES]! | (window[HEADER_BYTES + 1]! << 8) | (window[HEADER_BYTES + 2]! << 16)
  if (window[HEADER_BYTES + 3] !== 0) return 'no-match'
  if (isWhole ? login !== bytes - HEADER_BYTES : login <= bytes - HEADER_BYTES) return 'no-match'
  return compareAny(window, LOGIN_VERSION, LOGIN_VERSIONS)
}
