import type { Facts, Sniff } from '../core/sniffer.js'
import { latin1 } from './byte-views.js'

/** Bytes after which it is certain that a side speaks TLS: a record header (5) and the type of the handshake message (1). */
export const CLIENT_HELLO_PROOF_BYTES = 6

/**
 * A hello that needs more bytes than this, record headers included, is named without facts, at once where its header says so: the
 * default peek window holds no more. Hellos of 2026 take 0.3 to 2 KB, 1.7 KB of it a post-quantum key share.
 */
export const MAX_CLIENT_HELLO_BYTES = 16 * 1024

// RFC 8446 section 5.1: type(1) legacy_record_version(2) length(2), big-endian; length counts what follows and is at most 2^14;
// handshake records are never empty.
const RECORD_HEADER_BYTES = 5
const HANDSHAKE_RECORD = 22
const MAX_FRAGMENT_BYTES = 16_384

// RFC 8446 section 4: msg_type(1) length(3), big-endian; length counts what follows.
const MESSAGE_HEADER_BYTES = 4
const CLIENT_HELLO = 1

// RFC 6066 section 3, RFC 7301 section 3.1.
const SERVER_NAME = 0
const HOST_NAME = 0
const ALPN = 16

/** RFC 1035 section 2.3.4, less the root's dot and length. */
const MAX_HOST_BYTES = 253
const MAX_LABEL_BYTES = 63

/**
 * Recognises a TLS ClientHello (RFC 8446 section 4.1.2, and its forerunners down to SSL 3.0) and reads what a proxy may choose by:
 * `sni`, lower case and without a trailing dot; `alpn`, the protocols offered, in the client's order.
 *
 * From `CLIENT_HELLO_PROOF_BYTES` on it is `sure`. The hello may come in any TCP segments and any TLS records. What turns out
 * malformed, too long or without either fact is a plain `match`. Names that are no host names are left out; so are ALPN protocols
 * that are not printable ASCII, GREASE (RFC 8701) among them. With an encrypted hello (ECH) the outer one's facts are given.
 */
export function sniffClientHello(window: Uint8Array): Sniff {
  const length = window.length
  for (let i = 0; i < length && i < CLIENT_HELLO_PROOF_BYTES; i++) {
    if (!isPossible(window, i)) return 'no-match'
  }
  if (length < CLIENT_HELLO_PROOF_BYTES) return 'need-more'
  const message = findMessage(window)
  return typeof message === 'string' ? message : (readHello(message) ?? 'match')
}

/** Whether the byte at `index` can stand there, those before it being right. */
function isPossible(window: Uint8Array, index: number): boolean {
  const byte = window[index]!
  switch (index) {
    case 0:
      return byte === HANDSHAKE_RECORD
    case 1:
      return byte === 3
    case 2:
      return byte <= 4
    case 3:
      return byte <= MAX_FRAGMENT_BYTES >> 8
    case 4:
      return isFragmentLength((window[3]! << 8) | byte)
    default:
      return byte === CLIENT_HELLO
  }
}

/** Why no ClientHello begins so: of its last byte, the first that is wrong, as a phrase that goes on after it. */
export function whyNoClientHello(window: Uint8Array): string {
  switch (window.length - 1) {
    case 0:
      return `is no handshake record (${HANDSHAKE_RECORD})`
    case 1:
      return 'is no major version 3'
    case 2:
      return 'is no minor version from 0 to 4'
    case 3:
    case 4:
      return `makes no length of a record, 1 to ${MAX_FRAGMENT_BYTES}`
    default:
      return `is no ClientHello (${CLIENT_HELLO})`
  }
}

function isFragmentLength(length: number): boolean {
  return length >= 1 && length <= MAX_FRAGMENT_BYTES
}

/** The handshake message in the bytes from `at` up to `end`, without its header. */
interface Message {
  readonly bytes: Uint8Array
  readonly at: number
  readonly end: number
}

/** Finds the end of the message, walking over record headers only; puts it together where several records hold it. */
function findMessage(window: Uint8Array): Message | 'sure' | 'match' {
  const first = fragmentLength(window, 0)
  if (first >= MESSAGE_HEADER_BYTES && window.length >= RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES) {
    const at = RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES
    const length = uint24(window, RECORD_HEADER_BYTES + 1)
    if (at + length > MAX_CLIENT_HELLO_BYTES) return 'match'
    const end = at + length
    if (end <= RECORD_HEADER_BYTES + first) return end <= window.length ? { bytes: window, at, end } : 'sure'
  }
  return findFragmented(window)
}

function findFragmented(window: Uint8Array): Message | 'sure' | 'match' {
  let held = 0
  let wanted = MESSAGE_HEADER_BYTES
  let messageLength = 0
  for (let record = 0; ;) {
    if (record + RECORD_HEADER_BYTES > window.length) break
    const fragment = fragmentLength(window, record)
    if (fragment < 0) return 'match'
    const body = record + RECORD_HEADER_BYTES
    const here = Math.min(fragment, window.length - body)
    for (let i = held; i < MESSAGE_HEADER_BYTES && i - held < here; i++) {
      if (i > 0) messageLength = (messageLength << 8) | window[body + i - held]!
      if (i === MESSAGE_HEADER_BYTES - 1) wanted += messageLength
    }
    held += here
    if (RECORD_HEADER_BYTES + wanted > MAX_CLIENT_HELLO_BYTES) return 'match'
    if (held >= wanted) return assemble(window, wanted)
    record = body + fragment
  }
  return window.length >= MAX_CLIENT_HELLO_BYTES ? 'match' : 'sure'
}

