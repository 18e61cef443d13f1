import type { Sniff, Sniffer } from '../core/sniffer.js'
import { isVisible } from './ascii.js'
import { compareBytes } from './compare-bytes.js'

/** All integers are little-endian. MsgHeader: messageLength(4; itself included) requestID(4) responseTo(4) opCode(4). */
const HEADER_BYTES = 16
const RESPONSE_TO = 8
const OP_CODE = 12
/** A hello has at most 512 bytes about the client, and queries are small. So the length's two high bytes are zero. */
const MAX_FIRST_MESSAGE_BYTES = 0xffff
/** A batch has at most the 16 MiB of a document, and the first one far less. So the length's high byte is zero. */
const MAX_ANSWER_BYTES = 0xff_ffff
const MIN_DOCUMENT_BYTES = 5

/** The low bytes of the opCodes 2001, 2002, 2004 to 2006, 2012 and 2013; those below 2012 are gone since 6.0. */
const OP_UPDATE = 0xd1
const OP_INSERT = 0xd2
const OP_QUERY = 0xd4
const OP_GET_MORE = 0xd5
const OP_DELETE = 0xd6
const OP_COMPRESSED = 0xdc
const OP_MSG = 0xdd
/** Their other three. */
const OP_CODE_REST = Uint8Array.of(0x07, 0, 0)
/** The opCode 1. */
const OP_REPLY = Uint8Array.of(1, 0, 0, 0)

/** flagBits: checksumPresent, moreToCome, exhaustAllowed. Of bits 0 to 15 no other may be set; of the rest none is defined. */
const MSG_FLAGS = 0x0001_0003
/** flags: bits 1 to 7. Bit 0 is reserved. */
const QUERY_FLAGS = 0x0000_00fe
/** flags: ContinueOnError. OP_UPDATE, OP_GET_MORE and OP_DELETE have a zero there. */
const INSERT_FLAGS = 1
/** responseFlags: CursorNotFound, QueryFailure, ShardConfigStale, AwaitCapable. */
const REPLY_FLAGS = 0xf
/** The longest namespace, database and collection, that a server takes: 255 bytes since 4.4. */
const MAX_NAMESPACE_BYTES = 255
const DOT = 0x2e
/** noop, snappy, zlib, zstd. */
const MAX_COMPRESSOR = 3

/** Smallest messages: flagBits(4), kind(1) and a document; flags(4), "a.b" NUL, skip(4), return(4) and a document; 9 bytes. */
const MIN_MSG_BYTES = HEADER_BYTES + 4 + 1 + MIN_DOCUMENT_BYTES
const MIN_QUERY_BYTES = HEADER_BYTES + 4 + 4 + 8 + MIN_DOCUMENT_BYTES
const MIN_COMPRESSED_BYTES = HEADER_BYTES + 9
/** flags(4) cursor(8) start(4) returned(4), then documents. */
const REPLY_DOCUMENTS = HEADER_BYTES + 20
/** The smallest other request: zero(4), "a.b" NUL and a document. */
const MIN_INSERT_BYTES = HEADER_BYTES + 4 + 4 + MIN_DOCUMENT_BYTES
const MIN_MESSAGE_BYTES = Math.min(MIN_MSG_BYTES, MIN_COMPRESSED_BYTES)

/**
 * MongoDB, by the client's first message (mongodb.com/docs, "MongoDB Wire Protocol" and "Legacy Opcodes"): OP_MSG, OP_QUERY as
 * drivers still send it for the first hello, OP_COMPRESSED, or an older request; or by the server's OP_REPLY or OP_MSG. The client
 * speaks first.
 */
export const mongodb: Sniffer = {
  protocol: 'mongodb',
  maxBytes: HEADER_BYTES + 4 + MAX_NAMESPACE_BYTES + 1,
  samples: {
    client: [
      '\x29\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x14\0\0\0\x10hello\0\x01\0\0\0\0',
      '\x3f\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff\x18\0\0\0\x10isMaster\0\x01\0\0\0\0',
      '\x2f\0\0\0\x02\0\0\0\0\0\0\0\xdc\x07\0\0\xdd\x07\0\0\x20\0\0\0\x02\x78\x9c',
      '\x2e\0\0\0\x01\0\0\0\0\0\0\0\xd2\x07\0\0\0\0\0\0shop.orders\0\x0e\0\0\0\x10_id\0\x01\0\0\0\0',
    ],
    server: [
      '\x35\0\0\0\x07\0\0\0\x01\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0?\0',
      '\x26\0\0\0\x07\0\0\0\x01\0\0\0\xdd\x07\0\0\0\0\0\0\0\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0?\0',
    ],
  },
  client: sniffRequest,
  server: sniffAnswer,
}

