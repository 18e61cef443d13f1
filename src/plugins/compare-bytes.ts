/** How far a window agrees with bytes that a specification fixes: as far as it goes, not at all, or over their whole length. */
export type Comparison = 'need-more' | 'no-match' | 'match'

/** A skipper's answer instead of an index: the window ended first. */
export const ENDED = -1
/** A skipper's answer instead of an index: the part is not what it should be, whatever follows. */
export const WRONG = -2

/** Set in a byte that stands for a letter: the lower case of ASCII. */
const LOWER_CASE = 0x20

/** The bytes of a text whose characters are all below U+0100. For constants: it allocates. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** A table of 256, 1 for each byte of `characters`, for `skipWhile`. For constants: it allocates. */
export function byteSet(characters: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const byte of latin1Bytes(characters)) set[byte] = 1
  return set
}

/** Compares the window from `at` on with `expected`. Bytes from `end` on are as if they had not arrived. */
export function compareBytes(window: Uint8Array, at: number, expected: Uint8Array, end = window.length): Comparison {
  for (let i = 0; i < expected.length; i++) {
    if (at + i >= end) return 'need-more'
    if (window[at + i] !== expected[i]) return 'no-match'
  }
  return 'match'
}

/** As `compareBytes`, in upper or lower case. `letters` holds lower-case ASCII letters and nothing else. */
export function compareLetters(window: Uint8Array, at: number, letters: Uint8Array, end = window.length): Comparison {
  for (let i = 0; i < letters.length; i++) {
    if (at + i >= end) return 'need-more'
    if ((window[at + i]! | LOWER_CASE) !== letters[i]) return 'no-match'
  }
  return 'match'
}

/**
 * The index of the first byte from `at` on that is not in `set`; `WRONG` where more than `most` bytes in a row are; `ENDED` where
 * all up to `end` are.
 */
export function skipWhile(window: Uint8Array, at: number, end: number, set: Uint8Array, most: number): number {
  const last = Math.min(end, at + most + 1)
  for (let i = at; i < last; i++) {
    if (set[window[i]!] === 0) return i
  }
  return last > at + most ? WRONG : ENDED
}
