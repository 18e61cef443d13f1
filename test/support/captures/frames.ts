import type { ByteOrder } from '../../../src/captures/byte-order.js'
import { bytesOf, number } from './numbers.js'

/** Puts a link layer before an IP packet. */
export type Frame = (packet: Uint8Array) => Uint8Array

function etherType(packet: Uint8Array): number {
  return packet[0]! >> 4 === 4 ? 0x0800 : 0x86dd
}

/** What the tags and the type say: each tag is type(2), before it, and number(2). */
function typesAnd(packet: Uint8Array, tags: readonly number[]): [type: number, rest: Uint8Array] {
  const types = [...tags, etherType(packet)]
  const rest = types.slice(1).flatMap((type, index) => [number(100 + index, 2), number(type, 2)])
  return [types[0]!, bytesOf(...rest, packet)]
}

const MAC_ADDRESSES = Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])

/** `tags`: types of the VLAN tags, the outermost first. Padded to the 60 bytes of the shortest frame. */
export function ethernet(...tags: number[]): Frame {
  return (packet) => {
    const [type, rest] = typesAnd(packet, tags)
    const frame = bytesOf(MAC_ADDRESSES, number(type, 2), rest)
    return bytesOf(frame, new Uint8Array(Math.max(0, 60 - frame.length)).fill(0xee))
  }
}

/** RFC 1042. */
export const ethernetSnap: Frame = (packet) =>
  bytesOf(MAC_ADDRESSES, number(packet.length + 8, 2), [0xaa, 0xaa, 3, 0, 0, 0], number(etherType(packet), 2), packet)

export function linuxCooked(...tags: number[]): Frame {
  return (packet) => {
    const [type, rest] = typesAnd(packet, tags)
    return bytesOf([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], number(type, 2), rest)
  }
}

export function linuxCooked2(...tags: number[]): Frame {
  return (packet) => {
    const [type, rest] = typesAnd(packet, tags)
    return bytesOf(number(type, 2), [0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], rest)
  }
}

export const raw: Frame = (packet) => packet

/** `ipv6Family`: 24, 28 or 30. */
export function loopback(order: ByteOrder, ipv6Family = 24): Frame {
  return (packet) => bytesOf(number(etherType(packet) === 0x0800 ? 2 : ipv6Family, 4, order), packet)
}