function sniffRequest(window: Uint8Array): Sniff {
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
  switch (opCode) {
    case OP_MSG:
      return sniffMsg
    case OP_QUERY:
      return sniffQuery
    case OP_COMPRESSED:
      return sniffCompressed
    case OP_INSERT:
      return sniffInsert
    case OP_UPDATE:
    case OP_GET_MORE:
    case OP_DELETE:
      return sniffOlder
    default:
      return undefined
  }
}

function sniffAnswer(window: Uint8Array): Sniff {
  if (!hasOnlyBits(window, 0, MAX_ANSWER_BYTES)) return 'no-match'
  if (window.length < 4) return 'need-more'
  const length = int32(window, 0)
  if (length < MIN_MSG_BYTES) return 'no-match'
  if (window.length <= OP_CODE) return 'need-more'
  if (window[OP_CODE] === OP_MSG) {
    const compared = compareBytes(window, OP_CODE + 1, OP_CODE_REST)
    return compared === 'match' ? sniffMsg(window, length) : compared
  }
  const compared = compareBytes(window, OP_CODE, OP_REPLY)
  return compared === 'match' ? sniffReply(window, length) : compared
}

/** responseFlags(4) cursorID(8) startingFrom(4) numberReturned(4) documents. */
function sniffReply(window: Uint8Array, length: number): Sniff {
  if (!hasOnlyBits(window, HEADER_BYTES, REPLY_FLAGS)) return 'no-match'
  if (window.length < REPLY_DOCUMENTS) return 'need-more'
  const returned = int32(window, REPLY_DOCUMENTS - 4)
  if (returned === 0) return length === REPLY_DOCUMENTS ? 'match' : 'no-match'
  if (returned < 0 || returned * MIN_DOCUMENT_BYTES > length - REPLY_DOCUMENTS) return 'no-match'
  return sniffDocument(window, REPLY_DOCUMENTS, length)
}

/** A document begins with its size(4; itself included). */
function sniffDocument(window: Uint8Array, at: number, messageEnd: number): Sniff {
  if (window.length < at + 4) return 'need-more'
  const size = int32(window, at)
  return size >= MIN_DOCUMENT_BYTES && at + size <= messageEnd ? 'match' : 'no-match'
}

/** flagBits(4), then sections: kind(1; 0 a document, 1 a sequence of them) size(4; itself included). */
function sniffMsg(window: Uint8Array, length: number): Sniff {
  if (length < MIN_MSG_BYTES || !hasOnlyBits(window, HEADER_BYTES, MSG_FLAGS)) return 'no-match'
  const kind = HEADER_BYTES + 4
  if (window.length <= kind) return 'need-more'
  if (window[kind]! > 1) return 'no-match'
  return sniffDocument(window, kind + 1, length)
}

/** flags(4) namespace skip(4) return(4) document. */
function sniffQuery(window: Uint8Array, length: number): Sniff {
  return sniffNamespace(window, length, QUERY_FLAGS, MIN_QUERY_BYTES)
}

/** flags(4) namespace document. */
function sniffInsert(window: Uint8Array, length: number): Sniff {
  return sniffNamespace(window, length, INSERT_FLAGS, MIN_INSERT_BYTES)
}

/** zero(4) namespace, then flags(4) and documents, or return(4) and a cursor(8). */
function sniffOlder(window: Uint8Array, length: number): Sniff {
  return sniffNamespace(window, length, 0, MIN_INSERT_BYTES + 4)
}

/** A namespace behind four bytes of flags: database, dot, collection, NUL. `least` is the message's length with one of three letters. */
function sniffNamespace(window: Uint8Array, length: number, flags: number, least: number): Sniff {
  if (length < least || !hasOnlyBits(window, HEADER_BYTES, flags)) return 'no-match'
  const start = HEADER_BYTES + 4
  const end = Math.min(window.length, start + MAX_NAMESPACE_BYTES + 1)
  let dot = 0
  for (let at = start; at < end; at++) {
    const byte = window[at]!
    if (byte === 0) return dot > start && dot < at - 1 && least + at - start - 3 <= length ? 'match' : 'no-match'
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
