import { ipBytes } from '../../../src/protocols/ip-address.js'
import { bytesOf, number } from './numbers.js'

export interface Ipv4Options {
  readonly protocol?: number
  readonly id?: number
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number
  readonly hasMore?: boolean
  /** Multiple of 4 bytes. */
  readonly options?: Uint8Array
  /** What the header says in place of the truth. */
  readonly totalLength?: number
}

/** RFC 791 section 3.1. The checksum is left 0: readers of captures do not look at it, because of offloading. */
export function ipv4(source: string, destination: string, payload: Uint8Array, how: Ipv4Options = {}): Uint8Array {
  const { protocol = 6, id = 1, fragmentOffset = 0, hasMore = false, options = new Uint8Array(0) } = how
  const headerBytes = 20 + options.length
  return bytesOf(
    [0x40 | (headerBytes / 4), 0],
    number(how.totalLength ?? headerBytes + payload.length, 2),
    number(id, 2),
    number((hasMore ? 0x2000 : 0) | (fragmentOffset / 8), 2),
    [64, protocol, 0, 0],
    ipBytes(source)!,
    ipBytes(destination)!,
    options,
    payload,
  )
}

/** An extension header: its number, and its bytes with the first one, the next header, left to be filled in. */
export interface Extension {
  readonly number: number
  readonly bytes: Uint8Array
}

/** RFC 8200 section 3. */
export function ipv6(
  source: string,
  destination: string,
  payload: Uint8Array,
  extensions: readonly Extension[] = [],
  protocol = 6,
): Uint8Array {
  const chain = extensions.map(({ bytes }, index) =>
    bytesOf([extensions[index + 1]?.number ?? protocol], bytes.subarray(1)),
  )
  const body = bytesOf(...chain, payload)
  return bytesOf(
    [0x60, 0, 0, 0],
    number(body.length, 2),
    [extensions[0]?.number ?? protocol, 64],
    ipBytes(source)!,
    ipBytes(destination)!,
    body,
  )
}

// RFC 8200 sections 4.3 to 4.6, RFC 4302 section 2.
export const HOP_BY_HOP: Extension = { number: 0, bytes: Uint8Array.from([0, 0, 1, 4, 0, 0, 0, 0]) }
export const DESTINATION_OPTIONS: Extension = {
  number: 60,
  bytes: Uint8Array.from([0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
}
/** Type 0, no segments left: it has arrived. */
export const ROUTING: Extension = {
  number: 43,
  bytes: Uint8Array.from([0, 2, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
}
/** With a 12 byte check value: 24 bytes, in units of 4 less 2. */
export const AUTHENTICATION: Extension = {
  number: 51,
  bytes: Uint8Array.from([0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
}

export function fragmentHeader(id: number, offset: number, hasMore: boolean): Extension {
  return { number: 44, bytes: bytesOf([0, 0], number(offset | (hasMore ? 1 : 0), 2), number(id, 4)) }
}

/** The whole payload in pieces of `size` bytes, a multiple of 8, each in a packet of its own. */
export function ipv4Fragments(source: string, destination: string, payload: Uint8Array, size: number, id: number) {
  return pieces(payload, size).map(({ offset, bytes, hasMore }) =>
    ipv4(source, destination, bytes, { id, fragmentOffset: offset, hasMore }),
  )
}

export function ipv6Fragments(source: string, destination: string, payload: Uint8Array, size: number, id: number) {
  return pieces(payload, size).map(({ offset, bytes, hasMore }) =>
    ipv6(source, destination, bytes, [fragmentHeader(id, offset, hasMore)]),
  )
}

function pieces(payload: Uint8Array, size: number) {
  return Array.from({ length: Math.ceil(payload.length / size) }, (_, index) => ({
    offset: index * size,
    bytes: payload.subarray(index * size, (index + 1) * size),
    hasMore: (index + 1) * size < payload.length,
  }))
}
