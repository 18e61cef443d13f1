import { indexOfByte, latin1 } from './byte-views.js'
import { crc32c } from './crc32c.js'
import { asIpv6Bytes, formatAsIpv6, formatIpBytes, ipBytes } from './ip-address.js'

// The PROXY protocol, versions 1 and 2. Sections are those of https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt

/** Host and port of one end. IPv4-mapped IPv6 is read as IPv4. */
export interface ProxiedAddress {
  readonly host: string
  readonly port: number
}

/** One type-length-value field of a version 2 header. Section 2.2. */
export interface ProxyTlv {
  readonly type: number
  /** Borrowed from the bytes that were read. */
  readonly value: Uint8Array
}

/** PP2_TYPE_SSL: what the proxy saw of the client's TLS. Section 2.2.6. */
export interface ProxySsl {
  /** The client connected over TLS. */
  readonly isTls: boolean
  /** It presented a certificate: on this connection, or once in the session. */
  readonly hasCertificate: boolean
  /** A certificate was presented, and verified. */
  readonly isVerified: boolean
  /** As in `TLSv1.3`. */
  readonly version?: string
  /** Common name of the client's certificate. */
  readonly commonName?: string
  readonly cipher?: string
  readonly signatureAlgorithm?: string
  readonly keyAlgorithm?: string
}

/** A header as it was read. */
export interface ProxyHeader {
  readonly version: 1 | 2
  /** `local`: the proxy speaks for itself (a health check), and the socket's own addresses hold. */
  readonly command: 'local' | 'proxy'
  /** Both absent for `local`, for UNKNOWN and UNSPEC, and for UNIX sockets. */
  readonly source?: ProxiedAddress
  readonly destination?: ProxiedAddress
  /** Paths of UNIX sockets, empty where they have none. */
  readonly unix?: { readonly source: string; readonly destination: string }
  /** All of them in the order of the header, with those that are read below; without the NOOPs. */
  readonly tlvs: readonly ProxyTlv[]
  readonly alpn?: string
  /** The host name that the client asked for: SNI. */
  readonly authority?: string
  /** Opaque, up to 128 bytes. */
  readonly uniqueId?: Uint8Array
  readonly netns?: string
  readonly ssl?: ProxySsl
}

/** What the bytes at the start of a connection are. */
export type ProxyHeaderRead =
  /** More bytes decide. `isBegun`: the signature is there, so that only a header can come. */
  | { readonly kind: 'need-more'; readonly isBegun: boolean }
  /** No header: the signature is not there. */
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' | 'too-long'; readonly problem: string }
  /** The header is the first `length` bytes. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly length: number }

/** A header that has begun, and what is wrong with it. */
class Malformed extends Error {}

/** Section 2.1: the longest line, its CRLF included. */
export const MAX_V1_BYTES = 107
/** Section 2.2: the fixed part of 16 bytes, and a length of 16 bits. */
export const MAX_V2_BYTES = 16 + 65_535

export const PROXY_V1_SIGNATURE = Buffer.from('PROXY ', 'latin1')
export const PROXY_V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const V2_FIXED_BYTES = 16
/** What may follow `PROXY ` in version 1. */
const V1_FAMILIES = ['TCP4 ', 'TCP6 ', 'UNKNOWN']
const CR = 0x0d
const LF = 0x0a
const MAX_PORT = 65_535
const MAX_UNIQUE_ID_BYTES = 128
const UNIX_PATH_BYTES = 108

/** Family and transport, the 14th byte: the bytes of one address of it. Everything else is to be refused. Section 2.2. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x00, 0], // UNSPEC
  [0x11, 4], // TCP over IPv4
  [0x12, 4], // UDP over IPv4
  [0x21, 16], // TCP over IPv6
  [0x22, 16], // UDP over IPv6
  [0x31, UNIX_PATH_BYTES], // UNIX stream
  [0x32, UNIX_PATH_BYTES], // UNIX datagram
])

/** Section 2.2, "Type-Length-Value". */
const TLV = { alpn: 0x01, authority: 0x02, crc32c: 0x03, noop: 0x04, uniqueId: 0x05, ssl: 0x20, netns: 0x30 } as const
const SSL_TLV = { version: 0x21, commonName: 0x22, cipher: 0x23, signatureAlgorithm: 0x24, keyAlgorithm: 0x25 } as const
const SSL_CLIENT = { tls: 0x01, certOnConnection: 0x02, certInSession: 0x04 } as const

