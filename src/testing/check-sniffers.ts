import { Detection, SnifferPlan } from '../core/detection.js'
import { orderSniffers } from '../core/order-sniffers.js'
import type { Side } from '../core/side.js'
import type { Sniff, Sniffer } from '../core/sniffer.js'
import { askSniffer, isYes, samplesOf } from './ask-sniffer.js'
import { checkSniffer, type NearMiss } from './check-sniffer.js'
import { generateWindow } from './generate-windows.js'
import { DEFAULT_RUNS, DEFAULT_SEED } from './generated-input.js'
import { hasOrder } from './has-order.js'
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
 * no two may claim the same sample without a `before` between them, and none may make a later one's whole sample wait. The name comes
 * from the detection that runs in production, in the order that start-up gives the sniffers: as listed, with `before` on top.
 */
export function checkSniffers(sniffers: readonly Sniffer[], options: CheckSniffersOptions = {}): readonly Violation[] {
  const { nearMisses = {}, ...rest } = options
  const single = sniffers.flatMap((sniffer) => {
    const own = nearMisses[sniffer.protocol] ?? []
    return checkSniffer(sniffer, { ...rest, nearMisses: own, others: sniffers.filter((other) => other !== sniffer) })
  })
  const { ordered, circle } = orderSniffers(sniffers)
  if (circle) return [...single, circleViolation(circle, options)]
  return [...single, ...SIDES.flatMap((side) => new SetCheck(ordered, side, options).run())]
}

/** The laws of an ordered set for what one side said. */
class SetCheck {
  readonly #sniffers: readonly Sniffer[]
  readonly #plan: SnifferPlan
  readonly #side: Side
  readonly #seed: number
  readonly #runs: number
  readonly #random: RandomSource
  readonly #found: Violation[] = []

  constructor(sniffers: readonly Sniffer[], side: Side, options: CheckSniffersOptions) {
    this.#sniffers = sniffers.filter((sniffer) => sniffer[side] !== undefined)
    // One that throws loses its vote here, as it does live; that it throws is found by checkSniffer.
    this.#plan = new SnifferPlan(this.#sniffers, () => {})
    this.#side = side
    this.#seed = options.seed ?? DEFAULT_SEED
    this.#runs = options.runs ?? DEFAULT_RUNS
    this.#random = randomSource(this.#seed)
  }

  run(): readonly Violation[] {
    const samples = this.#sniffers.flatMap((sniffer) => samplesOf(sniffer, this.#side))
    for (const sniffer of this.#sniffers) {
      for (const sample of samplesOf(sniffer, this.#side)) {
        this.#checkClaims(sniffer, sample)
        this.#checkNamed(sniffer, sample)
      }
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

  /** Detection names a sample after its owner, or after one that has an order with it. */
  #checkNamed(owner: Sniffer, sample: Uint8Array): void {
    const name = this.#name(sample, [sample.length])
    if (name === owner.protocol) return
    const namesake = this.#sniffers.find(({ protocol }) => protocol === name)
    // A claim without an order has been reported.
    if (namesake) return
    const what = 'detection does not name its sample after it'
    this.#report(owner, sample, sample.length, owner.protocol, name, what)
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

  /** Whom live detection names a connection after that says these bytes in these pieces and then ends. */
  #name(bytes: Uint8Array, cuts: readonly number[]): string {
    const detection = new Detection(this.#plan)
    for (const cut of cuts) {
      if (cut > 0) detection.look(this.#side, bytes.slice(0, cut))
      if (detection.protocol !== undefined) return detection.protocol
    }
    detection.settle(this.#side)
    return detection.protocol ?? NOBODY
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

function circleViolation(sniffers: readonly Sniffer[], options: CheckSniffersOptions): Violation {
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
