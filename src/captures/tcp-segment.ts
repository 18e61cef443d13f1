import { uint16, uint32 } from './byte-order.js'

export const TCP = 6

const MIN_HEADER_BYTES = 20

const FIN = 0x01
const SYN = 0x02
const RST = 0x04
const ACK = 0x10

/** A TCP segment. The payload is a view. */
export interface TcpSegment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly isSyn: boolean
  readonly isAck: boolean
  readonly isFin: boolean
  readonly isRst: boolean
  /** As much as was captured. */
  readonly payload: Uint8Array
  /** Bytes of the payload on the wire. */
  readonly length: number
}

/**
 * RFC 9293 section 3.1: ports(2, 2) sequence(4) acknowledgment(4) header length in words(4 bits) flags(12 bits) window(2) checksum(2)
 * urgent(2) options. `length`: of all of it, on the wire. Undefined where it is none, or its header is not there.
 */
export function parseTcp(bytes: Uint8Array, length: number): TcpSegment | undefined {
  if (bytes.length < MIN_HEADER_BYTES) return undefined
  const headerBytes = (bytes[12]! >> 4) * 4
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > length) return undefined
  const flags = bytes[13]!
  return {
    sourcePort: uint16(bytes, 0),
    destinationPort: uint16(bytes, 2),
    sequence: uint32(bytes, 4),
    acknowledgment: uint32(bytes, 8),
    isSyn: (flags & SYN) !== 0,
    isAck: (flags & ACK) !== 0,
    isFin: (flags & FIN) !== 0,
    isRst: (flags & RST) !== 0,
    payload: bytes.subarray(headerBytes),
    length: length - headerBytes,
  }
}

/** How far `a` is ahead of `b`, in a space that wraps around: negative where it is behind. RFC 9293 section 3.4. */
export function sequenceDistance(a: number, b: number): number {
  return (a - b) | 0
}
