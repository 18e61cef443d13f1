import type { Sniff, Sniffer } from '../core/sniffer.js'
import { berLengthBytes, readBerLength } from './ber-length.js'
import { int32 } from './big-endian.js'
import { compareBytes, WRONG } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** RFC 4120 section 7.2.2: length(4, big-endian; the message behind it). The high bit is reserved. */
const PREFIX_BYTES = 4
/** Tickets with many groups have up to 64 KiB; no request has 16 MiB. */
const MAX_MESSAGE_BYTES = 0xff_ffff
const MIN_MESSAGE_BYTES = 16

const SEQUENCE = 0x30
/** Section 5.4.1: KDC-REQ begins with pvno [1] INTEGER (5) and msg-type [2] INTEGER. */
const REQUEST_START = Uint8Array.of(0xa1, 0x03, 0x02, 0x01, 0x05, 0xa2, 0x03, 0x02, 0x01)
/** Sections 5.4.2 and 5.9.1: KDC-REP and KRB-ERROR begin with pvno [0] and msg-type [1]. */
const RESPONSE_START = Uint8Array.of(0xa0, 0x03, 0x02, 0x01, 0x05, 0xa1, 0x03, 0x02, 0x01)

/** Section 5.10: the application tag of a message is its type with these bits. */
const APPLICATION = 0x60
const AS_REQ = 10
const AS_REP = 11
const TGS_REQ = 12
const TGS_REP = 13
const KRB_ERROR = 30

/**
 * Kerberos 5 over TCP, RFC 4120 section 7.2.2, by a request to the KDC or by its answer: the lengths of prefix and message have to
 * agree. What is sent to change a password (RFC 3244) is another protocol.
 */
export const kerberos: Sniffer = {
  protocol: 'kerberos',
  // Prefix, a tag and a length, a sequence and its length, and the start with its type.
  maxBytes: PREFIX_BYTES + 6 + 6 + REQUEST_START.length + 1,
  samples: {
    client: [
      `\0\0\0\x20\x6a\x1e\x30\x1c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x10\x30\x0e\xa0\x0c${'\0'.repeat(12)}`,
      '\0\0\x01\x08\x6c\x82\x01\x04\x30\x82\x01\0\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0c\xa3',
    ],
    server: ['\0\0\0\x50\x7e\x4e\x30\x4c\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa4'],
  },
  client: (window) => sniffMessage(window, isRequest, REQUEST_START),
  server: (window) => sniffMessage(window, isResponse, RESPONSE_START),
}

function isRequest(type: number): boolean {
  return type === AS_REQ || type === TGS_REQ
}

function isResponse(type: number): boolean {
  return type === AS_REP || type === TGS_REP || type === KRB_ERROR
}

function sniffMessage(window: Uint8Array, isType: (type: number) => boolean, start: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== 0) return 'no-match'
  if (window.length < PREFIX_BYTES) return 'need-more'
  const bytes = int32(window, 0)
  if (bytes < MIN_MESSAGE_BYTES || bytes > MAX_MESSAGE_BYTES) return 'no-match'
  if (window.length === PREFIX_BYTES) return 'need-more'
  const type = window[PREFIX_BYTES]! ^ APPLICATION
  if (!isType(type)) return 'no-match'

  const end = PREFIX_BYTES + bytes
  const sequence = skipHeader(window, PREFIX_BYTES, end)
  if (sequence < 0) return unfinished(sequence)
  if (sequence >= window.length) return 'need-more'
  if (window[sequence] !== SEQUENCE) return 'no-match'
  const contents = skipHeader(window, sequence, end)
  if (contents < 0) return unfinished(contents)
  const compared = compareBytes(window, contents, start)
  if (compared !== 'match') return compared
  const typeAt = contents + start.length
  if (typeAt >= window.length) return 'need-more'
  return window[typeAt] === type ? 'match' : 'no-match'
}

/** Behind a tag and a length that ends where the message does. */
function skipHeader(window: Uint8Array, tag: number, end: number): number {
  const length = readBerLength(window, tag + 1)
  if (length < 0) return length
  const contents = tag + 1 + berLengthBytes(window[tag + 1]!)
  return contents + length === end ? contents : WRONG
}
