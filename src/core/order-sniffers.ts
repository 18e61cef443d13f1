import type { Sniffer } from './sniffer.js'

export type SnifferOrder =
  | { readonly ordered: readonly Sniffer[]; readonly circle?: undefined }
  | { readonly ordered?: undefined; readonly circle: readonly Sniffer[] }

/**
 * The order in which sniffers are asked: as given, but each after all that name it in `before`. The next is always the first that
 * none of those left wants to precede. Where `before` goes round in a circle there is no order, and the sniffers of the circle are
 * given, each wanting to precede the next and the last the first. A protocol in `before` that nobody sniffs decides nothing.
 */
export function orderSniffers(sniffers: readonly Sniffer[]): SnifferOrder {
  const left = [...sniffers]
  const ordered: Sniffer[] = []
  while (left.length > 0) {
    const next = left.findIndex((sniffer) => !left.some((other) => precedes(other, sniffer)))
    if (next < 0) return { circle: findCircle(left) }
    ordered.push(...left.splice(next, 1))
  }
  return { ordered }
}

function precedes(one: Sniffer, other: Sniffer): boolean {
  return one.before?.includes(other.protocol) ?? false
}

/** Everyone in `stuck` has another one there that precedes it: going back from any of them ends in a circle. */
function findCircle(stuck: readonly Sniffer[]): Sniffer[] {
  const walked: Sniffer[] = []
  let at = stuck[0]!
  while (!walked.includes(at)) {
    walked.push(at)
    at = stuck.find((other) => precedes(other, at))!
  }
  return walked.slice(walked.indexOf(at)).toReversed()
}
