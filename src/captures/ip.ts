import { uint16, uint32 } from './byte-order.js'

/** Where a fragment belongs. */
export interface Fragment {
  readonly id: number
  /** Of the datagram's payload: the byte that it begins with. */
  readonly offset: number
  readonly isLast: boolean
}

/** An IP packet, or a fragment of one, behind all its headers. Addresses and payload are views. */
export interface IpPacket {
  /** Four bytes, or sixteen. */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** What the payload is: a number of IANA's list. Of a later fragment of IPv6: what its first header is. */
  readonly protocol: number
  /** As much as was captured. */
  readonly payload: Uint8Array
  /** Bytes of the payload on the wire: padding of the frame is none of it. */
  readonly length: number
  readonly fragment?: Fragment
}

const MIN_IPV4_HEADER_BYTES = 20
const IPV6_HEADER_BYTES = 40

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION = 60
const MOBILITY = 135
const HOST_IDENTITY = 139
const SHIM6 = 140

/**
 * Reads an IPv4 (RFC 791) or IPv6 (RFC 8200) packet. `wireBytes`: its length on the wire, padding included, which counts where the
 * header does not say one: segmentation offload leaves 0 there. Undefined where it is none, or its headers are not all there.
 */
export function parseIp(bytes: Uint8Array, wireBytes: number): IpPacket | undefined {
  if (bytes.length < MIN_IPV4_HEADER_BYTES) return undefined
  const version = bytes[0]! >> 4
  if (version === 4) return parseIpv4(bytes, wireBytes)
  return version === 6 && bytes.length >= IPV6_HEADER_BYTES ? parseIpv6(bytes, wireBytes) : undefined
}

/** What the extension headers hide, of a datagram that was put together from fragments. */
export function behindExtensions(packet: IpPacket): IpPacket | undefined {
  return stepOver(packet)
}

/** version and header length(1) service(1) total length(2) id(2) flags and offset(2) time(1) protocol(1) checksum(2) addresses(4, 4). */
function parseIpv4(bytes: Uint8Array, wireBytes: number): IpPacket | undefined {
  const headerBytes = (bytes[0]! & 0x0f) * 4
  const totalBytes = Math.min(uint16(bytes, 2) || wireBytes, wireBytes)
  if (headerBytes < MIN_IPV4_HEADER_BYTES || totalBytes < headerBytes) return undefined
  const flagsAndOffset = uint16(bytes, 6)
  const offset = (flagsAndOffset & 0x1fff) * 8
  const isLast = (flagsAndOffset & 0x2000) === 0
  const packet = {
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    protocol: bytes[9]!,
    payload: bytes.subarray(headerBytes, totalBytes),
    length: totalBytes - headerBytes,
  }
  if (offset > 0 || !isLast) return { ...packet, fragment: { id: uint16(bytes, 4), offset, isLast } }
  return packet.protocol === AUTHENTICATION ? stepOver(packet) : packet
}

/** version, class, flow(4) payload length(2) next header(1) hop limit(1) addresses(16, 16). */
function parseIpv6(bytes: Uint8Array, wireBytes: number): IpPacket | undefined {
  const payloadBytes = uint16(bytes, 4)
  const totalBytes = payloadBytes === 0 ? wireBytes : Math.min(IPV6_HEADER_BYTES + payloadBytes, wireBytes)
  if (totalBytes < IPV6_HEADER_BYTES) return undefined
  return stepOver({
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    protocol: bytes[6]!,
    payload: bytes.subarray(IPV6_HEADER_BYTES, totalBytes),
    length: totalBytes - IPV6_HEADER_BYTES,
  })
}

/** Steps over extension headers (RFC 8200 section 4), up to what is none, or to a fragment's. */
function stepOver(packet: IpPacket): IpPacket | undefined {
  const { payload, length } = packet
  let { protocol } = packet
  let at = 0
  while (isExtension(protocol)) {
    if (at + 8 > payload.length) return undefined
    const next = payload[at]!
    if (protocol === FRAGMENT) {
      // next header(1) reserved(1) offset in units of 8 and flags(2) id(4).
      const offsetAndFlags = uint16(payload, at + 2)
      const fragment = {
        id: uint32(payload, at + 4),
        offset: offsetAndFlags & 0xfff8,
        isLast: (offsetAndFlags & 1) === 0,
      }
      const rest = { ...packet, protocol: next, payload: payload.subarray(at + 8), length: length - at - 8 }
      if (fragment.offset > 0 || !fragment.isLast) return { ...rest, fragment }
    }
    at += extensionBytes(protocol, payload[at + 1]!)
    protocol = next
  }
  return at > length ? undefined : { ...packet, protocol, payload: payload.subarray(at), length: length - at }
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
      return true
    default:
      return false
  }
}

/** In units of 8 beyond the first 8; RFC 4302 section 2.2: in units of 4 less 2. */
function extensionBytes(protocol: number, length: number): number {
  if (protocol === FRAGMENT) return 8
  return protocol === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8
}
