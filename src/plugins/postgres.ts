import type { Sniff, Sniffer } from '../core/sniffer.js'
import { DIGITS, LETTERS, SPACE } from './ascii.js'
import { readBounded } from './big-endian.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, skipWhile, WRONG } from './compare-bytes.js'
import { printableText } from './printable-text.js'
import { unfinished } from './unfinished.js'

/** PostgreSQL documentation, "Message Formats": length(4, big-endian; itself included) code(4). A server takes 10,000 bytes. */
const MAX_LENGTH = 10_000
const CODE = 4
const HEADER_BYTES = 8

/** CancelRequest is 80877102, SSLRequest 80877103, GSSENCRequest 80877104: 04 d2 16 and 2e, 2f or 30. */
const REQUEST_CODE = Uint8Array.of(0x04, 0xd2, 0x16)
const CANCEL_CODE = 0x2e
const GSSENC_CODE = 0x30
/** Process id(4) and secret key, of 4 bytes, since protocol 3.2 up to 256. */
const MIN_CANCEL_LENGTH = HEADER_BYTES + 4 + 4
const MAX_CANCEL_LENGTH = HEADER_BYTES + 4 + 256

/** StartupMessage: the version's major number is 3. */
const MAJOR_VERSION = Uint8Array.of(0, 3)
const MINOR_VERSION = 6
/** There are 3.0 and 3.2; a server answers a higher one with what it has, and 3.9999 is reserved to try that. */
const MAX_MINOR_VERSION = 9
const GREASE_VERSION = 9999

/** Name, NUL, value, NUL, ... and a NUL. Names are those of settings. */
const NAME = byteSet(`_.${DIGITS}${LETTERS}`)
const VALUE = valueBytes()
const MAX_NAME_BYTES = 63
/** The only parameter that must be there. Clients send it first or second. */
const USER = latin1Bytes('user')
const DATABASE = latin1Bytes('database')
const MAX_BYTES = 300

/**
 * PostgreSQL, by the client's first message (its documentation, "Message Formats"): StartupMessage of protocol 3, SSLRequest,
 * GSSENCRequest or CancelRequest. The client speaks first; of the server's bytes nothing is compared. Facts: `user`, `database`.
 */
export const postgres: Sniffer = {
  protocol: 'postgres',
  maxBytes: MAX_BYTES,
  samples: {
    client: [
      startup('user\0shop\0database\0orders\0\0'),
      startup('client_encoding\0UTF8\0user\0shop\0\0'),
      '\0\0\0\x08\x04\xd2\x16\x2f',
      '\0\0\0\x08\x04\xd2\x16\x30',
      '\0\0\0\x10\x04\xd2\x16\x2e\0\0\x12\x34\xca\xfe\xba\xbe',
    ],
  },
  client: sniffFirstMessage,
}

function sniffFirstMessage(window: Uint8Array): Sniff {
  const length = readBounded(window, 0, CODE, MAX_LENGTH)
  if (length < 0) return unfinished(length)
  if (length < HEADER_BYTES) return 'no-match'
  if (window.length === CODE) return 'need-more'
  return window[CODE] === REQUEST_CODE[0] ? sniffRequest(window, length) : sniffStartup(window, length)
}

function sniffRequest(window: Uint8Array, length: number): Sniff {
  const isCancel = length >= MIN_CANCEL_LENGTH && length <= MAX_CANCEL_LENGTH
  if (!isCancel && length !== HEADER_BYTES) return 'no-match'
  const compared = compareBytes(window, CODE, REQUEST_CODE)
  if (compared !== 'match') return compared
  if (window.length < HEADER_BYTES) return 'need-more'
  const last = window[HEADER_BYTES - 1]!
  if (isCancel) return last === CANCEL_CODE ? 'match' : 'no-match'
  return last > CANCEL_CODE && last <= GSSENC_CODE ? 'match' : 'no-match'
}

function sniffStartup(window: Uint8Array, length: number): Sniff {
  const compared = compareBytes(window, CODE, MAJOR_VERSION)
  if (compared !== 'match') return compared
  if (window.length <= MINOR_VERSION) return 'need-more'
  const high = window[MINOR_VERSION]!
  if (high !== 0 && high !== GREASE_VERSION >> 8) return 'no-match'
  if (window.length < HEADER_BYTES) return 'need-more'
  const low = window[MINOR_VERSION + 1]!
  if (high === 0 ? low > MAX_MINOR_VERSION : low !== (GREASE_VERSION & 0xff)) return 'no-match'
  return sniffParameters(window, Math.min(length, MAX_BYTES))
}

/** It is PostgreSQL when the name `user` is there. Then the rest, up to `last`, only brings facts. */
function sniffParameters(window: Uint8Array, last: number): Sniff {
  const user = findParameter(window, USER, last)
  if (user < 0) return unfinished(user)
  const userEnd = skipValue(window, user, last)
  const database = userEnd < 0 ? userEnd : findParameter(window, DATABASE, last)
  const databaseEnd = database < 0 ? database : skipValue(window, database, last)
  if (databaseEnd === ENDED) return 'sure'
  return describe(printableText(window, user, userEnd), printableText(window, database, databaseEnd))
}

/** Where the value of a parameter begins; ENDED, or WRONG where it is not among those up to `last`. */
function findParameter(window: Uint8Array, wanted: Uint8Array, last: number): number {
  for (let name = HEADER_BYTES; ;) {
    const nameEnd = skipText(window, name, last, NAME, MAX_NAME_BYTES)
    if (nameEnd < 0) return nameEnd
    if (nameEnd === name) return WRONG
    if (nameEnd - name === wanted.length && compareBytes(window, name, wanted) === 'match') return nameEnd + 1
    const valueEnd = skipValue(window, nameEnd + 1, last)
    if (valueEnd < 0) return valueEnd
    name = valueEnd + 1
  }
}

function skipValue(window: Uint8Array, at: number, last: number): number {
  return skipText(window, at, last, VALUE, MAX_BYTES)
}

/** The index of the NUL behind bytes of `set`; ENDED, or WRONG where there is none up to `last`. */
function skipText(window: Uint8Array, at: number, last: number, set: Uint8Array, most: number): number {
  const end = skipWhile(window, at, Math.min(window.length, last), set, most)
  if (end === ENDED) return window.length < last ? ENDED : WRONG
  return end >= 0 && window[end] !== 0 ? WRONG : end
}

function describe(user: string | undefined, database: string | undefined): Sniff {
  if (user === undefined) return database === undefined ? 'match' : { facts: { database } }
  return { facts: database === undefined ? { user } : { user, database } }
}

/** Anything but controls: names may be in any character set. */
function valueBytes(): Uint8Array {
  const set = new Uint8Array(256).fill(1, SPACE)
  set[0x7f] = 0
  return set
}

function startup(parameters: string): string {
  return `\0\0\0${String.fromCharCode(HEADER_BYTES + parameters.length)}\0\x03\0\0${parameters}`
}
