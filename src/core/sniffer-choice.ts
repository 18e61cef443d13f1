import type { Side } from './side.js'
import type { Sniffer } from './sniffer.js'

/** Which of the sniffers a filter asks, and how far each may go. */
export interface SnifferChoice {
  /** Only these protocols; undefined: all. */
  readonly protocols?: readonly string[] | undefined
  /** Not these. */
  readonly disabled?: readonly string[]
  /** Bytes of one side after which a protocol's sniffer has to be certain, where that is less than it would like. */
  readonly maxBytes?: ReadonlyMap<string, number>
}

/** The chosen ones, in the sniffers' order, each within its budget of bytes. */
export function chooseSniffers(
  sniffers: readonly Sniffer[],
  { protocols, disabled = [], maxBytes }: SnifferChoice,
): readonly Sniffer[] {
  return sniffers
    .filter(({ protocol }) => (protocols?.includes(protocol) ?? true) && !disabled.includes(protocol))
    .map((sniffer) => within(sniffer, maxBytes?.get(sniffer.protocol)))
}

/** The same sniffer with a smaller bound: wanting more than that is a no, also where more bytes came at once. */
function within(sniffer: Sniffer, maxBytes = Infinity): Sniffer {
  if (maxBytes >= sniffer.maxBytes) return sniffer
  const askOf = (side: Side) => sniffer[side] && { [side]: { value: askWithin(sniffer, side, maxBytes) } }
  return Object.create(sniffer, {
    maxBytes: { value: maxBytes, enumerable: true },
    ...askOf('client'),
    ...askOf('server'),
  }) as Sniffer
}

/** From `seen` bytes on above the bound it has said that it is sure of the name, and only its facts need more. */
function askWithin(sniffer: Sniffer, side: Side, maxBytes: number): Sniffer['client'] {
  return (window, seen = 0) => {
    const isBounded = window.length > maxBytes && seen < maxBytes
    if (isBounded && sniffer[side]?.(window.subarray(0, maxBytes), seen) === 'need-more') return 'no-match'
    return sniffer[side]!(window, seen)
  }
}
