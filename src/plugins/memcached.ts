import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { CR, isDigit, isLetter, isVisible, SPACE } from './ascii.js'
import { uint16 } from './big-endian.js'
import { compareAny } from './compare-any.js'
import { compareBytes, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** protocol.txt, "Keys". */
const MAX_KEY_BYTES = 250
/** A command's name, its key and the space behind it; for storage commands also their numbers. */
const MAX_TEXT_BYTES = 320
/** Flags have 32 bits, times and lengths too, and a cas 64. */
const MAX_DIGITS = 20
/** The longest that `stats` knows, cachedump, has 9 letters. */
const MAX_WORD_BYTES = 16

const HYPHEN = 0x2d
const SLASH = 0x2f
const COLON = 0x3a
const CRLF = latin1Bytes('\r\n')
const KEY = keyBytes()

/** What has to follow a command's name. Commands are in lower case. */
type Arguments =
  'keys' | 'time-and-keys' | 'key-no-number' | 'three-numbers' | 'number' | 'word' | 'line-end' | 'any-end'
interface Command {
  readonly name: Uint8Array
  readonly follows: Arguments
}

// protocol.txt, "Storage commands", "Retrieval command", "Deletion", "Increment/Decrement", "Touch", "Meta Commands", "Statistics".
// Not here: `version`, which Gearman has too, and `stats` without more, which beanstalkd has too. The server's answer tells them.
const COMMANDS: readonly Command[] = [
  ...commands('three-numbers', 'set ', 'add ', 'replace ', 'append ', 'prepend ', 'cas '),
  ...commands('keys', 'get ', 'gets ', 'mg ', 'ma ', 'md ', 'me '),
  ...commands('time-and-keys', 'gat ', 'gats '),
  ...commands('number', 'incr ', 'decr ', 'touch ', 'ms '),
  ...commands('key-no-number', 'delete '),
  ...commands('word', 'stats '),
  ...commands('any-end', 'flush_all'),
  ...commands('line-end', 'mn'),
]

// protocol.txt: answers, without those that others give too, as END, ERROR, or beanstalkd's DELETED and NOT_FOUND.
const ANSWERS = [
  ...['STORED\r\n', 'NOT_STORED\r\n', 'TOUCHED\r\n', 'STAT pid ', 'CLIENT_ERROR ', 'SERVER_ERROR ', 'VALUE '],
].map(latin1Bytes)
const VERSION = latin1Bytes('VERSION ')
const MAX_VERSION_BYTES = 64

/** "Binary Protocol": magic(1) opcode(1) key length(2) extras length(1) data type(1) status(2) body length(4) opaque(4) cas(8). */
const REQUEST = 0x80
const RESPONSE = 0x81
const OPCODE = 1
const EXTRAS_LENGTH = 4
const DATA_TYPE = 5
const STATUS = 6
const BODY_LENGTH = 8
const HEADER_BYTES = 24
/** The highest that has a name for a status: 0x0001 to 0x0006, 0x0020, 0x0021, 0x0081 to 0x0086. */
const MAX_STATUS = 0x86
/** Values have a megabyte unless the server is told otherwise: the first of the four bytes is zero. */
const MAX_BODY_BYTES = 0xff_ffff

/** Of requests by opcode: how many bytes of extras, whether there is a key and whether a value. "Command Opcodes" and "Commands". */
interface Shape {
  readonly extras: readonly number[]
  readonly hasKey: boolean
  readonly hasValue: boolean
}
const SHAPES = requestShapes()

/**
 * memcached, by the client's first command, in text, as a meta command or binary, or by the server's answer (memcached.org,
 * doc/protocol.txt and the wiki's "BinaryProtocolRevamped"). Fact: `version`, where the server says it first.
 */
export const memcached: Sniffer = {
  protocol: 'memcached',
  maxBytes: MAX_TEXT_BYTES,
  samples: {
    client: [
      'set greeting 0 3600 5\r\nhello\r\n',
      'get greeting\r\n',
      'gets one two\r\n',
      'mg greeting v t\r\n',
      'incr counter 1\r\n',
      'stats items\r\n',
      'flush_all\r\n',
      `\x80\x01\0\x03\x08\0\0\0\0\0\0\x0c\0\0\0\x01${'\0'.repeat(8)}\0\0\0\0\0\0\0\0keyv`,
      `\x80\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\x01${'\0'.repeat(8)}`,
    ],
    server: [
      'VERSION 1.6.18\r\n',
      'STORED\r\n',
      'VALUE greeting 0 5\r\nhello\r\nEND\r\n',
      'STAT pid 4711\r\n',
      'CLIENT_ERROR bad data chunk\r\n',
      `\x81\x0b\0\0\0\0\0\0\0\0\0\x06\0\0\0\x01${'\0'.repeat(8)}1.6.18`,
    ],
  },
  client: sniffRequest,
  server: sniffResponse,
}

function sniffRequest(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] === REQUEST) return sniffBinaryRequest(window)
  const end = Math.min(window.length, MAX_TEXT_BYTES)
  const verdict = sniffText(window, end)
  return verdict === 'need-more' && end === MAX_TEXT_BYTES ? 'no-match' : verdict
}

