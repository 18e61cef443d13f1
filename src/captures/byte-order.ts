/** How a file or a header writes its numbers. Networks are big-endian. */
export type ByteOrder = 'big' | 'little'

export function uint16(bytes: Uint8Array, at: number, order: ByteOrder = 'big'): number {
  const first = bytes[at]!
  const second = bytes[at + 1]!
  return order === 'big' ? (first << 8) | second : (second << 8) | first
}

export function uint32(bytes: Uint8Array, at: number, order: ByteOrder = 'big'): number {
  const high = order === 'big' ? uint16(bytes, at, order) : uint16(bytes, at + 2, order)
  const low = order === 'big' ? uint16(bytes, at + 2, order) : uint16(bytes, at, order)
  return high * 0x1_0000 + low
}
