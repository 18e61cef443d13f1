import type { Sniff, Sniffer } from '../core/sniffer.js'

/**
 * C706 section 12.6.3.1: version(1; 5) minor(1) type(1) flags(1) data representation(4) fragment length(2) authentication length(2)
 * call(4). The integers are in the byte order that the data representation names.
 */
const VERSION = 5
const TYPE = 2
const FLAGS = 3
const REPRESENTATION = 4
const FRAGMENT_LENGTH = 8
const AUTHENTICATION_LENGTH = 10
const HEADER_BYTES = 16

/** C706 section 12.6.4: bind(11) and its answers, bind_ack(12) and bind_nak(13). */
const BIND = 11
const BIND_ACK = 12
const BIND_NAK = 13
/** The first fragment, and the last: a bind is in one (MS-RPCE section 2.2.2.6). */
const WHOLE = 0x03
/** C706 section 14.2.5: integers little-endian or big, characters ASCII, floats IEEE. Two bytes are reserved. */
const LITTLE_ENDIAN = 0x10

/** bind, behind the header: the largest fragments that are sent and taken(2 each) group(4), and contexts(1) reserved(3). */
const MAX_SENT = HEADER_BYTES
const CONTEXTS = HEADER_BYTES + 8
/** Four bytes and one context with one transfer syntax. */
const MIN_BIND_BYTES = CONTEXTS + 4 + 44
/** bind_nak has a reason of two bytes behind the header, bind_ack more. */
const MIN_ANSWER_BYTES = HEADER_BYTES + 2
/** MS-RPCE section 3.3.3.5.4: every implementation takes fragments of this size. */
const MIN_FRAGMENT_BYTES = 1432

/**
 * DCE/RPC over TCP, as Windows services and Samba speak it (C706, "DCE 1.1: Remote Procedure Call", chapter 12; MS-RPCE section 2.2.2):
 * by the client's bind or the server's answer to it, version 5.0. The client speaks first.
 */
export const dcerpc: Sniffer = {
  protocol: 'dcerpc',
  maxBytes: CONTEXTS + 4,
  samples: {
    client: [
      `\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10\0\0\0\0\x01\0\0\0\0\0\x01\0${'\x11'.repeat(40)}`,
      `\x05\0\x0b\x03\0\0\0\0\0\x48\0\0\0\0\0\x01\x10\xb8\x10\xb8\0\0\0\0\x01\0\0\0\0\0\x01\0${'\x11'.repeat(40)}`,
    ],
    server: [
      '\x05\0\x0c\x03\x10\0\0\0\x44\0\0\0\x01\0\0\0\xb8\x10\xb8\x10',
      '\x05\0\x0d\x03\x10\0\0\0\x18\0\0\0\x01\0\0\0\x04\0\x01\x05',
    ],
  },
  client: sniffBind,
  server: sniffAnswer,
}

function sniffBind(window: Uint8Array): Sniff {
  const header = sniffHeader(window, BIND, BIND, MIN_BIND_BYTES)
  if (header !== 'match') return header
  for (let at = MAX_SENT; at < MAX_SENT + 4; at += 2) {
    if (window.length < at + 2) return 'need-more'
    if (integer(window, at) < MIN_FRAGMENT_BYTES) return 'no-match'
  }
  if (window.length <= CONTEXTS) return 'need-more'
  if (window[CONTEXTS] === 0) return 'no-match'
  for (let at = CONTEXTS + 1; at < CONTEXTS + 4; at++) {
    if (at === window.length) return 'need-more'
    if (window[at] !== 0) return 'no-match'
  }
  return 'match'
}

function sniffAnswer(window: Uint8Array): Sniff {
  return sniffHeader(window, BIND_ACK, BIND_NAK, MIN_ANSWER_BYTES)
}

function sniffHeader(window: Uint8Array, type: number, otherType: number, least: number): Sniff {
  const { length } = window
  if (length > 0 && window[0] !== VERSION) return 'no-match'
  if (length > 1 && window[1] !== 0) return 'no-match'
  if (length > TYPE && window[TYPE] !== type && window[TYPE] !== otherType) return 'no-match'
  if (length > FLAGS && (window[FLAGS]! & WHOLE) !== WHOLE) return 'no-match'
  if (length > REPRESENTATION && window[REPRESENTATION] !== LITTLE_ENDIAN && window[REPRESENTATION] !== 0)
    return 'no-match'
  for (let at = REPRESENTATION + 1; at < FRAGMENT_LENGTH; at++) {
    if (at >= length) return 'need-more'
    if (window[at] !== 0) return 'no-match'
  }
  if (length < FRAGMENT_LENGTH + 2) return 'need-more'
  const bytes = integer(window, FRAGMENT_LENGTH)
  if (bytes < least) return 'no-match'
  if (length < AUTHENTICATION_LENGTH + 2) return 'need-more'
  if (integer(window, AUTHENTICATION_LENGTH) > bytes - least) return 'no-match'
  return length < HEADER_BYTES ? 'need-more' : 'match'
}

function integer(window: Uint8Array, at: number): number {
  const first = window[at]!
  const second = window[at + 1]!
  return window[REPRESENTATION] === LITTLE_ENDIAN ? first | (second << 8) : (first << 8) | second
}