function sniffText(window: Uint8Array, end: number): Sniff {
  let isOpen = false
  for (const { name, follows } of COMMANDS) {
    const compared = compareBytes(window, 0, name, end)
    if (compared === 'match') return sniffArguments(window, name.length, end, follows)
    isOpen ||= compared === 'need-more'
  }
  return isOpen ? 'need-more' : 'no-match'
}

function sniffArguments(window: Uint8Array, at: number, end: number, follows: Arguments): Sniff {
  switch (follows) {
    case 'keys':
      return sniffKeys(window, at, end)
    case 'time-and-keys':
      return sniffTimeAndKeys(window, at, end)
    case 'key-no-number':
      return sniffKeyNoNumber(window, at, end)
    case 'three-numbers':
      return sniffNumbers(window, skipKey(window, at, end), end, 3)
    case 'number':
      return sniffNumbers(window, skipKey(window, at, end), end, 1)
    case 'word':
      return sniffWord(window, at, end)
    case 'any-end':
      return sniffEnd(window, at, end)
    case 'line-end':
      return compareBytes(window, at, CRLF, end)
  }
}

/** Keys, or the flags of a meta command, a space before each but the first, up to the end of the line or of what is looked at. */
function sniffKeys(window: Uint8Array, start: number, end: number): Sniff {
  let at = start
  for (;;) {
    const after = skipKey(window, at, end)
    if (after === ENDED && end === MAX_TEXT_BYTES) return 'match'
    if (after < 0) return unfinished(after)
    if (window[after] !== SPACE) return compareBytes(window, after, CRLF, end)
    at = after + 1
  }
}

function sniffTimeAndKeys(window: Uint8Array, at: number, end: number): Sniff {
  const space = skipNumber(window, at, end)
  if (space < 0) return unfinished(space)
  return window[space] === SPACE ? sniffKeys(window, space + 1, end) : 'no-match'
}

/** A key that is no number, which beanstalkd deletes, and nothing else in the line: SQL has more words there. */
function sniffKeyNoNumber(window: Uint8Array, at: number, end: number): Sniff {
  const after = skipKey(window, at, end)
  if (after < 0) return unfinished(after)
  return isNumber(window, at, after) ? 'no-match' : compareBytes(window, after, CRLF, end)
}

function isNumber(window: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (!isDigit(window[i]!)) return false
  return true
}

/** So many numbers, a space before each. */
function sniffNumbers(window: Uint8Array, from: number, end: number, count: number): Sniff {
  let at = from
  for (let i = 0; i < count; i++) {
    if (at < 0) return unfinished(at)
    if (window[at] !== SPACE) return 'no-match'
    at = skipNumber(window, at + 1, end)
  }
  return at < 0 ? unfinished(at) : sniffEnd(window, at, end)
}

/** What statistics are asked for, as `items` or `slabs`. */
function sniffWord(window: Uint8Array, start: number, end: number): Sniff {
  const last = Math.min(end, start + MAX_WORD_BYTES)
  let at = start
  while (at < last && isLetter(window[at]!)) at++
  if (at >= end) return 'need-more'
  return at === start ? 'no-match' : sniffEnd(window, at, end)
}

/** A space before more, or the end of the line. */
function sniffEnd(window: Uint8Array, at: number, end: number): Sniff {
  if (at >= end) return 'need-more'
  return window[at] === SPACE ? 'match' : compareBytes(window, at, CRLF, end)
}

/** The index behind a key. One that begins with a slash, or has `:/` in it, is HTTP's target behind a method in lower case. */
function skipKey(window: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + MAX_KEY_BYTES + 1)
  for (let at = start; at < last; at++) {
    if (KEY[window[at]!] === 1) continue
    if (window[at] !== SLASH) return at > start && (window[at] === SPACE || window[at] === CR) ? at : WRONG
    if (at === start || window[at - 1] === COLON) return WRONG
  }
  return last > start + MAX_KEY_BYTES ? WRONG : ENDED
}

/** Anything but controls, the space and, to be looked at, the slash. */
function keyBytes(): Uint8Array {
  const set = new Uint8Array(256).fill(1, SPACE + 1)
  set[0x7f] = 0
  set[SLASH] = 0
  return set
}

/** Behind a number, which may be negative: a time in the past. */
function skipNumber(window: Uint8Array, start: number, end: number): number {
  const digits = start < end && window[start] === HYPHEN ? start + 1 : start
  for (let at = digits; at < end; at++) {
    if (isDigit(window[at]!) && at < digits + MAX_DIGITS) continue
    return at > digits && (window[at] === SPACE || window[at] === CR) ? at : WRONG
  }
  return ENDED
}

