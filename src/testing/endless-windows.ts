import { stretch } from './generate-windows.js'
import type { RandomSource } from './random-source.js'

/** So many cuts of each sample are tried as the beginning of a window without end. */
const MAX_STRETCHED_CUTS = 48
/** Longest window that is grown byte by byte, each byte chosen so that the sniffer stays undecided. */
const MAX_GROWN_BYTES = 1024

/** Whether the sniffer wants more than the first `length` of `window`. */
type IsUndecided = (window: Uint8Array, length: number) => boolean

/** Goes on from every prefix of a sample without ever ending it, up to `maxBytes`: what that promises must hold even then. */
export function* endlessWindows(
  sample: Uint8Array,
  maxBytes: number,
  random: RandomSource,
  isUndecided: IsUndecided,
): Generator<Uint8Array> {
  const step = Math.max(1, Math.ceil(sample.length / MAX_STRETCHED_CUTS))
  for (let cut = 0; cut <= sample.length; cut += step) {
    const head = sample.subarray(0, Math.min(cut, maxBytes))
    for (const filler of fillersFor(sample, cut)) yield stretch(head, filler, maxBytes)
  }
  const grown = growUndecided(sample, Math.min(maxBytes, MAX_GROWN_BYTES), random, isUndecided)
  yield stretch(grown, grown.subarray(-1), maxBytes)
}

/** What a window without end may consist of: the sample's own bytes first. */
function fillersFor(sample: Uint8Array, cut: number): readonly Uint8Array[] {
  const own = [sample, sample.subarray(cut), sample.subarray(Math.max(0, cut - 1), cut)].filter(
    ({ length }) => length > 0,
  )
  const single = [0x00, 0x0a, 0x20, 0x30, 0x61, 0xff].map((byte) => Uint8Array.of(byte))
  return [...own, ...single, Uint8Array.of(0x0d, 0x0a)]
}

/** A window grown from a random cut, each byte one that leaves the sniffer undecided, as long as there is one. */
function growUndecided(sample: Uint8Array, most: number, random: RandomSource, isUndecided: IsUndecided): Uint8Array {
  const grown = new Uint8Array(most)
  let length = Math.min(random.integer(sample.length), most)
  grown.set(sample.subarray(0, length))
  const staysOpen = (byte: number): boolean => {
    grown[length] = byte
    return isUndecided(grown, length + 1)
  }
  while (length < most) {
    const candidates = [random.byte(), random.pick([...sample]), grown[length - 1] ?? 0, ...sample]
    if (!candidates.some(staysOpen)) break
    length++
  }
  return length === 0 ? sample.subarray(0, 1) : grown.subarray(0, length)
}