/**
 * Reads a header of either version from the first bytes of a connection. Total: never throws. A header longer than `maxBytes` is
 * `too-long` as soon as it says so. `need-more` never turns into `none` once `isBegun`.
 */
export function readProxyHeader(bytes: Uint8Array, maxBytes: number): ProxyHeaderRead {
  if (bytes.length === 0) return { kind: 'need-more', isBegun: false }
  const isV1 = bytes[0] === PROXY_V1_SIGNATURE[0]
  const signature = isV1 ? PROXY_V1_SIGNATURE : PROXY_V2_SIGNATURE
  const compared = Math.min(bytes.length, signature.length)
  for (let i = 0; i < compared; i++) if (bytes[i] !== signature[i]) return { kind: 'none' }
  if (bytes.length < signature.length) return { kind: 'need-more', isBegun: false }
  try {
    return isV1 ? readV1(bytes, Math.min(maxBytes, MAX_V1_BYTES)) : readV2(bytes, maxBytes)
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', problem: error.message }
    throw error
  }
}

/** A version 1 line. Families that differ are written as IPv6, the IPv4 one mapped, as HAProxy does. */
export function encodeProxyV1(source: ProxiedAddress, destination: ProxiedAddress): Uint8Array {
  const [from, to] = [bytesOf(source.host), bytesOf(destination.host)]
  const isIpv4 = from.length === 4 && to.length === 4
  const format = isIpv4 ? formatIpBytes : formatAsIpv6
  const addresses = `${format(from)} ${format(to)} ${source.port} ${destination.port}`
  return Buffer.from(`PROXY ${isIpv4 ? 'TCP4' : 'TCP6'} ${addresses}\r\n`, 'latin1')
}

/** A version 2 header for a TCP connection, without TLVs. Families as in `encodeProxyV1`. */
export function encodeProxyV2(source: ProxiedAddress, destination: ProxiedAddress): Uint8Array {
  const [from, to] = [bytesOf(source.host), bytesOf(destination.host)]
  const isIpv4 = from.length === 4 && to.length === 4
  const addresses = isIpv4 ? [from, to] : [asIpv6Bytes(from), asIpv6Bytes(to)]
  // version and command (1), family and transport (1), length of what follows (2), addresses, ports (2 each); big-endian.
  const fixed = [0x21, isIpv4 ? 0x11 : 0x21, ...twoBytes(isIpv4 ? 12 : 36)]
  return Buffer.concat([
    PROXY_V2_SIGNATURE,
    Uint8Array.from(fixed),
    ...addresses,
    Uint8Array.from([...twoBytes(source.port), ...twoBytes(destination.port)]),
  ])
}

function bytesOf(host: string): Uint8Array {
  const bytes = ipBytes(host)
  if (bytes === undefined) throw new TypeError(`${host} is not an IP address`)
  return bytes
}

function twoBytes(value: number): [number, number] {
  return [value >> 8, value & 0xff]
}

/** Section 2.1: `PROXY TCP4 SOURCE DESTINATION SOURCEPORT DESTINATIONPORT CRLF`, one space between, or `PROXY UNKNOWN ... CRLF`. */
function readV1(bytes: Uint8Array, maxBytes: number): ProxyHeaderRead {
  const end = endOfLine(bytes, Math.min(bytes.length, maxBytes))
  const text = latin1(bytes, PROXY_V1_SIGNATURE.length, end ?? Math.min(bytes.length, maxBytes))
  if (!V1_FAMILIES.some((family) => text.startsWith(family.slice(0, text.length))))
    throw new Malformed('the family of a version 1 line is none of TCP4, TCP6 and UNKNOWN')
  if (end === undefined) {
    if (bytes.length < maxBytes) return { kind: 'need-more', isBegun: true }
    return { kind: 'too-long', problem: `a version 1 line of more than ${maxBytes} bytes` }
  }
  return { kind: 'header', header: parseV1(text), length: end + 2 }
}

