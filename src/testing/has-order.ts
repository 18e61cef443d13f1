import type { Sniffer } from '../core/sniffer.js'

/** One of them wins where both match. */
export function hasOrder(one: Sniffer, other: Sniffer): boolean {
  return (one.before ?? []).includes(other.protocol) || (other.before ?? []).includes(one.protocol)
}
