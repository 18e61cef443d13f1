import type { Sniff, Sniffer } from '../core/sniffer.js'
import { DIGITS, isDigit, LETTERS } from './ascii.js'
import { int32 } from './big-endian.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** thrift-rpc.md, "Framed transport": length(4, big-endian). No frame has 16 MiB unless both sides are told so. */
const FRAME_BYTES = 4
const MAX_FRAME_BYTES = 0xff_ffff
/** The smallest message: compact, with a name of one byte and an empty struct. */
const MIN_FRAME_BYTES = 6

/** thrift-binary-protocol.md, "Message", strict encoding: version(2; 0x8001) unused(1) type(1) name length(4) name. */
const BINARY = Uint8Array.of(0x80, 0x01, 0x00)
const BINARY_NAME = BINARY.length + 1 + 4
/** thrift-compact-protocol.md, "Message": 0x82, type(3 bits) version(5 bits; 1), sequence varint, name length varint, name. */
const COMPACT = 0x82
const COMPACT_VERSION = 1
const MAX_VARINT_BYTES = 5
/** TJSONProtocol: an array of the version 1, the name, the type, the sequence and the arguments. */
const JSON_START = latin1Bytes('[1,"')
const JSON_NAME_END = latin1Bytes('",')
const COMMA = 0x2c
/** A sequence is a signed integer. */
const HYPHEN = 0x2d
/** HeaderFormat.md: the frame begins with 0x0fff, flags(2; zero), sequence(4), header words(2), protocol(varint). */
const HEADER = Uint8Array.of(0x0f, 0xff, 0x00, 0x00)
const HEADER_WORDS = HEADER.length + 4
const HEADER_PROTOCOL = HEADER_WORDS + 2
/** Binary and compact. */
const HEADER_PROTOCOLS = new Set([0, 2])

/** Call, reply, exception, one-way. */
const CALL = 1
const REPLY = 2
const EXCEPTION = 3
const ONE_WAY = 4
/** thrift-idl.md: an identifier; in front of it, with a colon, the service of a multiplexed one. */
const NAME = byteSet(`._:-${DIGITS}${LETTERS}`)
const MAX_NAME_BYTES = 128

/**
 * Apache Thrift, by the first message of either side: binary in its strict encoding or compact, framed or not, with THeader, or JSON
 * (thrift.apache.org, doc/specs). The old binary encoding without a version has nothing to know it by.
 */
export const thrift: Sniffer = {
  protocol: 'thrift',
  maxBytes: FRAME_BYTES + BINARY_NAME + MAX_NAME_BYTES + 4,
  samples: {
    client: [
      '\0\0\0\x11\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0',
      '\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0',
      '\0\0\0\x09\x82\x21\x01\x04ping\0',
      '\x82\x21\x01\x04ping\0',
      '[1,"ping",1,0,{}]',
      '\0\0\0\x1e\x0f\xff\0\0\0\0\0\0\0\x01\0\0\0\0\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0',
    ],
    server: ['\0\0\0\x11\x80\x01\0\x02\0\0\0\x04ping\0\0\0\0\0', '\x82\x41\x01\x04ping\0', '[1,"ping",2,0,{}]'],
  },
  client: (window) => sniffMessage(window, CALL, ONE_WAY),
  server: (window) => sniffMessage(window, REPLY, EXCEPTION),
}

function sniffMessage(window: Uint8Array, type: number, otherType: number): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] === JSON_START[0]) return sniffJson(window, type, otherType)
  if (window[0] !== 0) return sniffStruct(window, 0, MAX_FRAME_BYTES, type, otherType)
  if (window.length < FRAME_BYTES) return 'need-more'
  const bytes = int32(window, 0)
  if (bytes < MIN_FRAME_BYTES || bytes > MAX_FRAME_BYTES) return 'no-match'
  if (window.length === FRAME_BYTES) return 'need-more'
  if (window[FRAME_BYTES] === HEADER[0]) return sniffHeader(window, bytes)
  return sniffStruct(window, FRAME_BYTES, bytes, type, otherType)
}