function sniffBinaryRequest(window: Uint8Array): Sniff {
  if (window.length <= OPCODE) return 'need-more'
  const shape = SHAPES[window[OPCODE]!]
  if (shape === undefined) return 'no-match'
  if (window.length < EXTRAS_LENGTH) return isKeyLength(window) ? 'need-more' : 'no-match'
  const keyBytes = uint16(window, OPCODE + 1)
  if (keyBytes > MAX_KEY_BYTES || keyBytes > 0 !== shape.hasKey) return 'no-match'
  if (window.length === EXTRAS_LENGTH) return 'need-more'
  const extrasBytes = window[EXTRAS_LENGTH]!
  if (!shape.extras.includes(extrasBytes)) return 'no-match'
  if (window.length > DATA_TYPE && window[DATA_TYPE] !== 0) return 'no-match'
  return sniffBodyLength(window, keyBytes + extrasBytes, shape.hasValue)
}

function sniffBinaryResponse(window: Uint8Array): Sniff {
  if (window.length <= OPCODE) return 'need-more'
  if (SHAPES[window[OPCODE]!] === undefined) return 'no-match'
  if (window.length < EXTRAS_LENGTH) return isKeyLength(window) ? 'need-more' : 'no-match'
  const keyBytes = uint16(window, OPCODE + 1)
  if (keyBytes > MAX_KEY_BYTES) return 'no-match'
  if (window.length === EXTRAS_LENGTH) return 'need-more'
  // The flags of a value; nothing else has extras in an answer.
  const extrasBytes = window[EXTRAS_LENGTH]!
  if (extrasBytes !== 0 && extrasBytes !== 4) return 'no-match'
  if (window.length > DATA_TYPE && window[DATA_TYPE] !== 0) return 'no-match'
  if (window.length > STATUS && window[STATUS] !== 0) return 'no-match'
  if (window.length > STATUS + 1 && window[STATUS + 1]! > MAX_STATUS) return 'no-match'
  return sniffBodyLength(window, keyBytes + extrasBytes, true)
}

/** The high byte of a key's length is zero. */
function isKeyLength(window: Uint8Array): boolean {
  return window.length <= OPCODE + 1 || window[OPCODE + 1] === 0
}

function sniffBodyLength(window: Uint8Array, expected: number, hasValue: boolean): Sniff {
  if (window.length > BODY_LENGTH && window[BODY_LENGTH] !== 0) return 'no-match'
  if (window.length < BODY_LENGTH + 4) return 'need-more'
  const bytes = (uint16(window, BODY_LENGTH) << 16) | uint16(window, BODY_LENGTH + 2)
  if (bytes > MAX_BODY_BYTES || bytes < expected) return 'no-match'
  if (bytes > expected && !hasValue) return 'no-match'
  return window.length < HEADER_BYTES ? 'need-more' : 'match'
}

function sniffResponse(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] === RESPONSE) return sniffBinaryResponse(window)
  const answer = compareAny(window, 0, ANSWERS)
  if (answer !== 'no-match') return answer
  const compared = compareBytes(window, 0, VERSION)
  return compared === 'match' ? readVersion(window, VERSION.length) : compared
}

function readVersion(window: Uint8Array, start: number): Sniff {
  if (window.length === start) return 'need-more'
  if (!isDigit(window[start]!)) return 'no-match'
  const last = Math.min(window.length, start + MAX_VERSION_BYTES)
  for (let at = start; at < last; at++) {
    if (window[at] === CR) return { facts: { version: latin1(window, start, at) } }
    if (!isVisible(window[at]!)) return 'match'
  }
  return last < start + MAX_VERSION_BYTES ? 'sure' : 'match'
}

function commands(follows: Arguments, ...names: string[]): Command[] {
  return names.map((name) => ({ name: latin1Bytes(name), follows }))
}

function requestShapes(): readonly (Shape | undefined)[] {
  const shapes = new Array<Shape | undefined>(256).fill(undefined)
  const set = (opcodes: readonly number[], extras: readonly number[], hasKey: boolean, hasValue: boolean) => {
    for (const opcode of opcodes) shapes[opcode] = { extras, hasKey, hasValue }
  }
  set([0x00, 0x04, 0x09, 0x0c, 0x0d, 0x14], [0], true, false) // get, delete, and their quiet kin
  set([0x01, 0x02, 0x03, 0x11, 0x12, 0x13], [8], true, true) // set, add, replace: flags(4) expiration(4)
  set([0x05, 0x06, 0x15, 0x16], [20], true, false) // increment, decrement: amount(8) initial(8) expiration(4)
  set([0x07, 0x0a, 0x0b, 0x17, 0x20], [0], false, false) // quit, noop, version, SASL mechanisms
  set([0x08, 0x18], [0, 4], false, false) // flush: expiration(4)
  set([0x0e, 0x0f, 0x19, 0x1a], [0], true, true) // append, prepend
  set([0x1c, 0x1d, 0x1e, 0x23, 0x24], [4], true, false) // touch, get and touch: expiration(4)
  set([0x21, 0x22], [0], true, true) // SASL authentication
  return shapes
}
