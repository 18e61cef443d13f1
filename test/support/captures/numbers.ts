import type { ByteOrder } from '../../../src/captures/byte-order.js'

/** Bytes of an unsigned number. */
export function number(value: number | bigint, size: 1 | 2 | 4 | 8, order: ByteOrder = 'big'): Uint8Array {
  const bytes = Array.from({ length: size }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 0xffn))
  return Uint8Array.from(order === 'little' ? bytes : bytes.reverse())
}

export function bytesOf(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))))
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
}
