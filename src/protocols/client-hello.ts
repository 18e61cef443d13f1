import type { Sniff } from '../core/sniffer.js'
import { uint16, uint24 } from './byte-views.js'
import { readClientHello } from './client-hello-facts.js'

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

/**
 * Recognises a TLS ClientHello (RFC 8446 section 4.1.2, and its forerunners down to SSL 3.0) and reads what a proxy may choose by:
 * `sni`, lower case and without a trailing dot; `alpn`, the protocols offered, in the client's order; `version`, the highest one
 * offered, as `TLSv1.3`; `ja4`, the client's fingerprint; and `ech`, true, where the hello is the outer one of an encrypted hello.
 *
 * From `CLIENT_HELLO_PROOF_BYTES` on it is `sure`. The hello may come in any TCP segments and any TLS records. What turns out
 * malformed or too long is a plain `match`. Names that are no host names are left out; so are ALPN protocols that are not printable
 * ASCII, GREASE (RFC 8701) among them. Of an encrypted hello (ECH) the outer one's facts are given; many clients send something that
 * looks like one where they have no key (RFC 9849 section 6.2), which nobody but the server can tell.
 */
export function sniffClientHello(window: Uint8Array): Sniff {
  const length = window.length
  for (let i = 0; i < length && i < CLIENT_HELLO_PROOF_BYTES; i++) {
    if (!isPossible(window, i)) return 'no-match'
  }
  if (length < CLIENT_HELLO_PROOF_BYTES) return 'need-more'
  const message = findMessage(window)
  if (typeof message === 'string') return message
  const facts = readClientHello(message.bytes, message.at, message.end)
  return facts ? { facts } : 'match'
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
