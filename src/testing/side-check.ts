import type { Side } from '../core/side.js'
import type { Sniff, Sniffer } from '../core/sniffer.js'
import { isYes, samplesOf, toBytes } from './ask-sniffer.js'
import type { CheckSnifferOptions } from './check-sniffer.js'
import { endlessWindows } from './endless-windows.js'
import { generateWindow } from './generate-windows.js'
import { DEFAULT_RUNS, DEFAULT_SEED } from './generated-input.js'
import { hasOrder } from './has-order.js'
import { randomSource, type RandomSource } from './random-source.js'
import { SideReport } from './side-report.js'
import { verdictText, type Violation } from './violation.js'

/** Every prefix up to this length is tried, longer ones in steps. */
const DENSE_PREFIX_BYTES = 320
const PREFIX_STEP_BYTES = 97
/** Of random bytes at least half must be rejected within so many: what takes anything recognises nothing. */
const RANDOM_BYTES = 16

/** The laws of one sniffer for what one side said. */
export class SideCheck {
  readonly #sniffer: Sniffer
  readonly #side: Side
  readonly #options: CheckSnifferOptions
  readonly #random: RandomSource
  readonly #samples: readonly Uint8Array[]
  readonly #report: SideReport

  constructor(sniffer: Sniffer, side: Side, options: CheckSnifferOptions) {
    this.#sniffer = sniffer
    this.#side = side
    this.#options = options
    const seed = options.seed ?? DEFAULT_SEED
    this.#random = randomSource(seed)
    this.#report = new SideReport(sniffer, side, seed)
    this.#samples = samplesOf(sniffer, side)
  }

  run(): readonly Violation[] {
    if (!this.#checkDeclaration()) return this.#report.found
    const nearMisses = (this.#options.nearMisses ?? []).filter(({ from }) => from === this.#side)
    const otherSamples = this.#otherSamples()

    for (const sample of this.#samples) this.#checkSample(sample)
    for (const nearMiss of nearMisses) this.#checkNearMiss(toBytes(nearMiss.bytes), nearMiss.rejectedAt)
    for (const { protocol, bytes } of otherSamples) this.#checkOther(protocol, bytes)
    this.#checkRandomBytes()
    for (const sample of this.#samples) this.#checkEndless(sample)

    const seeds = [
      ...this.#samples,
      ...nearMisses.map(({ bytes }) => toBytes(bytes)),
      ...otherSamples.map(({ bytes }) => bytes),
    ]
    for (const bytes of seeds) this.#checkPrefixes(bytes)
    const runs = this.#options.runs ?? DEFAULT_RUNS
    for (let i = 0; i < runs; i++) this.#checkPrefixes(generateWindow(seeds, this.#random))
    return this.#report.found
  }

  #checkDeclaration(): boolean {
    const { maxBytes } = this.#sniffer
    const empty = new Uint8Array(0)
    if (!Number.isInteger(maxBytes) || maxBytes < 1) {
      this.#report.add('bounded', empty, 0, 'a positive integer', String(maxBytes), 'its maxBytes is no bound')
    }
    if (this.#sniffer[this.#side] === undefined) {
      this.#report.add(
        'recognises',
        empty,
        0,
        `no samples of the ${this.#side}`,
        'some',
        'it does not listen to this side',
      )
    } else if (this.#samples.length === 0) {
      this.#report.add('recognises', empty, 0, 'a sample', 'none', 'it listens to this side and has no sample of it')
    }
    return this.#report.found.length === 0
  }

  #checkSample(sample: Uint8Array): void {
    const verdict = this.#report.ask(sample, sample.length)
    if (verdict !== undefined && !isYes(verdict)) {
      this.#report.add(
        'recognises',
        sample,
        sample.length,
        'match',
        verdictText(verdict),
        'it does not recognise its own sample',
      )
    }
  }

