import type { SnifferPlan } from './detection.js'
import { errorText } from './error-text.js'
import type { Side } from './side.js'
import type { Facts, Sniff, Sniffer } from './sniffer.js'
import { askAgain, whyNot } from './why-not.js'

/** What one sniffer made of one side's bytes. */
export interface Vote {
  readonly protocol: string
  readonly side: Side
  /** `deaf`: this side's bytes say nothing about the protocol. `failed`: it threw, or answered with no verdict. */
  readonly verdict: 'match' | 'sure' | 'need-more' | 'no-match' | 'deaf' | 'failed'
  /** Bytes after which it was certain; of `need-more` and `failed`, all that there were. */
  readonly afterBytes: number
  /** The byte that ruled the protocol out, 0 to 255. */
  readonly byte?: number
  /** Why it did (`0x16 is no letter`), or how the sniffer failed. */
  readonly reason?: string
  /** Detection saw more than the bytes that are kept, which is why it is not known how this went on. */
  readonly isCut?: true
  readonly facts?: Facts
}

/**
 * Who votes what on the first bytes of a side, and after which of them, in the order in which sniffers are asked. Each is asked a
 * few dozen times: verdicts are stable, so that the byte at which one is given is found by halving. Looking on changes nothing: a
 * sniffer that fails here is not counted again. `seenBytes`: how many detection saw, where `bytes` are only the first of them.
 */
export function votesOn(plan: SnifferPlan, side: Side, bytes: Uint8Array, seenBytes = bytes.length): Vote[] {
  return plan.sniffers.map((sniffer) => voteOf(sniffer, side, bytes, seenBytes > bytes.length))
}

function voteOf(sniffer: Sniffer, side: Side, bytes: Uint8Array, hasMore: boolean): Vote {
  const of = { protocol: sniffer.protocol, side }
  if (sniffer[side] === undefined) return { ...of, verdict: 'deaf', afterBytes: 0 }
  const ask = (length: number): Sniff => askAgain(sniffer, side, bytes.subarray(0, length))
  try {
    const last = bytes.length === 0 ? 'need-more' : ask(bytes.length)
    if (last === 'need-more')
      return { ...of, verdict: last, afterBytes: bytes.length, ...(hasMore && { isCut: true as const }) }
    const afterBytes = firstLength(bytes.length, (length) => ask(length) !== 'need-more')
    if (last === 'sure') return { ...of, verdict: last, afterBytes }
    if (last !== 'no-match')
      return { ...of, verdict: 'match', afterBytes, ...(typeof last === 'object' && { facts: last.facts }) }
    const reason = whyNot(sniffer, side, bytes.subarray(0, afterBytes))
    return { ...of, verdict: last, afterBytes, byte: bytes[afterBytes - 1]!, ...(reason !== undefined && { reason }) }
  } catch (error) {
    return { ...of, verdict: 'failed', afterBytes: bytes.length, reason: errorText(error) }
  }
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
