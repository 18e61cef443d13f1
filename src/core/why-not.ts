import { checkedVerdict } from './checked-verdict.js'
import { errorText } from './error-text.js'
import type { Side } from './side.js'
import type { Sniff, Sniffer } from './sniffer.js'

const BYTE_VALUES = 256
/** All values are tried in the last byte's place; a sniffer that says no later than this is asked for its own words only. */
const MAX_TRIED_BYTES = 1024
/** More ranges than this no longer make a sentence. */
const MAX_RANGES = 4
/** A stranger's words stand in a line. */
const MAX_REASON_LENGTH = 100

/** The verdict of a sniffer, asked for an explanation: bounded as detection bounds it, and never counted. Throws what it throws. */
export function askAgain(sniffer: Sniffer, side: Side, window: Uint8Array): Sniff {
  const verdict = checkedVerdict(sniffer[side]?.(window))
  return verdict === 'need-more' && window.length >= sniffer.maxBytes ? 'no-match' : verdict
}

/**
 * Why a sniffer said no to `window`, whose last byte is the one at which it did: `0x16 is no letter`. In its own words where it has
 * some (`Sniffer.whyNot`); else by trying which bytes could have stood there. Undefined where neither says anything.
 */
export function whyNot(sniffer: Sniffer, side: Side, window: Uint8Array): string | undefined {
  const reason = ownWords(sniffer, side, window) ?? triedOut(sniffer, side, window)
  return reason && `${showByte(window.at(-1)!)} ${reason}`
}

function ownWords(sniffer: Sniffer, side: Side, window: Uint8Array): string | undefined {
  try {
    const words: unknown = sniffer.whyNot?.(Uint8Array.from(window), side)
    if (typeof words !== 'string' || words === '') return undefined
    const line = errorText(words).replaceAll(/[^\x20-\x7e]/g, '?')
    return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH)}...` : line
  } catch {
    return undefined // it only explains
  }
}

function triedOut(sniffer: Sniffer, side: Side, window: Uint8Array): string | undefined {
  if (window.length > MAX_TRIED_BYTES) return undefined
  const tried = Uint8Array.from(window) // not slice(): of a Buffer that is a view
  const possible: number[] = []
  try {
    for (let byte = 0; byte < BYTE_VALUES; byte++) {
      tried[tried.length - 1] = byte
      if (askAgain(sniffer, side, tried) !== 'no-match') possible.push(byte)
    }
  } catch {
    return undefined
  }
  if (possible.length === 0) return `comes too late: nothing in its place makes it ${sniffer.protocol}`
  const ranges = rangesOf(possible)
  if (ranges.length > MAX_RANGES) return `is none of the ${possible.length} bytes that could stand here`
  return `is not ${joined(ranges.map(showRange))}`
}

type Range = readonly [first: number, last: number]

function rangesOf(sorted: readonly number[]): Range[] {
  const ranges: [number, number][] = []
  for (const byte of sorted) {
    const last = ranges.at(-1)
    if (last && last[1] === byte - 1) last[1] = byte
    else ranges.push([byte, byte])
  }
  return ranges
}

function showRange([first, last]: Range): string {
  if (first === last) return showByte(first)
  return last === first + 1 ? `${showByte(first)} or ${showByte(last)}` : `${showByte(first)} to ${showByte(last)}`
}

/** `"A"` where it leaves ink, else `0x16`. */
function showByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f && byte !== 0x22
    ? `"${String.fromCharCode(byte)}"`
    : `0x${byte.toString(16).padStart(2, '0')}`
}

function joined(parts: readonly string[]): string {
  return parts.length === 1 ? parts[0]! : `${parts.slice(0, -1).join(', ')} or ${parts.at(-1)}`
}
