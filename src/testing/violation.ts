import type { Side } from '../core/side.js'
import type { Sniff } from '../core/sniffer.js'

/**
 * What a sniffer, or a set of them, must keep:
 *
 * - `recognises`: it says yes to its own samples, and has one for each side that it listens to.
 * - `stable`: a verdict other than `need-more` never changes when more bytes come.
 * - `bounded`: it never says `need-more` once the window holds `maxBytes`.
 * - `total`: it returns a verdict for any bytes and never throws.
 * - `pure`: it does not write to the window, and the same bytes get the same verdict.
 * - `resumable`: being told how much of the window it has seen before changes no verdict.
 * - `early`: it says no at the first byte that makes its protocol impossible.
 * - `segmentation-free`: what a set makes of a connection does not depend on how TCP cut the bytes.
 */
export type Law = 'recognises' | 'stable' | 'bounded' | 'total' | 'pure' | 'resumable' | 'early' | 'segmentation-free'

/** A law that does not hold, with all that is needed to see it again. */
export interface Violation {
  readonly law: Law
  readonly protocol: string
  readonly side: Side
  /** The whole input, in hex. */
  readonly bytes: string
  /** How many of these bytes were in the window. */
  readonly prefixLength: number
  /** The verdict that the law asks for: where it must not change, the one before. */
  readonly expected: string
  /** The verdict that it gave, or what it did instead. */
  readonly actual: string
  readonly seed: number
  readonly message: string
}

/** A violation before its texts are made. */
export interface Finding {
  readonly law: Law
  readonly protocol: string
  readonly side: Side
  readonly bytes: Uint8Array
  readonly prefixLength: number
  readonly expected: string
  readonly actual: string
  readonly seed: number
  /** What happened, as a sentence about the sniffer. */
  readonly what: string
}

/** As many bytes as a message shows: before its end lies what mattered. `Violation.bytes` has them all. */
const SHOWN_BYTES = 64

export function violation(finding: Finding): Violation {
  const { law, protocol, side, bytes, prefixLength, expected, actual, seed } = finding
  return { law, protocol, side, bytes: toHex(bytes), prefixLength, expected, actual, seed, message: describe(finding) }
}

/** A verdict as it stands in messages. */
export function verdictText(verdict: Sniff): string {
  return typeof verdict === 'string' ? verdict : JSON.stringify(verdict)
}

function describe(finding: Finding): string {
  const { law, protocol, side, bytes, prefixLength, expected, actual, seed, what } = finding
  const shown = bytes.subarray(Math.max(0, prefixLength - SHOWN_BYTES), prefixLength)
  const cut = shown.length < prefixLength ? `last ${shown.length} of ${prefixLength}` : `${prefixLength}`
  return [
    `${law}: ${protocol}, ${side}: ${what}`,
    `  expected ${expected}, got ${actual}`,
    `  window of ${cut} bytes: ${toHex(shown) || '(empty)'} ${JSON.stringify(toPrintable(shown))}`,
    `  seed ${seed}`,
  ].join('\n')
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function toPrintable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.')).join('')
}
