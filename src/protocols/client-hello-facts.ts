import type { Facts } from '../core/sniffer.js'
import { latin1, uint16 } from './byte-views.js'
import { type ByteRange, isGrease, ja4 } from './ja4.js'

// RFC 6066 section 3, RFC 8446 section 4.2.3, RFC 7301 section 3.1, RFC 8446 section 4.2.1, RFC 9849 section 5.
const SERVER_NAME = 0
const HOST_NAME = 0
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const SUPPORTED_VERSIONS = 43
const ENCRYPTED_CLIENT_HELLO = 0xfe0d
const OUTER = 0

/** RFC 8446 section 4.1.2: what `legacy_version` says at most. */
const TLS_1_2 = 0x0303
/** As OpenSSL, and after it `node:tls`, names them. */
const TLS_1_3 = 'TLSv1.3'
const VERSION_NAMES = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', TLS_1_3]
/** Drafts of TLS 1.3 had 0x7f and their number (draft-ietf-tls-tls13-28 section 4.2.1.1). */
const DRAFT_MAJOR = 0x7f

/** Extensions of one hello: of a few dozen defined. One with more is named without facts. */
const MAX_EXTENSIONS = 256

/** RFC 1035 section 2.3.4, less the root's dot and length. */
const MAX_HOST_BYTES = 253
const MAX_LABEL_BYTES = 63

/**
 * RFC 8446 section 4.1.2: legacy_version(2) random(32) session_id<0..32> cipher_suites<2..2^16-2> compression_methods<1..2^8-1>
 * extensions<0..2^16-1>; the extensions may be absent before TLS 1.3. The bytes from `start` up to `end` are the message without its
 * header. Undefined where it is malformed.
 */
export function readClientHello(bytes: Uint8Array, start: number, end: number): Facts | undefined {
  let at = start + 2 + 32
  if (at >= end || bytes[start] !== 3) return undefined
  const sessionId = bytes[at]!
  at += 1 + sessionId
  if (sessionId > 32 || at + 2 > end) return undefined
  const cipherSuites = { start: at + 2, end: at + 2 + uint16(bytes, at) }
  at = cipherSuites.end
  if (at - cipherSuites.start < 2 || (at - cipherSuites.start) % 2 !== 0 || at + 1 > end) return undefined
  const compressionMethods = bytes[at]!
  at += 1 + compressionMethods
  if (compressionMethods < 1 || (at !== end && at + 2 > end)) return undefined
  if (at !== end && at + 2 + uint16(bytes, at) !== end) return undefined
  return readExtensions(bytes, uint16(bytes, start), cipherSuites, Math.min(at + 2, end), end)
}

/** Types of the extensions of the hello that is being read. */
const extensions = new Uint16Array(MAX_EXTENSIONS)
const NOWHERE: ByteRange = { start: 0, end: 0 }

/** RFC 8446 section 4.2: any number of extension_type(2) extension_data<0..2^16-1>. Of a type given twice, which is forbidden, the first counts. */
function readExtensions(
  bytes: Uint8Array,
  legacyVersion: number,
  cipherSuites: ByteRange,
  start: number,
  end: number,
): Facts | undefined {
  let serverName: ByteRange | undefined
  let protocols: ByteRange | undefined
  let versions: ByteRange | undefined
  let algorithms: ByteRange | undefined
  let isOuter = false
  let count = 0
  for (let at = start; at < end;) {
    if (at + 4 > end || count === MAX_EXTENSIONS) return undefined
    const type = uint16(bytes, at)
    const data = at + 4
    at = data + uint16(bytes, at + 2)
    if (at > end) return undefined
    extensions[count++] = type
    if (type === SERVER_NAME) serverName ??= { start: data, end: at }
    else if (type === ALPN) protocols ??= { start: data, end: at }
    else if (type === SUPPORTED_VERSIONS) versions ??= { start: data, end: at }
    else if (type === SIGNATURE_ALGORITHMS) algorithms ??= listOf16(bytes, data, at)
    else if (type === ENCRYPTED_CLIENT_HELLO) isOuter ||= at > data && bytes[data] === OUTER
  }
  const offered = versions && highestVersion(bytes, versions)
  const version = versionName(offered ?? Math.min(legacyVersion, TLS_1_2))
  const sni = serverName && readServerName(bytes, serverName.start, serverName.end)
  const alpn = protocols && readProtocols(bytes, protocols.start, protocols.end)
  const fingerprint = ja4({
    version: offered ?? legacyVersion,
    hasServerName: serverName !== undefined,
    bytes,
    cipherSuites,
    firstProtocol: protocols ? firstProtocolOf(bytes, protocols) : NOWHERE,
    signatureAlgorithms: algorithms ?? NOWHERE,
    extensions,
    extensionCount: count,
  })
  const facts: Record<string, Facts[string]> = {}
  if (sni !== undefined) facts.sni = sni
  if (alpn !== undefined) facts.alpn = alpn
  if (version !== undefined) facts.version = version
  facts.ja4 = fingerprint
  if (isOuter) facts.ech = true
  return facts
}

/** A list<2..2^16-2> of 16-bit numbers; undefined where it is not one. */
function listOf16(bytes: Uint8Array, start: number, end: number): ByteRange | undefined {
  if (start + 2 > end || start + 2 + uint16(bytes, start) !== end) return undefined
  return { start: start + 2, end }
}

/** RFC 8446 section 4.2.1: a list<2..254> of versions, the client's favourite first. */
function highestVersion(bytes: Uint8Array, { start, end }: ByteRange): number | undefined {
  if (start + 1 > end || start + 1 + bytes[start]! !== end) return undefined
  let highest: number | undefined
  for (let at = start + 1; at + 1 < end; at += 2) {
    const version = uint16(bytes, at)
    if (!isGrease(version) && version > (highest ?? 0)) highest = version
  }
  return highest
}

function versionName(version: number): string | undefined {
  if (version >> 8 === DRAFT_MAJOR) return TLS_1_3
  return version >> 8 === 3 ? VERSION_NAMES[version & 0xff] : undefined
}

/** Whole or not, the first protocol of the list. */
function firstProtocolOf(bytes: Uint8Array, { start, end }: ByteRange): ByteRange {
  const name = start + 3
  return name > end || name + bytes[start + 2]! > end ? NOWHERE : { start: name, end: name + bytes[start + 2]! }
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
