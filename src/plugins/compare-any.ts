import { compareBytes, type Comparison } from './compare-bytes.js'

/** Whether the window from `at` on begins with one of these, none of which begins with another; or could, with more bytes. */
export function compareAny(window: Uint8Array, at: number, expected: readonly Uint8Array[]): Comparison {
  let result: Comparison = 'no-match'
  for (const bytes of expected) {
    const compared = compareBytes(window, at, bytes)
    if (compared === 'match') return 'match'
    if (compared === 'need-more') result = compared
  }
  return result
}
