import type { Sniff, Sniffer } from '../core/sniffer.js'
import { isVisible } from './ascii.js'
import { compareBytes } from './compare-bytes.js'

/** All integers are little-endian. MsgHeader: messageLength(4; itself included) requestID(4) responseTo(4) opCode(4). */
const HEADER_BYTES = 16
const RESPONSE_TO = 8
const OP_CODE = 12
/** The first message is a hello, with at most 512 bytes about the client. So the length's two high bytes are zero. */
const MAX_FIRST_MESSAGE_BYTES = 0xffff
const MIN_DOCUMENT_BYTES = 5

/** The low bytes of the opCodes 2004, 2012 and 2013. */
const OP_QUERY = 0xd4
const OP_COMPRESSED = 0xdc
const OP_MSG = 0xdd
/** Their other three. */
const OP_CODE_REST = Uint8Array.of(0x07, 0, 0)

/** flagBits: checksumPresent, moreToCome, exhaustAllowed. Of bits 0 to 15 no other may be set; of the rest none is defined. */
const MSG_FLAGS = 0x0001_0003
/** flags: bits 1 to 7. Bit 0 is reserved. */
const QUERY_FLAGS = 0x0000_00fe
/** The longest namespace, database and collection, that a server takes: 255 bytes since 4.4. */
const MAX_NAMESPACE_BYTES = 255
const DOT = 0x2e
/** noop, snappy, zlib, zstd. */
const MAX_COMPRESSOR = 3

/** Smallest messages: flagBits(4), kind(1) and a document; flags(4), "a.b" NUL, skip(4), return(4) and a document; 9 bytes. */
const MIN_MSG_BYTES = HEADER_BYTES + 4 + 1 + MIN_DOCUMENT_BYTES
const MIN_QUERY_BYTES = HEADER_BYTES + 4 + 4 + 8 + MIN_DOCUMENT_BYTES
const MIN_COMPRESSED_BYTES = HEADER_BYTES + 9
const MIN_MESSAGE_BYTES = Math.min(MIN_MSG_BYTES, MIN_QUERY_BYTES, MIN_COMPRESSED_BYTES)

/**
 * MongoDB, by the client's first message (mongodb.com/docs, "MongoDB Wire Protocol"): OP_MSG, OP_QUERY as drivers still send it for
 * the first hello, or OP_COMPRESSED. The client speaks first; of the server's bytes nothing is compared.
 */
export const mongodb: Sniffer = {
  protocol: 'mongodb',
  maxBytes: HEADER_BYTES + 4 + MAX_NAMESPACE_BYTES + 1,
  samples: {
    client: [
      '\x29\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x14\0\0\0\x10hello\0\x01\0\0\0\0',
      '\x3f\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff\x18\0\0\0\x10isMaster\0\x01\0\0\0\0',
      '\x2f\0\0\0\x02\0\0\0\0\0\0\0\xdc\x07\0\0\xdd\x07\0\0\x20\0\0\0\x02\x78\x9c',
    ],
  },
  client: sniffMessage,
}

function sniffMessage(window: Uint8Array): Sniff {
  if (!hasOnlyBits(window, 0, MAX_FIRST_MESSAGE_BYTES)) return 'no-match'
  if (window.length < 4) return 'need-more'
  const length = int32(window, 0)
  if (length < MIN_MESSAGE_BYTES || !isRequest(window)) return 'no-match'
  if (isCassandraOptions(window, length)) return 'no-match'
  if (window.length <= OP_CODE) return 'need-more'
  const sniffBody = bodyOf(window[OP_CODE]!)
  if (sniffBody === undefined) return 'no-match'
  const compared = compareBytes(window, OP_CODE + 1, OP_CODE_REST)
  return compared === 'match' ? sniffBody(window, length) : compared
}

/**
 * DataStax Enterprise's OPTIONS, 41 or 42 00 00 00 05 00 00 00 00, is whole before a message could be told from it, and its client
 * waits. So it is not taken for one of 65 or 66 bytes with requestID 5: a driver's first message, which describes it, is longer.
 */