/** Where the first CRLF is. */
function endOfLine(bytes: Uint8Array, end: number): number | undefined {
  for (let at = indexOfByte(bytes, CR, 0); at >= 0 && at + 1 < end; at = indexOfByte(bytes, CR, at + 1))
    if (bytes[at + 1] === LF) return at
  return undefined
}

function parseV1(text: string): ProxyHeader {
  // Whatever follows UNKNOWN is to be ignored; that it is a word of its own is not.
  if (text === 'UNKNOWN' || text.startsWith('UNKNOWN ')) return { version: 1, command: 'proxy', tlvs: [] }
  const fields = text.split(' ')
  if (fields.length !== 5) throw new Malformed(`a version 1 line with ${fields.length + 1} fields, not 6`)
  const [family = '', source = '', destination = '', sourcePort = '', destinationPort = ''] = fields
  return {
    version: 1,
    command: 'proxy',
    source: { host: parseHost(source, family), port: parsePort(sourcePort) },
    destination: { host: parseHost(destination, family), port: parsePort(destinationPort) },
    tlvs: [],
  }
}

function parseHost(text: string, family: string): string {
  const bytes = ipBytes(text)
  if (bytes?.length !== (family === 'TCP4' ? 4 : 16)) throw new Malformed(`an address that is not one of ${family}`)
  return formatIpBytes(bytes)
}

/** Section 2.1: 0 to 65535, no leading zeros. */
function parsePort(text: string): number {
  const port = Number(text)
  if (String(port) !== text || !(port >= 0 && port <= MAX_PORT) || !Number.isInteger(port))
    throw new Malformed('a port that is not a decimal number from 0 to 65535')
  return port
}

/** Section 2.2: signature (12), version and command (1), family and transport (1), length (2), addresses, TLVs; big-endian. */
function readV2(bytes: Uint8Array, maxBytes: number): ProxyHeaderRead {
  const versionAndCommand = bytes[12] ?? 0x20
  if (versionAndCommand >> 4 !== 2)
    throw new Malformed(`version ${versionAndCommand >> 4} under the signature of version 2`)
  const command = versionAndCommand & 0xf
  if (command > 1) throw new Malformed(`command ${command}, which is neither LOCAL nor PROXY`)
  if (bytes.length < V2_FIXED_BYTES) return { kind: 'need-more', isBegun: true }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = V2_FIXED_BYTES + view.getUint16(14)
  const addressBytes = ADDRESS_BYTES.get(bytes[13]!)
  // LOCAL: whatever follows, the family too, is to be discarded.
  if (command === 1) checkAddresses(addressBytes, bytes[13]!, length)
  if (length > maxBytes) return { kind: 'too-long', problem: `a header of ${length} bytes, more than ${maxBytes}` }
  if (bytes.length < length) return { kind: 'need-more', isBegun: true }
  if (command === 0) return { kind: 'header', header: { version: 2, command: 'local', tlvs: [] }, length }
  return { kind: 'header', header: parseV2(bytes.subarray(0, length), addressBytes!), length }
}

function checkAddresses(addressBytes: number | undefined, family: number, length: number): void {
  if (addressBytes === undefined) throw new Malformed(`family and transport 0x${family.toString(16).padStart(2, '0')}`)
  if (length < V2_FIXED_BYTES + addressBlockBytes(addressBytes))
    throw new Malformed('a length that has no room for the addresses')
}

/** Two addresses; IP ones have a port each. */
function addressBlockBytes(addressBytes: number): number {
  return 2 * addressBytes + (addressBytes === 4 || addressBytes === 16 ? 4 : 0)
}

/** `header` is the whole header and nothing else. */
function parseV2(header: Uint8Array, addressBytes: number): ProxyHeader {
  const tlvs = readTlvs(header, V2_FIXED_BYTES + addressBlockBytes(addressBytes))
  verifyChecksum(header, tlvs)
  const kept = tlvs.filter(({ type }) => type !== TLV.noop)
  return { version: 2, command: 'proxy', ...readAddresses(header, addressBytes), tlvs: kept, ...readKnown(kept) }
}

