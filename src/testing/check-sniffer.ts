import type { Side } from '../core/side.js'
import type { Bytes, Sniff, Sniffer } from '../core/sniffer.js'
import { askSniffer, isYes, samplesOf, toBytes } from './ask-sniffer.js'
import { generateWindow, stretch } from './generate-windows.js'
import { randomSource, type RandomSource } from './random-source.js'
import { type Law, verdictText, type Violation, violation } from './violation.js'

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

export const DEFAULT_SEED = 1
export const DEFAULT_RUNS = 500

const SIDES: readonly Side[] = ['client', 'server']
/** Every prefix up to this length is tried, longer ones in steps. */
const DENSE_PREFIX_BYTES = 320
const PREFIX_STEP_BYTES = 97
/** So many cuts of each sample are tried as the beginning of a window without end. */
const MAX_STRETCHED_CUTS = 48
/** Longest window that is grown byte by byte, each byte chosen so that the sniffer stays undecided. */
const MAX_GROWN_BYTES = 1024
/** Of random bytes at least half must be rejected within so many: what takes anything recognises nothing. */
const RANDOM_BYTES = 16

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

/** The laws of one sniffer for what one side said. */
class SideCheck {
  readonly #sniffer: Sniffer
  readonly #side: Side
  readonly #options: CheckSnifferOptions
  readonly #seed: number
  readonly #random: RandomSource
  readonly #samples: readonly Uint8Array[]
  readonly #found: Violation[] = []
  readonly #broken = new Set<Law>()

  constructor(sniffer: Sniffer, side: Side, options: CheckSnifferOptions) {
    this.#sniffer = sniffer
    this.#side = side
    this.#options = options
    this.#seed = options.seed ?? DEFAULT_SEED
    this.#random = randomSource(this.#seed)
    this.#samples = samplesOf(sniffer, side)
  }

  run(): readonly Violation[] {
    if (!this.#checkDeclaration()) return this.#found
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
    return this.#found
  }

  #checkDeclaration(): boolean {
    const { maxBytes } = this.#sniffer
    const empty = new Uint8Array(0)
    if (!Number.isInteger(maxBytes) || maxBytes < 1) {
      this.#report('bounded', empty, 0, 'a positive integer', String(maxBytes), 'its maxBytes is no bound')
    }
    if (this.#sniffer[this.#side] === undefined) {
      this.#report('recognises', empty, 0, `no samples of the ${this.#side}`, 'some', 'it does not listen to this side')
    } else if (this.#samples.length === 0) {
      this.#report('recognises', empty, 0, 'a sample', 'none', 'it listens to this side and has no sample of it')
    }
    return this.#found.length === 0
  }