/** Copies the fragments of the first `length` bytes of handshake into one piece. */
function assemble(window: Uint8Array, length: number): Message {
  const bytes = new Uint8Array(length)
  let at = 0
  for (let record = 0; at < length;) {
    const body = record + RECORD_HEADER_BYTES
    const fragment = fragmentLength(window, record)
    const part = window.subarray(body, body + Math.min(fragment, length - at))
    bytes.set(part, at)
    at += part.length
    record = body + fragment
  }
  return { bytes, at: MESSAGE_HEADER_BYTES, end: length }
}

/** Length of the fragment whose record header stands whole at `at`; -1 where that is no record of a handshake. */
function fragmentLength(window: Uint8Array, at: number): number {
  const length = uint16(window, at + 3)
  const isHandshake = window[at] === HANDSHAKE_RECORD && window[at + 1] === 3 && window[at + 2]! <= 4
  return isHandshake && isFragmentLength(length) ? length : -1
}

/**
 * RFC 8446 section 4.1.2: legacy_version(2) random(32) session_id<0..32> cipher_suites<2..2^16-2> compression_methods<1..2^8-1>
 * extensions<0..2^16-1>; the extensions may be absent before TLS 1.3.
 */
function readHello(message: Message): { readonly facts: Facts } | undefined {
  const { bytes, end } = message
  let at = message.at + 2 + 32
  if (at >= end || bytes[message.at] !== 3) return undefined
  const sessionId = bytes[at]!
  at += 1 + sessionId
  if (sessionId > 32 || at + 2 > end) return undefined
  const cipherSuites = uint16(bytes, at)
  at += 2 + cipherSuites
  if (cipherSuites < 2 || cipherSuites % 2 !== 0 || at + 1 > end) return undefined
  const compressionMethods = bytes[at]!
  at += 1 + compressionMethods
  if (compressionMethods < 1 || at + 2 > end) return undefined
  return at + 2 + uint16(bytes, at) === end ? readExtensions(bytes, at + 2, end) : undefined
}

/** RFC 8446 section 4.2: any number of extension_type(2) extension_data<0..2^16-1>. Of a type given twice, which is forbidden, the first counts. */
function readExtensions(bytes: Uint8Array, start: number, end: number): { readonly facts: Facts } | undefined {
  let sni: string | undefined
  let alpn: string[] | undefined
  for (let at = start; at < end;) {
    if (at + 4 > end) return undefined
    const type = uint16(bytes, at)
    const data = at + 4
    at = data + uint16(bytes, at + 2)
    if (at > end) return undefined
    if (type === SERVER_NAME) sni ??= readServerName(bytes, data, at)
    else if (type === ALPN) alpn ??= readProtocols(bytes, data, at)
  }
  if (alpn === undefined) return sni === undefined ? undefined : { facts: { sni } }
  return { facts: sni === undefined ? { alpn } : { sni, alpn } }
}

/** RFC 6066 section 3: a list<1..2^16-1> of name_type(1) name<1..2^16-1>. The first host_name is given. */
function readServerName(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (start + 2 > end || start + 2 + uint16(bytes, start) !== end) return undefined
  for (let at = start + 2; at + 3 <= end;) {
    const name = at + 3
    const nameEnd = name + uint16(bytes, at + 1)
    if (nameEnd > end) return undefined
    if (bytes[at] === HOST_NAME) return readHostName(bytes, name, nameEnd)
    at = nameEnd
  }
  return undefined
}

/** Letters, digits, hyphens and underscores in labels of 1 to 63 bytes; a trailing dot, which RFC 6066 forbids, is dropped. */
function readHostName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const last = bytes[end - 1] === DOT ? end - 1 : end
  if (last <= start || last - start > MAX_HOST_BYTES) return undefined
  let label = start
  for (let i = start; i <= last; i++) {
    if (i === last || bytes[i] === DOT) {
      if (i === label || i - label > MAX_LABEL_BYTES) return undefined
      label = i + 1
    } else if (!isHostByte(bytes[i]!)) return undefined
  }
  return latin1(bytes, start, last).toLowerCase()
}

const DOT = 0x2e

function isHostByte(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f /* - and _ */
  )
}

/** RFC 7301 section 3.1: a list<2..2^16-1> of name<1..2^8-1>. Undefined where nothing readable is left. */
function readProtocols(bytes: Uint8Array, start: number, end: number): string[] | undefined {
  if (start + 2 > end || start + 2 + uint16(bytes, start) !== end) return undefined
  let protocols: string[] | undefined
  for (let at = start + 2; at < end;) {
    const name = at + 1
    at = name + bytes[at]!
    if (at === name || at > end) return undefined
    if (!isPrintable(bytes, name, at)) continue
    if (protocols === undefined) protocols = []
    protocols.push(latin1(bytes, name, at))
  }
  return protocols
}

function isPrintable(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i]! <= 0x20 || bytes[i]! >= 0x7f) return false
  }
  return true
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}