/** A message of `bytes` at most. */
function sniffStruct(window: Uint8Array, at: number, bytes: number, type: number, otherType: number): Sniff {
  if (window[at] === COMPACT) return sniffCompact(window, at, bytes, type, otherType)
  const compared = compareBytes(window, at, BINARY)
  if (compared !== 'match') return compared
  const typeAt = at + BINARY.length
  if (typeAt === window.length) return 'need-more'
  if (window[typeAt] !== type && window[typeAt] !== otherType) return 'no-match'
  for (let i = typeAt + 1; i < Math.min(typeAt + 4, window.length); i++) if (window[i] !== 0) return 'no-match'
  const name = at + BINARY_NAME
  if (window.length < name) return 'need-more'
  return sniffName(window, name, window[name - 1]!, at + bytes)
}

function sniffCompact(window: Uint8Array, at: number, bytes: number, type: number, otherType: number): Sniff {
  if (at + 1 === window.length) return 'need-more'
  const typeAndVersion = window[at + 1]!
  if ((typeAndVersion & 0x1f) !== COMPACT_VERSION) return 'no-match'
  if (typeAndVersion >> 5 !== type && typeAndVersion >> 5 !== otherType) return 'no-match'
  const length = skipVarint(window, at + 2)
  if (length < 0) return unfinished(length)
  return length >= window.length ? 'need-more' : sniffName(window, length + 1, window[length]!, at + bytes)
}

/** The index behind an integer of 7 bits a byte, the high bit of all but its last byte set. */
function skipVarint(window: Uint8Array, start: number): number {
  for (let at = start; at < start + MAX_VARINT_BYTES; at++) {
    if (at >= window.length) return ENDED
    if (window[at]! < 0x80) return at + 1
  }
  return WRONG
}

function sniffName(window: Uint8Array, start: number, length: number, messageEnd: number): Sniff {
  if (length === 0 || length > MAX_NAME_BYTES || start + length > messageEnd) return 'no-match'
  for (let at = start; at < start + length; at++) {
    if (at >= window.length) return 'need-more'
    if (NAME[window[at]!] === 0) return 'no-match'
  }
  return 'match'
}

function sniffHeader(window: Uint8Array, bytes: number): Sniff {
  const compared = compareBytes(window, FRAME_BYTES, HEADER)
  if (compared !== 'match') return compared
  const words = FRAME_BYTES + HEADER_WORDS
  if (window.length > words && window[words] !== 0) return 'no-match'
  if (window.length < words + 2) return 'need-more'
  const size = window[words + 1]! * 4
  if (size === 0 || HEADER_PROTOCOL + size >= bytes) return 'no-match'
  if (window.length === words + 2) return 'need-more'
  return HEADER_PROTOCOLS.has(window[words + 2]!) ? 'match' : 'no-match'
}

function sniffJson(window: Uint8Array, type: number, otherType: number): Sniff {
  const compared = compareBytes(window, 0, JSON_START)
  if (compared !== 'match') return compared
  let at = JSON_START.length
  while (at < window.length && NAME[window[at]!] === 1) {
    if (++at - JSON_START.length > MAX_NAME_BYTES) return 'no-match'
  }
  if (at === window.length) return 'need-more'
  if (at === JSON_START.length) return 'no-match'
  const end = compareBytes(window, at, JSON_NAME_END)
  if (end !== 'match') return end
  const typeAt = at + JSON_NAME_END.length
  if (typeAt >= window.length) return 'need-more'
  const digit = window[typeAt]! - 0x30
  if (digit !== type && digit !== otherType) return 'no-match'
  if (typeAt + 1 >= window.length) return 'need-more'
  if (window[typeAt + 1] !== COMMA) return 'no-match'
  if (typeAt + 2 >= window.length) return 'need-more'
  return isDigit(window[typeAt + 2]!) || window[typeAt + 2] === HYPHEN ? 'match' : 'no-match'
}