  #checkNearMiss(bytes: Uint8Array, rejectedAt: number): void {
    for (let length = 0; length <= bytes.length; length++) {
      const expected = length > rejectedAt ? 'no-match' : 'need-more'
      const verdict = this.#report.ask(bytes, length)
      if (verdict === undefined) return
      if (length === rejectedAt + 1 && verdict === 'no-match') this.#report.checkWhyNot(bytes, length)
      if (verdict === expected) continue
      const what = `a near miss must be rejected at byte ${rejectedAt}, neither before nor after`
      this.#report.addEach('early', bytes, length, expected, verdictText(verdict), what)
      return
    }
    if (rejectedAt < bytes.length) return
    const what = `a near miss must be rejected at byte ${rejectedAt}, and has only ${bytes.length}`
    this.#report.addEach('early', bytes, bytes.length, 'no-match', 'need-more', what)
  }

  #checkOther(protocol: string, bytes: Uint8Array): void {
    const verdict = this.#report.ask(bytes, bytes.length)
    if (verdict === undefined || verdict === 'no-match') return
    const what = `it does not say no to a sample of ${protocol}`
    this.#report.add('early', bytes, bytes.length, 'no-match', verdictText(verdict), what)
  }

  /** At least half of all random windows must be rejected within `RANDOM_BYTES`. */
  #checkRandomBytes(): void {
    const windows = Array.from({ length: this.#options.runs ?? DEFAULT_RUNS }, () => this.#random.bytes(RANDOM_BYTES))
    const accepted = windows.filter((bytes) => this.#report.ask(bytes, bytes.length) !== 'no-match')
    const [first] = accepted
    if (first === undefined || accepted.length * 2 <= windows.length) return
    const what = `it says no to only ${windows.length - accepted.length} of ${windows.length} random windows of ${RANDOM_BYTES} bytes`
    this.#report.add('early', first, first.length, 'no-match for at least half', 'something else', what)
  }

  #checkEndless(sample: Uint8Array): void {
    const { maxBytes } = this.#sniffer
    const isUndecided = (window: Uint8Array, length: number): boolean =>
      this.#report.ask(window, length) === 'need-more'
    for (const window of endlessWindows(sample, maxBytes, this.#random, isUndecided)) {
      if (isUndecided(window, window.length)) this.#wantsTooMuch(window, window.length)
    }
  }

  /** Stable, bounded, total and pure, on the prefixes of one input. */
  #checkPrefixes(bytes: Uint8Array): void {
    const lengths = prefixLengths(bytes.length, this.#sniffer.maxBytes)
    const verdicts: Sniff[] = []
    for (const length of lengths) {
      const verdict = this.#report.ask(bytes, length)
      if (verdict === undefined) return
      const before = verdicts.at(-1) ?? 'need-more'
      if (!mayFollow(before, verdict)) {
        this.#report.add(
          'stable',
          bytes,
          length,
          verdictText(before),
          verdictText(verdict),
          'its verdict changed with more bytes',
        )
        return
      }
      if (verdict === 'need-more' && length >= this.#sniffer.maxBytes) this.#wantsTooMuch(bytes, length)
      verdicts.push(verdict)
    }
    this.#checkResumed(bytes, lengths, verdicts)
    this.#askAgain(bytes, lengths, verdicts)
  }

  /** Told that the prefix before had left it open, and one of those before that, it says the same. */
  #checkResumed(bytes: Uint8Array, lengths: readonly number[], verdicts: readonly Sniff[]): void {
    for (let i = 1; i < lengths.length && isOpen(verdicts[i - 1]!); i++) {
      for (const seen of [lengths[i - 1]!, lengths[this.#random.integer(i)]!]) {
        const resumed = this.#report.ask(bytes, lengths[i]!, seen)
        if (resumed === undefined || isSame(resumed, verdicts[i]!)) continue
        const what = `told that it had seen ${seen} bytes before, it gave another verdict`
        this.#report.add('resumable', bytes, lengths[i]!, verdictText(verdicts[i]!), verdictText(resumed), what)
        return
      }
    }
  }

  #wantsTooMuch(bytes: Uint8Array, length: number): void {
    const what = `it wants more than its maxBytes, ${this.#sniffer.maxBytes}`
    this.#report.add('bounded', bytes, length, 'anything else', 'need-more', what)
  }

  #askAgain(bytes: Uint8Array, lengths: readonly number[], verdicts: readonly Sniff[]): void {
    const index = this.#random.integer(lengths.length)
    const again = this.#report.ask(bytes, lengths[index]!)
    if (again === undefined || isSame(again, verdicts[index]!)) return
    const what = 'the same bytes got another verdict when it was asked again'
    this.#report.add('pure', bytes, lengths[index]!, verdictText(verdicts[index]!), verdictText(again), what)
  }

  #otherSamples(): readonly { readonly protocol: string; readonly bytes: Uint8Array }[] {
    return (this.#options.others ?? [])
      .filter((other) => other.protocol !== this.#sniffer.protocol && !hasOrder(this.#sniffer, other))
      .flatMap((other) => samplesOf(other, this.#side).map((bytes) => ({ protocol: other.protocol, bytes })))
  }
}

/** More bytes may still bring something. */
function isOpen(verdict: Sniff): boolean {
  return verdict === 'need-more' || verdict === 'sure'
}

function mayFollow(before: Sniff, after: Sniff): boolean {
  if (before === 'need-more') return true
  return before === 'sure' ? isYes(after) : isSame(before, after)
}

function isSame(one: Sniff, other: Sniff): boolean {
  return (
    one === other ||
    (typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other))
  )
}

/** All lengths up to a bound, then some; always those around `maxBytes`, and the whole. */
function prefixLengths(length: number, maxBytes: number): readonly number[] {
  const lengths: number[] = []
  for (let i = 0; i <= length; i++) {
    if (i <= DENSE_PREFIX_BYTES || i % PREFIX_STEP_BYTES === 0 || Math.abs(i - maxBytes) <= 1 || i === length)
      lengths.push(i)
  }
  return lengths
}
