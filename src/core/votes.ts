import type { SnifferPlan } from './detection.js'
import type { Side } from './side.js'
import type { Facts, Sniff, Sniffer } from './sniffer.js'

/** What one sniffer made of one side's bytes. */
export interface Vote {
  readonly protocol: string
  readonly side: Side
  /** `deaf`: this side's bytes say nothing about the protocol. */
  readonly verdict: 'match' | 'sure' | 'need-more' | 'no-match' | 'deaf'
  /** Bytes after which it was certain; of `need-more`, all that there were. */
  readonly afterBytes: number
  /** The byte that ruled the protocol out, 0 to 255. */
  readonly byte?: number
  readonly facts?: Facts
}

/**
 * Who votes what on the first bytes of a side, and after which of them, in the order in which sniffers are asked. Each is asked a
 * few dozen times: verdicts are stable, so that the byte at which one is given is found by halving.
 */
export function votesOn(plan: SnifferPlan, side: Side, bytes: Uint8Array): Vote[] {
  return plan.sniffers.map((sniffer) => voteOf(plan, sniffer, side, bytes))
}

function voteOf(plan: SnifferPlan, sniffer: Sniffer, side: Side, bytes: Uint8Array): Vote {
  const { protocol } = sniffer
  if (sniffer[side] === undefined) return { protocol, side, verdict: 'deaf', afterBytes: 0 }
  const ask = (length: number): Sniff => plan.ask(sniffer, side, bytes.subarray(0, length))
  const last = bytes.length === 0 ? 'need-more' : ask(bytes.length)
  if (last === 'need-more') return { protocol, side, verdict: 'need-more', afterBytes: bytes.length }
  const afterBytes = firstLength(bytes.length, (length) => ask(length) !== 'need-more')
  if (last === 'no-match') return { protocol, side, verdict: last, afterBytes, byte: bytes[afterBytes - 1]! }
  if (last === 'sure') return { protocol, side, verdict: last, afterBytes }
  return { protocol, side, verdict: 'match', afterBytes, ...(typeof last === 'object' && { facts: last.facts }) }
}

/** The smallest length from 1 to `max` for which it is so; it is so for `max`, and stays so once it is. */
function firstLength(max: number, isSo: (length: number) => boolean): number {
  let below = 0
  let from = max
  while (from - below > 1) {
    const middle = (below + from) >> 1
    if (isSo(middle)) from = middle
    else below = middle
  }
  return from
}