  #checkSample(sample: Uint8Array): void {
    const verdict = this.#ask(sample, sample.length)
    if (verdict !== undefined && !isYes(verdict)) {
      this.#report(
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
      const verdict = this.#ask(bytes, length)
      if (verdict === undefined) return
      if (verdict === expected) continue
      const what = `a near miss must be rejected at byte ${rejectedAt}, neither before nor after`
      this.#found.push(this.#violation('early', bytes, length, expected, verdictText(verdict), what))
      return
    }
    if (rejectedAt < bytes.length) return
    const what = `a near miss must be rejected at byte ${rejectedAt}, and has only ${bytes.length}`
    this.#found.push(this.#violation('early', bytes, bytes.length, 'no-match', 'need-more', what))
  }

  #checkOther(protocol: string, bytes: Uint8Array): void {
    const verdict = this.#ask(bytes, bytes.length)
    if (verdict === undefined || verdict === 'no-match') return
    const what = `it does not say no to a sample of ${protocol}`
    this.#report('early', bytes, bytes.length, 'no-match', verdictText(verdict), what)
  }

  /** At least half of all random windows must be rejected within `RANDOM_BYTES`. */
  #checkRandomBytes(): void {
    const windows = Array.from({ length: this.#options.runs ?? DEFAULT_RUNS }, () => this.#random.bytes(RANDOM_BYTES))
    const accepted = windows.filter((bytes) => this.#ask(bytes, bytes.length) !== 'no-match')
    const [first] = accepted
    if (first === undefined || accepted.length * 2 <= windows.length) return
    const what = `it says no to only ${windows.length - accepted.length} of ${windows.length} random windows of ${RANDOM_BYTES} bytes`
    this.#report('early', first, first.length, 'no-match for at least half', 'something else', what)
  }

  /** Goes on from every prefix of a sample without ever ending it: what `maxBytes` promises must hold even then. */
  #checkEndless(sample: Uint8Array): void {
    const { maxBytes } = this.#sniffer
    const step = Math.max(1, Math.ceil(sample.length / MAX_STRETCHED_CUTS))
    for (let cut = 0; cut <= sample.length; cut += step) {
      const head = sample.subarray(0, Math.min(cut, maxBytes))
      for (const filler of fillersFor(sample, cut)) this.#checkBound(stretch(head, filler, maxBytes))
    }
    const grown = this.#growUndecided(sample)
    this.#checkBound(stretch(grown, grown.subarray(-1), maxBytes))
  }

  #checkBound(bytes: Uint8Array): void {
    if (this.#ask(bytes, bytes.length) !== 'need-more') return
    const what = `it wants more than its maxBytes, ${this.#sniffer.maxBytes}`
    this.#report('bounded', bytes, bytes.length, 'anything else', 'need-more', what)
  }

  /** A window grown from a random cut, each byte one that leaves the sniffer undecided, as long as there is one. */
  #growUndecided(sample: Uint8Array): Uint8Array {
    const most = Math.min(this.#sniffer.maxBytes, MAX_GROWN_BYTES)
    const grown = new Uint8Array(most)
    let length = Math.min(this.#random.integer(sample.length), most)
    grown.set(sample.subarray(0, length))
    const isUndecided = (byte: number): boolean => {
      grown[length] = byte
      return this.#ask(grown, length + 1) === 'need-more'
    }
    while (length < most) {
      const candidates = [this.#random.byte(), this.#random.pick([...sample]), grown[length - 1] ?? 0, ...sample]
      if (!candidates.some(isUndecided)) break
      length++
    }
    return length === 0 ? sample.subarray(0, 1) : grown.subarray(0, length)
  }

  /** Stable, bounded, total and pure, on the prefixes of one input. */
  #checkPrefixes(bytes: Uint8Array): void {
    const lengths = prefixLengths(bytes.length, this.#sniffer.maxBytes)
    const verdicts: Sniff[] = []
    for (const length of lengths) {
      const verdict = this.#ask(bytes, length)
      if (verdict === undefined) return
      const before = verdicts.at(-1) ?? 'need-more'
      if (!mayFollow(before, verdict)) {
        this.#report(
          'stable',
          bytes,
          length,
          verdictText(before),
          verdictText(verdict),
          'its verdict changed with more bytes',
        )
        return
      }
      if (length === this.#sniffer.maxBytes || length === bytes.length) this.#checkBoundAt(bytes, length, verdict)
      verdicts.push(verdict)
    }
    this.#askAgain(bytes, lengths, verdicts)
  }

  #checkBoundAt(bytes: Uint8Array, length: number, verdict: Sniff): void {
    const { maxBytes } = this.#sniffer
    if (verdict !== 'need-more' || length < maxBytes) return
    this.#report('bounded', bytes, length, 'anything else', verdict, `it wants more than its maxBytes, ${maxBytes}`)
  }

  #askAgain(bytes: Uint8Array, lengths: readonly number[], verdicts: readonly Sniff[]): void {
    const index = this.#random.integer(lengths.length)
    const again = this.#ask(bytes, lengths[index]!)
    if (again === undefined || isSame(again, verdicts[index]!)) return
    const what = 'the same bytes got another verdict when it was asked again'
    this.#report('pure', bytes, lengths[index]!, verdictText(verdicts[index]!), verdictText(again), what)
  }

  /** The verdict, or undefined where there is none: that is reported. */
  #ask(bytes: Uint8Array, length: number): Sniff | undefined {
    const answer = askSniffer(this.#sniffer, this.#side, bytes, length)
    if ('verdict' in answer) return answer.verdict
    const law = answer.fault === 'wrote' ? 'pure' : 'total'
    this.#report(
      law,
      bytes,
      length,
      'a verdict',
      `${answer.fault} ${answer.detail}`,
      `it ${answer.fault} ${answer.detail}`,
    )
    return undefined
  }

  #otherSamples(): readonly { readonly protocol: string; readonly bytes: Uint8Array }[] {
    return (this.#options.others ?? [])
      .filter((other) => other.protocol !== this.#sniffer.protocol && !hasOrder(this.#sniffer, other))
      .flatMap((other) => samplesOf(other, this.#side).map((bytes) => ({ protocol: other.protocol, bytes })))
  }

  /** The first of each law is enough: a broken sniffer breaks it in a thousand ways. */
  #report(law: Law, bytes: Uint8Array, prefixLength: number, expected: string, actual: string, what: string): void {
    if (this.#broken.has(law)) return
    this.#broken.add(law)
    this.#found.push(this.#violation(law, bytes, prefixLength, expected, actual, what))
  }

  #violation(
    law: Law,
    bytes: Uint8Array,
    prefixLength: number,
    expected: string,
    actual: string,
    what: string,
  ): Violation {
    const { protocol } = this.#sniffer
    return violation({
      law,
      protocol,
      side: this.#side,
      bytes: bytes.slice(),
      prefixLength,
      expected,
      actual,
      seed: this.#seed,
      what,
    })
  }
}

/** One of them wins where both match. */
export function hasOrder(one: Sniffer, other: Sniffer): boolean {
  return (one.before ?? []).includes(other.protocol) || (other.before ?? []).includes(one.protocol)
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

/** What a window without end may consist of: the sample's own bytes first. */
function fillersFor(sample: Uint8Array, cut: number): readonly Uint8Array[] {
  const own = [sample, sample.subarray(cut), sample.subarray(Math.max(0, cut - 1), cut)].filter(
    ({ length }) => length > 0,
  )
  const single = [0x00, 0x0a, 0x20, 0x30, 0x61, 0xff].map((byte) => Uint8Array.of(byte))
  return [...own, ...single, Uint8Array.of(0x0d, 0x0a)]
}
