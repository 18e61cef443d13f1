import type { Sniff, Sniffer } from '../core/sniffer.js'
import { berLengthBytes, readBerLength } from './ber-length.js'
import { ENDED, WRONG } from './compare-bytes.js'
import { MAX_FACT_BYTES, printableText } from './printable-text.js'
import { unfinished } from './unfinished.js'

// RFC 4511 section 4.1.1: LDAPMessage ::= SEQUENCE { messageID INTEGER (0..maxInt), protocolOp CHOICE, controls [0] OPTIONAL }
const SEQUENCE = 0x30
const INTEGER = 0x02
const OCTET_STRING = 0x04
const ENUMERATED = 0x0a
/** maxInt is 2^31 - 1. */
const MAX_ID_BYTES = 4
const SIGN = 0x80
/** The smallest messages: an id of one byte and an operation without contents. */
const MIN_MESSAGE_BYTES = 3 + 2
/** The smallest contents that an operation has: an empty name or OID. */
const MIN_CONTENTS_BYTES = 2
/** A sequence's header, an id, an operation's header, each with the longest length, and a version. */
const MAX_BYTES = 6 + 2 + MAX_ID_BYTES + 6 + 3

/** Section 4.2: BindRequest. LDAPv2 (RFC 1777) and v3. */
const BIND = 0x60
const MIN_VERSION = 2
const MAX_VERSION = 3
/** Section 4.3: UnbindRequest, which is empty. */
const UNBIND = 0x42
/** Sections 4.5 to 4.12: what each request begins with. Search, modify, add, modify DN and compare with a name; extended with an OID. */
const REQUESTS = new Map([
  [0x63, OCTET_STRING],
  [0x66, OCTET_STRING],
  [0x68, OCTET_STRING],
  [0x6c, OCTET_STRING],
  [0x6e, OCTET_STRING],
  [0x77, 0x80],
])
/** Responses: an entry with its name, a reference with a URI, the others with a result code. Section 4.4.1: a notice is extended. */
const RESPONSES = new Map([
  [0x61, ENUMERATED],
  [0x64, OCTET_STRING],
  [0x65, ENUMERATED],
  [0x67, ENUMERATED],
  [0x69, ENUMERATED],
  [0x6b, ENUMERATED],
  [0x6d, ENUMERATED],
  [0x6f, ENUMERATED],
  [0x73, OCTET_STRING],
  [0x78, ENUMERATED],
])

/**
 * LDAP, RFC 4511, by the first message of either side: the lengths of message and operation have to agree. The client speaks first.
 * Fact: `user`, the name of a simple bind.
 */
export const ldap: Sniffer = {
  protocol: 'ldap',
  maxBytes: MAX_BYTES,
  samples: {
    client: [
      '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0',
      '\x30\x1e\x02\x01\x01\x60\x19\x02\x01\x03\x04\x0dcn=admin,dc=a\x80\x05guest',
      '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037',
      '\x30\x84\0\0\0\x25\x02\x01\x02\x63\x84\0\0\0\x1c\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x05class\x30\0',
      '\x30\x05\x02\x01\x03\x42\0',
    ],
    server: [
      '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0',
      '\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x20\x04\0\x04\0',
      '\x30\x09\x02\x01\x01\x64\x04\x04\0\x30\0',
    ],
  },
  client: sniffRequest,
  server: sniffResponse,
}

function sniffRequest(window: Uint8Array): Sniff {
  const operation = skipId(window)
  if (operation < 0) return unfinished(operation)
  if (operation >= window.length) return 'need-more'
  const kind = window[operation]!
  if (kind === UNBIND) return sniffUnbind(window, operation)
  const expected = kind === BIND ? INTEGER : REQUESTS.get(kind)
  if (expected === undefined) return 'no-match'
  const contents = skipHeader(window, operation)
  if (contents < 0) return unfinished(contents)
  if (contents >= window.length) return 'need-more'
  if (window[contents] !== expected) return 'no-match'
  return kind === BIND ? sniffBind(window, contents) : 'match'
}

function sniffResponse(window: Uint8Array): Sniff {
  const operation = skipId(window)
  if (operation < 0) return unfinished(operation)
  if (operation >= window.length) return 'need-more'
  const expected = RESPONSES.get(window[operation]!)
  if (expected === undefined) return 'no-match'
  const contents = skipHeader(window, operation)
  if (contents < 0) return unfinished(contents)
  if (contents >= window.length) return 'need-more'
  if (window[contents] !== expected) return 'no-match'
  if (expected === OCTET_STRING) return 'match'
  if (contents + 1 === window.length) return 'need-more'
  return window[contents + 1] === 1 ? 'match' : 'no-match'
}

/** The index of the operation's tag. */
function skipId(window: Uint8Array): number {
  if (window.length === 0) return ENDED
  if (window[0] !== SEQUENCE) return WRONG
  const length = readBerLength(window, 1)
  if (length < 0) return length
  if (length < MIN_MESSAGE_BYTES) return WRONG
  const id = messageStart(window)
  if (id >= window.length) return ENDED
  if (window[id] !== INTEGER) return WRONG
  if (id + 1 >= window.length) return ENDED
  const bytes = window[id + 1]!
  if (bytes === 0 || bytes > MAX_ID_BYTES) return WRONG
  if (id + 2 >= window.length) return ENDED
  return window[id + 2]! < SIGN ? id + 2 + bytes : WRONG
}

/** The index of the operation's contents, which do not go past the message. */
function skipHeader(window: Uint8Array, operation: number): number {
  const length = readBerLength(window, operation + 1)
  if (length < 0) return length
  const contents = operation + 1 + berLengthBytes(window[operation + 1]!)
  const messageEnd = messageStart(window) + readBerLength(window, 1)
  return length >= MIN_CONTENTS_BYTES && contents + length <= messageEnd ? contents : WRONG
}

function messageStart(window: Uint8Array): number {
  return 1 + berLengthBytes(window[1]!)
}

function sniffUnbind(window: Uint8Array, operation: number): Sniff {
  if (window.length === operation + 1) return 'need-more'
  return window[operation + 1] === 0 ? 'match' : 'no-match'
}

/** version INTEGER (1..127), name LDAPDN, authentication. */
function sniffBind(window: Uint8Array, at: number): Sniff {
  if (at + 1 === window.length) return 'need-more'
  if (window[at + 1] !== 1) return 'no-match'
  if (at + 2 === window.length) return 'need-more'
  const version = window[at + 2]!
  return version >= MIN_VERSION && version <= MAX_VERSION ? readName(window, at + 3) : 'no-match'
}

function readName(window: Uint8Array, at: number): Sniff {
  if (at >= window.length) return 'sure'
  if (window[at] !== OCTET_STRING) return 'match'
  const length = readBerLength(window, at + 1)
  if (length === ENDED) return 'sure'
  if (length <= 0 || length > MAX_FACT_BYTES) return 'match'
  const start = at + 1 + berLengthBytes(window[at + 1]!)
  if (start + length > window.length) return 'sure'
  const user = printableText(window, start, start + length)
  return user === undefined ? 'match' : { facts: { user } }
}
