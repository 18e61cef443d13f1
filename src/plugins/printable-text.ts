import { latin1 } from '../protocols/byte-views.js'
import { isPrintable } from './ascii.js'

/** A name or a version is shorter; what is longer makes no fact. */
export const MAX_FACT_BYTES = 128

/** The text from `start` up to `end`; undefined where it is empty, long, or holds what may not go to a terminal. */
export function printableText(window: Uint8Array, start: number, end: number): string | undefined {
  if (end <= start || end - start > MAX_FACT_BYTES) return undefined
  for (let at = start; at < end; at++) if (!isPrintable(window[at]!)) return undefined
  return latin1(window, start, end)
}
