import type { Sniff, Sniffer } from '../core/sniffer.js'
import { uint16 } from './big-endian.js'

/** RFC 1035 section 4.2.2: length(2; the message behind it). */
const PREFIX_BYTES = 2
/** RFC 1035 section 4.1.1: id(2) flags(2) and four counts of 2 bytes, all big-endian. */
const HEADER_BYTES = 12
const FLAGS = PREFIX_BYTES + 2
const COUNTS = PREFIX_BYTES + 4
const QUESTION = PREFIX_BYTES + HEADER_BYTES
/** A root's name, a type and a class. */
const MIN_MESSAGE_BYTES = HEADER_BYTES + 5
/**
 * What begins as a SOCKS 5 greeting, with fewer methods than a DNS header has bytes, is left to that (RFC 1928 section 3): its client
 * waits for an answer, and would wait in vain. Messages of exactly 1281 to 1291 bytes are the price.
 */
const LEAST_SOCKS5 = 0x0501
const MOST_SOCKS5 = 0x050b

/** RFC 1035 section 4.1.1, RFC 4035 section 3.2: QR opcode(4) AA TC RD, RA Z AD CD rcode(4). */
const IS_ANSWER = 0x80
/** What a query leaves at zero, in its two bytes: TC, and RA, Z and the code. AA is said by those that notify (RFC 1996). */
const NOT_IN_QUERY = [0x02, 0xcf]
const Z = 0x40
/** QUERY, and NOTIFY (RFC 1996). Others are not for the question of a resolver. */
const OPCODES = new Set([0, 4])

/** Of answers, authorities and more in a query: the SOA of IXFR (RFC 1995) or NOTIFY, and OPT, TSIG and SIG(0). */
const MOST_IN_QUERY = [1, 1, 1, 3]
/** More than these does not go into a message of 64 KiB together with its own name. */
const MOST_IN_ANSWER = [1, 4096, 4096, 4096]

/** RFC 1035 section 3.1: labels, each a length and at most 63 bytes, 255 together. A question has no pointer. */
const MAX_LABEL_BYTES = 63
const MAX_NAME_BYTES = 255
/** RFC 6895 section 3.2: Internet, Chaos, Hesiod, and any. */
const CLASSES = new Set([1, 3, 4, 255])

/**
 * DNS over TCP, RFC 1035 section 4.2.2 and RFC 7766, by the first message of either side: its header, and its one question up to
 * the class. The client speaks first. Updates (RFC 2136) and stateful operations (RFC 8490) are not recognised.
 */
export const dns: Sniffer = {
  protocol: 'dns',
  maxBytes: QUESTION + MAX_NAME_BYTES + 4,
  samples: {
    client: [
      '\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01',
      '\0\x1c\x12\x34\x01\x20\0\x01\0\0\0\0\0\x01\0\0\x06\0\x01\0\0\x29\x10\0\0\0\0\0\0\0',
      '\0\x1d\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\xfc\0\x01',
    ],
    server: [
      '\0\x2d\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\x01\0\0\x04\xc0\0\x02\x01',
      '\0\x1d\x12\x34\x81\x83\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01',
    ],
  },
  client: (window) => sniffMessage(window, false),
  server: (window) => sniffMessage(window, true),
}

function sniffMessage(window: Uint8Array, isAnswer: boolean): Sniff {
  const { length } = window
  if (length < PREFIX_BYTES) return 'need-more'
  const bytes = uint16(window, 0)
  if (bytes < MIN_MESSAGE_BYTES || (bytes >= LEAST_SOCKS5 && bytes <= MOST_SOCKS5)) return 'no-match'
  if (length > FLAGS && !isFirstFlags(window[FLAGS]!, isAnswer)) return 'no-match'
  if (length > FLAGS + 1 && (window[FLAGS + 1]! & (isAnswer ? Z : NOT_IN_QUERY[1]!)) !== 0) return 'no-match'
  const most = isAnswer ? MOST_IN_ANSWER : MOST_IN_QUERY
  for (let i = 0; i < 4; i++) {
    const at = COUNTS + 2 * i
    if (length > at && window[at]! > most[i]! >> 8) return 'no-match'
    if (length <= at + 1) return 'need-more'
    const count = uint16(window, at)
    if (count > most[i]! || (i === 0 && count === 0)) return 'no-match'
  }
  return sniffQuestion(window, PREFIX_BYTES + bytes)
}

function isFirstFlags(flags: number, isAnswer: boolean): boolean {
  if ((flags & IS_ANSWER) !== (isAnswer ? IS_ANSWER : 0)) return false
  if (!isAnswer && (flags & NOT_IN_QUERY[0]!) !== 0) return false
  return OPCODES.has((flags >> 3) & 0xf)
}

/** name, type(2), class(2). */
function sniffQuestion(window: Uint8Array, messageEnd: number): Sniff {
  let at = QUESTION
  for (;;) {
    if (at >= window.length) return 'need-more'
    const label = window[at]!
    if (label > MAX_LABEL_BYTES) return 'no-match'
    at += 1 + label
    if (at - QUESTION > MAX_NAME_BYTES || at + 4 > messageEnd) return 'no-match'
    if (label === 0) break
  }
  if (window.length > at + 2 && window[at + 2] !== 0) return 'no-match'
  if (window.length < at + 4) return 'need-more'
  if (uint16(window, at) === 0) return 'no-match'
  return CLASSES.has(window[at + 3]!) ? 'match' : 'no-match'
}
