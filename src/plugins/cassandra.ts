import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, DIGITS, isPrintable, LF, TAB } from './ascii.js'
import { readBounded } from './big-endian.js'
import { byteSet, ENDED, skipWhile } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** CQL binary protocol v3 to v5, section 2 (v5: 2.4.1): version(1) flags(1) stream(2) opcode(1) length(4), big-endian. */
const FLAGS = 1
const STREAM = 2
const OPCODE = 4
const LENGTH = 5
const BODY = 9
/** Requests have the high bit clear. 0x41 and 0x42 are those of DataStax Enterprise, which its drivers try before Cassandra's. */
const V5 = 0x05
const VERSIONS = new Map<number, Sniff>([
  [0x03, { facts: { version: '3' } }],
  [0x04, { facts: { version: '4' } }],
  [V5, { facts: { version: '5' } }],
  [0x41, { facts: { version: 'DSE 1' } }],
  [0x42, { facts: { version: 'DSE 2' } }],
])
/** Section 2.2 (v5: 2.4.1.2): USE_BETA. No other flag stands on a first frame: compression begins after STARTUP. */
const FLAG_BETA = 0x10
/** Section 2.4 (v5: 2.4.1.4). QUERY and PREPARE begin what is left of a connection whose beginning was not seen. */
const STARTUP = 0x01
const OPTIONS = 0x05
const QUERY = 0x07
const PREPARE = 0x09

/** Section 4.1.1: a string map with CQL_VERSION in it: count(2), then length(2) and text of each name and value. */
const MIN_STARTUP_BYTES = 2 + 2 + 'CQL_VERSION'.length + 2 + '3.0.0'.length
/** Bounds of ours: drivers send a few options, and a server takes no frame of 256 MiB. */
const MAX_STARTUP_BYTES = 0xffff
const MAX_STATEMENT_BYTES = 0x0fff_ffff
const MAX_OPTIONS = 32
const NAME = byteSet(`_${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZ`)
const MAX_NAME_BYTES = 32
/**
 * Sections 4.1.4 and 4.1.5: a long string, length(4) and text, and for QUERY its parameters. No statement is shorter than USE and a
 * space, and as much of it is compared: CQL is written in printable characters, tabs and line ends.
 */
const STATEMENT_BYTES = 4
const STATEMENT = statementBytes()

/**
 * Cassandra's CQL binary protocol v3 to v5, and DataStax Enterprise's, by the client's first frame: OPTIONS, STARTUP with its first
 * option's name, or QUERY and PREPARE with a statement. The client speaks first; of the server's bytes nothing is compared.
 * Fact: `version` of the protocol.
 */
export const cassandra: Sniffer = {
  protocol: 'cassandra',
  maxBytes: BODY + 2 + 2 + MAX_NAME_BYTES,
  samples: {
    client: [
      '\x05\0\0\0\x05\0\0\0\0',
      '\x42\0\0\0\x05\0\0\0\0',
      '\x04\0\0\x01\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0',
      '\x03\0\0\x02\x07\0\0\0\x1b\0\0\0\x14SELECT * FROM users;\0\x01\0',
    ],
  },
  client: sniffFrame,
}

function sniffFrame(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  const verdict = VERSIONS.get(window[0]!)
  if (verdict === undefined || !hasFirstFlags(window) || !hasStream(window)) return 'no-match'
  if (window.length <= OPCODE) return 'need-more'
  const sniffed = sniffMessage(window)
  return sniffed === 'match' ? verdict : sniffed
}

function hasFirstFlags(window: Uint8Array): boolean {
  if (window.length <= FLAGS) return true
  return window[FLAGS] === 0 || (window[FLAGS] === FLAG_BETA && window[0] === V5)
}

/** Section 2.3 (v5: 2.4.1.3): a client's is not negative. */
function hasStream(window: Uint8Array): boolean {
  return window.length <= STREAM || window[STREAM]! < 0x80
}

function sniffMessage(window: Uint8Array): Sniff {
  const opcode = window[OPCODE]
  if (opcode === OPTIONS) return sniffEmpty(window)
  if (opcode === STARTUP) return sniffStartup(window)
  // Past STARTUP, v5 wraps its frames.
  const isStatement = opcode === QUERY || opcode === PREPARE
  return isStatement && window[0] !== V5 ? sniffStatement(window) : 'no-match'
}

/** Section 4.1.3: OPTIONS has no body. */
function sniffEmpty(window: Uint8Array): Sniff {
  for (let at = LENGTH; at < BODY; at++) {
    if (at === window.length) return 'need-more'
    if (window[at] !== 0) return 'no-match'
  }
  return 'match'
}

function sniffStartup(window: Uint8Array): Sniff {
  const length = readBounded(window, LENGTH, 4, MAX_STARTUP_BYTES)
  if (length < 0) return unfinished(length)
  if (length < MIN_STARTUP_BYTES) return 'no-match'
  const count = readBounded(window, BODY, 2, MAX_OPTIONS)
  if (count <= 0) return unfinished(count)
  const name = BODY + 4
  const nameLength = readBounded(window, BODY + 2, 2, MAX_NAME_BYTES)
  if (nameLength <= 0) return unfinished(nameLength)
  const end = name + nameLength
  const skipped = skipWhile(window, name, Math.min(window.length, end), NAME, MAX_NAME_BYTES)
  if (skipped !== ENDED) return 'no-match'
  return window.length < end ? 'need-more' : 'match'
}

function sniffStatement(window: Uint8Array): Sniff {
  const length = readBounded(window, LENGTH, 4, MAX_STATEMENT_BYTES)
  if (length < 0) return unfinished(length)
  if (length < 4 + STATEMENT_BYTES) return 'no-match'
  const text = readBounded(window, BODY, 4, length - 4)
  if (text < 0) return unfinished(text)
  if (text < STATEMENT_BYTES) return 'no-match'
  const start = BODY + 4
  const skipped = skipWhile(window, start, Math.min(window.length, start + STATEMENT_BYTES), STATEMENT, STATEMENT_BYTES)
  if (skipped !== ENDED) return 'no-match'
  return window.length < start + STATEMENT_BYTES ? 'need-more' : 'match'
}

function statementBytes(): Uint8Array {
  const set = new Uint8Array(256)
  for (let byte = 0; byte < set.length; byte++) set[byte] = isPrintable(byte) || isBlank(byte) ? 1 : 0
  return set
}

function isBlank(byte: number): boolean {
  return byte === TAB || byte === LF || byte === CR
}