function readAddresses(header: Uint8Array, addressBytes: number): Pick<ProxyHeader, 'source' | 'destination' | 'unix'> {
  const first = header.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes)
  const second = header.subarray(V2_FIXED_BYTES + addressBytes, V2_FIXED_BYTES + 2 * addressBytes)
  if (addressBytes === 0) return {}
  if (addressBytes === UNIX_PATH_BYTES) return { unix: { source: unixPath(first), destination: unixPath(second) } }
  const ports = new DataView(header.buffer, header.byteOffset + V2_FIXED_BYTES + 2 * addressBytes, 4)
  return {
    source: { host: formatIpBytes(first), port: ports.getUint16(0) },
    destination: { host: formatIpBytes(second), port: ports.getUint16(2) },
  }
}

/** Up to the first zero byte. An abstract socket's name begins with one, and is no path. */
function unixPath(bytes: Uint8Array): string {
  const end = indexOfByte(bytes, 0, 0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

/** type(1) length(2) value, from `start` to the end of the bytes. */
function readTlvs(bytes: Uint8Array, start: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = []
  for (let at = start; at < bytes.length;) {
    if (at + 3 > bytes.length) throw new Malformed('a TLV that is cut off')
    const length = (bytes[at + 1]! << 8) | bytes[at + 2]!
    const end = at + 3 + length
    if (end > bytes.length) throw new Malformed('a TLV that is longer than what holds it')
    tlvs.push({ type: bytes[at]!, value: bytes.subarray(at + 3, end) })
    at = end
  }
  return tlvs
}

/** Section 2.2.3: over the whole header, the checksum's own bytes as zeros. */
function verifyChecksum(header: Uint8Array, tlvs: readonly ProxyTlv[]): void {
  const [found, second] = tlvs.filter(({ type }) => type === TLV.crc32c)
  if (found === undefined) return
  const { value } = found
  if (second !== undefined || value.length !== 4) throw new Malformed('a CRC32C that is not 4 bytes, once')
  const at = value.byteOffset - header.byteOffset
  const expected = new DataView(value.buffer, value.byteOffset, 4).getUint32(0)
  if (crc32c(header, at, at + 4) !== expected) throw new Malformed('a CRC32C that does not match')
}

/** Where a type stands twice, the first one holds. */
function readKnown(tlvs: readonly ProxyTlv[]): Pick<ProxyHeader, 'alpn' | 'authority' | 'uniqueId' | 'netns' | 'ssl'> {
  const valueOf = (type: number): Uint8Array | undefined => tlvs.find((tlv) => tlv.type === type)?.value
  const uniqueId = valueOf(TLV.uniqueId)
  if (uniqueId && uniqueId.length > MAX_UNIQUE_ID_BYTES)
    throw new Malformed(`a UNIQUE_ID of more than ${MAX_UNIQUE_ID_BYTES} bytes`)
  const ssl = valueOf(TLV.ssl)
  return {
    ...named('alpn', valueOf(TLV.alpn)),
    ...named('authority', valueOf(TLV.authority)),
    ...named('netns', valueOf(TLV.netns)),
    ...(uniqueId && { uniqueId }),
    ...(ssl && { ssl: readSsl(ssl) }),
  }
}

/** client(1), verify(4): 0 where a certificate was presented and verified; TLVs. */
function readSsl(value: Uint8Array): ProxySsl {
  if (value.length < 5) throw new Malformed('an SSL field that is cut off')
  const client = value[0]!
  const tlvs = readTlvs(value, 5)
  const valueOf = (type: number): Uint8Array | undefined => tlvs.find((tlv) => tlv.type === type)?.value
  const hasCertificate = (client & (SSL_CLIENT.certOnConnection | SSL_CLIENT.certInSession)) !== 0
  return {
    isTls: (client & SSL_CLIENT.tls) !== 0,
    hasCertificate,
    isVerified: hasCertificate && value.subarray(1, 5).every((byte) => byte === 0),
    ...named('version', valueOf(SSL_TLV.version)),
    ...named('commonName', valueOf(SSL_TLV.commonName)),
    ...named('cipher', valueOf(SSL_TLV.cipher)),
    ...named('signatureAlgorithm', valueOf(SSL_TLV.signatureAlgorithm)),
    ...named('keyAlgorithm', valueOf(SSL_TLV.keyAlgorithm)),
  }
}

/** Text is UTF-8 (section 2.2). */
function named<K extends string>(name: K, value: Uint8Array | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [name]: Buffer.from(value).toString('utf8') } as { readonly [P in K]?: string })
}
