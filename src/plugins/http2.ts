import type { Sniff, Sniffer } from '../core/sniffer.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

/** RFC 9113 section 3.4. HTTP/1 and HTTP/2 differ in its last 13 bytes, so all 24 are compared. */
const PREFACE = latin1Bytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** RFC 9113 section 4.1: length(3, big-endian; what follows the header) type(1) flags(1) reserved bit and stream(4). */
const FRAME_HEADER_BYTES = 9
/** Behind the length: type SETTINGS, no flags (an acknowledgement cannot come first), stream 0. */
const SETTINGS = Uint8Array.of(4, 0, 0, 0, 0, 0)
/**
 * RFC 9113 section 6.5.1: identifier(2) value(4). About ten are defined and servers send up to six: with at most 42 of them the
 * length's two high bytes are zero.
 */
const SETTING_BYTES = 6
/**
 * Empty SETTINGS are the number 4 and zeros, as others begin a short answer: the next frame has to be one of the connection, too. By
 * type, the least and the most that its length may be: SETTINGS (an acknowledgement), PING, GOAWAY and WINDOW_UPDATE (RFC 9113 sections
 * 6.5 and 6.7 to 6.9).
 */
const NEXT_FRAMES = new Map([
  [4, [0, 0]],
  [6, [8, 8]],
  [7, [8, 255]],
  [8, [4, 4]],
])
const NEVER = [1, 0]
const NEXT_TYPE = FRAME_HEADER_BYTES + 3
const NEXT_STREAM = FRAME_HEADER_BYTES + 5
const CONNECTION = new Uint8Array(4)

/**
 * HTTP/2 in the clear, RFC 9113: by the client's connection preface, or by a server that sends its SETTINGS frame without waiting
 * for it (section 3.4 lets it; node:http2 and grpc-js do).
 */
export const http2: Sniffer = {
  protocol: 'http/2',
  maxBytes: PREFACE.length,
  samples: {
    client: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
    server: [
      '\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\0\x01\0\0',
      '\0\0\x0c\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff',
    ],
  },
  client: (window) => compareBytes(window, 0, PREFACE),
  server: sniffSettings,
}

function sniffSettings(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== 0) return 'no-match'
  if (window.length > 1 && window[1] !== 0) return 'no-match'
  if (window.length > 2 && window[2]! % SETTING_BYTES !== 0) return 'no-match'
  const compared = compareBytes(window, FRAME_HEADER_BYTES - SETTINGS.length, SETTINGS)
  return compared === 'match' && window[2] === 0 ? sniffNextFrame(window) : compared
}

function sniffNextFrame(window: Uint8Array): Sniff {
  const { length } = window
  if (length > FRAME_HEADER_BYTES && window[FRAME_HEADER_BYTES] !== 0) return 'no-match'
  if (length > FRAME_HEADER_BYTES + 1 && window[FRAME_HEADER_BYTES + 1] !== 0) return 'no-match'
  if (length <= NEXT_TYPE) return 'need-more'
  const [least, most] = NEXT_FRAMES.get(window[NEXT_TYPE]!) ?? NEVER
  const bytes = window[NEXT_TYPE - 1]!
  return bytes >= least! && bytes <= most! ? compareBytes(window, NEXT_STREAM, CONNECTION) : 'no-match'
}
