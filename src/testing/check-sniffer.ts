import type { Side } from '../core/side.js'
import type { Bytes, Sniffer } from '../core/sniffer.js'
import { DEFAULT_SEED } from './generated-input.js'
import { SideCheck } from './side-check.js'
import { type Violation, violation } from './violation.js'

/** Bytes that look like the protocol and are not: one field is off. */
export interface NearMiss {
  readonly from: Side
  readonly bytes: Bytes
  /** Index of the offending byte: with it in the window the sniffer says no, up to there it still wants more. */
  readonly rejectedAt: number
}

export interface CheckSnifferOptions {
  readonly nearMisses?: readonly NearMiss[]
  /** It must say no to their samples, but for those of the same protocol and those with a `before` between them and it. */
  readonly others?: readonly Sniffer[]
  /** Of the generated input; the same seed gives the same input. */
  readonly seed?: number
  /** How many generated inputs a side. */
  readonly runs?: number
}

const SIDES: readonly Side[] = ['client', 'server']

/**
 * Checks the laws of a sniffer: on its samples, on near misses, on the samples of others, and on generated input; each input on
 * every prefix. Returns the first violation of each law and side, and all near misses that are not rejected where they must be.
 */
export function checkSniffer(sniffer: Sniffer, options: CheckSnifferOptions = {}): readonly Violation[] {
  const found: Violation[] = []
  for (const side of SIDES) {
    if (sniffer[side] === undefined && sniffer.samples[side] === undefined) continue
    found.push(...new SideCheck(sniffer, side, options).run())
  }
  if (sniffer.client === undefined && sniffer.server === undefined) found.push(listensToNobody(sniffer, options))
  return found
}

function listensToNobody(sniffer: Sniffer, options: CheckSnifferOptions): Violation {
  return violation({
    law: 'recognises',
    protocol: sniffer.protocol,
    side: 'client',
    bytes: new Uint8Array(0),
    prefixLength: 0,
    expected: 'a function client or server',
    actual: 'neither',
    seed: options.seed ?? DEFAULT_SEED,
    what: 'it listens to neither side',
  })
}
