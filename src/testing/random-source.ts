/** Random numbers that come again with the same seed, so that a violation can be reproduced. */
export interface RandomSource {
  /** An integer from 0 up to, but without, `below`. */
  integer(below: number): number
  byte(): number
  bytes(length: number): Uint8Array
  pick<T>(from: readonly T[]): T
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough to choose test input. */
export function randomSource(seed: number): RandomSource {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const integer = (below: number): number => Math.floor((next() / 2 ** 32) * below)
  return {
    integer,
    byte: () => integer(256),
    bytes: (length) => Uint8Array.from({ length }, () => integer(256)),
    pick: (from) => from[integer(from.length)]!,
  }
}
