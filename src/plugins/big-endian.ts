import { ENDED, WRONG } from './compare-bytes.js'

/**
 * The unsigned integer of up to 4 bytes at `at`, most significant byte first; `ENDED` where the window ends before it, and `WRONG`
 * from the first byte on that makes it more than `most`, a number below 2^31.
 */
export function readBounded(window: Uint8Array, at: number, bytes: number, most: number): number {
  let value = 0
  for (let i = 0; i < bytes; i++) {
    if (at + i >= window.length) return ENDED
    value = (value << 8) | window[at + i]!
    if (value > most >>> (8 * (bytes - 1 - i))) return WRONG
  }
  return value
}

/** The unsigned 16-bit integer at `at`, most significant byte first. The window must hold it. */
export function uint16(window: Uint8Array, at: number): number {
  return (window[at]! << 8) | window[at + 1]!
}

/** The signed 32-bit integer at `at`, most significant byte first. The window must hold it. */
export function int32(window: Uint8Array, at: number): number {
  return (window[at]! << 24) | (window[at + 1]! << 16) | (window[at + 2]! << 8) | window[at + 3]!
}
