/** Decodes the bytes from `start` up to `end`, each to the character of its number. Takes any Uint8Array without wrapping it. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return slice.call(bytes as Buffer, start, end)
}

/** Where `byte` stands next, from `from` on; -1 where it does not. `memchr` underneath, for any Uint8Array. */
export function indexOfByte(bytes: Uint8Array, byte: number, from: number): number {
  return indexOf.call(bytes as Buffer, byte, from)
}

/** Two bytes, big-endian. */
export function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** Three bytes, big-endian. */
export function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
}

// Both are native methods that only need a view of bytes; Buffer.from would allocate one for each call.
const prototype = Buffer.prototype as Buffer & { latin1Slice(start: number, end: number): string }
// eslint-disable-next-line @typescript-eslint/unbound-method -- always called with `call`
const slice = prototype.latin1Slice
// eslint-disable-next-line @typescript-eslint/unbound-method -- always called with `call`
const indexOf = prototype.indexOf as (this: Buffer, byte: number, from: number) => number
