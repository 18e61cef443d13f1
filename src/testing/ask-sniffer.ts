import type { Side } from '../core/side.js'
import type { Bytes, Sniff, Sniffer } from '../core/sniffer.js'

/** A sniffer's answer to one window: a verdict, or what it did instead of giving one. */
export type Answer =
  { readonly verdict: Sniff } | { readonly fault: 'threw' | 'returned' | 'wrote'; readonly detail: string }

/** On both sides of a window lie bytes that are not its own, as in the shared read buffer. */
const MARGIN_BYTES = 8
const MARGIN = 0xa5

/** Shows the sniffer the first `length` of `bytes`, in a window that ends there, `seen` of which it has been shown before. */
export function askSniffer(sniffer: Sniffer, side: Side, bytes: Uint8Array, length: number, seen = 0): Answer {
  const memory = new Uint8Array(length + 2 * MARGIN_BYTES).fill(MARGIN)
  const window = memory.subarray(MARGIN_BYTES, MARGIN_BYTES + length)
  window.set(bytes.subarray(0, length))
  let verdict: unknown
  try {
    verdict = sniffer[side]!(window, seen)
  } catch (error) {
    return { fault: 'threw', detail: String(error) }
  }
  const written = firstDifference(window, bytes)
  if (written >= 0) return { fault: 'wrote', detail: `byte ${written} of the window` }
  return isVerdict(verdict) ? { verdict } : { fault: 'returned', detail: JSON.stringify(verdict) ?? String(verdict) }
}

export function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Uint8Array.from(bytes, (character) => character.charCodeAt(0)) : bytes
}

export function samplesOf(sniffer: Sniffer, side: Side): readonly Uint8Array[] {
  return (sniffer.samples[side] ?? []).map(toBytes)
}

/** Yes: `sure`, `match`, or a match with facts. */
export function isYes(verdict: Sniff): boolean {
  return verdict !== 'need-more' && verdict !== 'no-match'
}

function isVerdict(value: unknown): value is Sniff {
  if (typeof value === 'string') return ['need-more', 'no-match', 'sure', 'match'].includes(value)
  const facts = typeof value === 'object' && value !== null && 'facts' in value ? value.facts : undefined
  return typeof facts === 'object' && facts !== null
}

function firstDifference(window: Uint8Array, bytes: Uint8Array): number {
  return window.findIndex((byte, i) => byte !== bytes[i])
}
