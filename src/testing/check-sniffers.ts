import type { Side } from '../core/side.js'
import type { Sniff, Sniffer } from '../core/sniffer.js'
import { askSniffer, isYes, samplesOf } from './ask-sniffer.js'
import { checkSniffer, DEFAULT_RUNS, DEFAULT_SEED, hasOrder, type NearMiss } from './check-sniffer.js'
import { generateWindow } from './generate-windows.js'
import { randomSource, type RandomSource } from './random-source.js'
import { verdictText, type Violation, violation } from './violation.js'

export interface CheckSniffersOptions {
  /** By protocol. */
  readonly nearMisses?: Readonly<Record<string, readonly NearMiss[]>>
  readonly seed?: number
  readonly runs?: number
}

const SIDES: readonly Side[] = ['client', 'server']
const NOBODY = 'unknown'

/**
 * Checks each sniffer of a set beside the others, and the set: whatever the cuts that TCP makes, the same one names a connection. So
 * no two may claim the same sample without a `before` between them, and none may make a later one's whole sample wait.
 *
 * The sniffers are taken in the order given, with `before` on top.
 */
export function checkSniffers(sniffers: readonly Sniffer[], options: CheckSniffersOptions = {}): readonly Violation[] {
  const { nearMisses = {}, ...rest } = options
  const single = sniffers.flatMap((sniffer) => {
    const own = nearMisses[sniffer.protocol] ?? []
    return checkSniffer(sniffer, { ...rest, nearMisses: own, others: sniffers.filter((other) => other !== sniffer) })
  })
  const ordered = orderSniffers(sniffers)
  if (ordered === undefined) return [...single, circle(sniffers, options)]
  return [...single, ...SIDES.flatMap((side) => new SetCheck(ordered, side, options).run())]
}

/** The laws of an ordered set for what one side said. */
class SetCheck {
  readonly #sniffers: readonly Sniffer[]
  readonly #side: Side
  readonly #seed: number
  readonly #runs: number
  readonly #random: RandomSource
  readonly #found: Violation[] = []

  constructor(sniffers: readonly Sniffer[], side: Side, options: CheckSniffersOptions) {
    this.#sniffers = sniffers.filter((sniffer) => sniffer[side] !== undefined)
    this.#side = side
    this.#seed = options.seed ?? DEFAULT_SEED
    this.#runs = options.runs ?? DEFAULT_RUNS
    this.#random = randomSource(this.#seed)
  }

  run(): readonly Violation[] {
    const samples = this.#sniffers.flatMap((sniffer) => samplesOf(sniffer, this.#side))
    for (const sniffer of this.#sniffers) {
      for (const sample of samplesOf(sniffer, this.#side)) this.#checkClaims(sniffer, sample)
    }
    for (const sample of samples) if (!this.#checkCuts(sample)) return this.#found
    for (let i = 0; i < this.#runs; i++) if (!this.#checkCuts(generateWindow(samples, this.#random))) break
    return this.#found
  }

  /** No other may claim the sample, nor may an earlier one want more when all of it is there. */
  #checkClaims(owner: Sniffer, sample: Uint8Array): void {
    const ownerIndex = this.#sniffers.indexOf(owner)
    this.#sniffers.forEach((other, index) => {
      if (other.protocol === owner.protocol) return
      const verdict = ask(other, this.#side, sample, sample.length)
      if (isYes(verdict) && !hasOrder(owner, other)) {
        const what = `it claims a sample of ${owner.protocol}, and neither has the other in its before`
        this.#report(other, sample, sample.length, 'no-match', verdictText(verdict), what)
      } else if (verdict === 'need-more' && index < ownerIndex) {
        const what = `it comes before ${owner.protocol} and leaves a whole sample of it waiting`
        this.#report(other, sample, sample.length, 'no-match', verdict, what)
      }
    })
  }

  /** The same name for the whole, byte by byte, and cut in two. */
  #checkCuts(bytes: Uint8Array): boolean {
    const whole = this.#name(bytes, [bytes.length])
    const half = this.#random.integer(bytes.length + 1)
    for (const cuts of [Array.from({ length: bytes.length }, (_, i) => i + 1), [half, bytes.length]]) {
      const name = this.#name(bytes, cuts)
      if (name === whole) continue
      const first = this.#sniffers.find(({ protocol }) => protocol === name || protocol === whole)!
      const what = `cut at ${cuts.length === 2 ? half : 'every byte'}, the same bytes are named otherwise than as a whole`
      this.#report(first, bytes, bytes.length, whole, name, what)
      return false
    }
    return true
  }

  /**
   * Whom a connection is named after: each sniffer is asked until it has decided, and the first in order that does not say no names
   * it, once it has said yes. At the end of the bytes those that still want more have lost.
   */
  #name(bytes: Uint8Array, cuts: readonly number[]): string {
    const verdicts: Sniff[] = this.#sniffers.map(() => 'need-more')
    for (const cut of cuts) {
      this.#sniffers.forEach((sniffer, i) => {
        if (verdicts[i] === 'need-more') verdicts[i] = ask(sniffer, this.#side, bytes, cut)
      })
      const first = verdicts.findIndex((verdict) => verdict !== 'no-match')
      if (first < 0) return NOBODY
      if (isYes(verdicts[first]!)) return this.#sniffers[first]!.protocol
    }
    return this.#sniffers[verdicts.findIndex(isYes)]?.protocol ?? NOBODY
  }

  #report(
    sniffer: Sniffer,
    bytes: Uint8Array,
    prefixLength: number,
    expected: string,
    actual: string,
    what: string,
  ): void {
    const { protocol } = sniffer
    const law = 'segmentation-free'
    const side = this.#side
    this.#found.push(violation({ law, protocol, side, bytes, prefixLength, expected, actual, seed: this.#seed, what }))
  }
}

/** As detection treats one that throws: it has lost its vote. */
function ask(sniffer: Sniffer, side: Side, bytes: Uint8Array, length: number): Sniff {
  const answer = askSniffer(sniffer, side, bytes, length)
  return 'verdict' in answer ? answer.verdict : 'no-match'
}

/** The next is always the first that no other one left must come before; undefined where `before` goes round in a circle. */
function orderSniffers(sniffers: readonly Sniffer[]): readonly Sniffer[] | undefined {
  const left = [...sniffers]
  const ordered: Sniffer[] = []
  while (left.length > 0) {
    const next = left.findIndex(({ protocol }) => !left.some((other) => other.before?.includes(protocol)))
    if (next < 0) return undefined
    ordered.push(...left.splice(next, 1))
  }
  return ordered
}

function circle(sniffers: readonly Sniffer[], options: CheckSniffersOptions): Violation {
  return violation({
    law: 'segmentation-free',
    protocol: sniffers.map(({ protocol }) => protocol).join(', '),
    side: 'client',
    bytes: new Uint8Array(0),
    prefixLength: 0,
    expected: 'an order',
    actual: 'a circle',
    seed: options.seed ?? DEFAULT_SEED,
    what: 'their before goes round in a circle',
  })
}
