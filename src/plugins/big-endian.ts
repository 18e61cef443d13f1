/** The unsigned 16-bit integer at `at`, most significant byte first. The window must hold it. */
export function uint16(window: Uint8Array, at: number): number {
  return (window[at]! << 8) | window[at + 1]!
}

/** The signed 32-bit integer at `at`, most significant byte first. The window must hold it. */
export function int32(window: Uint8Array, at: number): number {
  return (window[at]! << 24) | (window[at + 1]! << 16) | (window[at + 2]! << 8) | window[at + 3]!
}