function isCassandraOptions(window: Uint8Array, length: number): boolean {
  return (length === 0x41 || length === 0x42) && window.length >= RESPONSE_TO && int32(window, 4) === 5
}

/** A request answers nothing: responseTo is 0, or -1 from older drivers. */
function isRequest(window: Uint8Array): boolean {
  const end = Math.min(window.length, RESPONSE_TO + 4)
  for (let at = RESPONSE_TO; at < end; at++) {
    if (window[at] !== window[RESPONSE_TO] || (window[at] !== 0 && window[at] !== 0xff)) return false
  }
  return true
}

function bodyOf(opCode: number): ((window: Uint8Array, length: number) => Sniff) | undefined {
  if (opCode === OP_MSG) return sniffMsg
  if (opCode === OP_QUERY) return sniffQuery
  return opCode === OP_COMPRESSED ? sniffCompressed : undefined
}

/** flagBits(4), then sections: kind(1; 0 a document, 1 a sequence of them) size(4; itself included). */
function sniffMsg(window: Uint8Array, length: number): Sniff {
  if (length < MIN_MSG_BYTES || !hasOnlyBits(window, HEADER_BYTES, MSG_FLAGS)) return 'no-match'
  const kind = HEADER_BYTES + 4
  if (window.length <= kind) return 'need-more'
  if (window[kind]! > 1) return 'no-match'
  if (window.length < kind + 5) return 'need-more'
  const size = int32(window, kind + 1)
  return size >= MIN_DOCUMENT_BYTES && kind + 1 + size <= length ? 'match' : 'no-match'
}

/** flags(4) namespace(NUL-terminated; database, dot, collection) skip(4) return(4) document. */
function sniffQuery(window: Uint8Array, length: number): Sniff {
  if (length < MIN_QUERY_BYTES || !hasOnlyBits(window, HEADER_BYTES, QUERY_FLAGS)) return 'no-match'
  const start = HEADER_BYTES + 4
  const end = Math.min(window.length, start + MAX_NAMESPACE_BYTES + 1)
  let dot = 0
  for (let at = start; at < end; at++) {
    const byte = window[at]!
    if (byte === 0) return dot > start && dot < at - 1 && at + 9 + MIN_DOCUMENT_BYTES <= length ? 'match' : 'no-match'
    if (!isVisible(byte) && byte < 0x80) return 'no-match'
    if (byte === DOT && dot === 0) dot = at
  }
  return end < start + MAX_NAMESPACE_BYTES + 1 ? 'need-more' : 'no-match'
}

/** originalOpcode(4) uncompressedSize(4) compressorId(1) and the compressed body. */
function sniffCompressed(window: Uint8Array, length: number): Sniff {
  if (length < MIN_COMPRESSED_BYTES) return 'no-match'
  if (window.length <= HEADER_BYTES) return 'need-more'
  const opCode = window[HEADER_BYTES]
  if (opCode !== OP_MSG && opCode !== OP_QUERY) return 'no-match'
  const compared = compareBytes(window, HEADER_BYTES + 1, OP_CODE_REST)
  if (compared !== 'match') return compared
  if (window.length < HEADER_BYTES + 8) return 'need-more'
  const size = int32(window, HEADER_BYTES + 4)
  if (size < MIN_DOCUMENT_BYTES || size > MAX_FIRST_MESSAGE_BYTES) return 'no-match'
  if (window.length === HEADER_BYTES + 8) return 'need-more'
  return window[HEADER_BYTES + 8]! <= MAX_COMPRESSOR ? 'match' : 'no-match'
}

/** True while the bytes that are there of the integer at `at` set no bit outside `mask`. */
function hasOnlyBits(window: Uint8Array, at: number, mask: number): boolean {
  const bytes = Math.min(window.length - at, 4)
  for (let i = 0; i < bytes; i++) {
    if ((window[at + i]! & ~(mask >>> (8 * i)) & 0xff) !== 0) return false
  }
  return true
}

function int32(window: Uint8Array, at: number): number {
  return window[at]! | (window[at + 1]! << 8) | (window[at + 2]! << 16) | (window[at + 3]! << 24)
}
