import { checkedVerdict } from '../core/checked-verdict.js'
import { errorText } from '../core/error-text.js'
import type { Side } from '../core/side.js'
import type { Bytes, Sniff, Sniffer } from '../core/sniffer.js'
import { latin1Bytes } from './compare-bytes.js'
import type { PluginProblem } from './plugin-problem.js'
import { showBytes } from './show-bytes.js'

/** A sniffer and whose it is: a plugin's, as messages call it, or a built-in one. */
export interface OwnedSniffer {
  readonly sniffer: Sniffer
  readonly owner: string | undefined
}

/** What is wrong with the sniffer of a plugin, said where that plugin is named. */
export interface SnifferProblem extends PluginProblem {
  /** Of the two that disagree, the plugin's; of two plugins', the one that is asked later. */
  readonly sniffer: Sniffer
  /** The protocols of those that disagree. */
  readonly between: readonly string[]
}

/**
 * Runs each sniffer's samples through all others, in the order in which they are asked. Two that claim the same bytes need an order
 * between them; and none may want more bytes after a whole sample of a later one, which would wait for it. Built-ins among
 * themselves are tested, not looked at here. A sniffer that throws says no, as it does on a live connection.
 */
export function findSnifferConflicts(ordered: readonly OwnedSniffer[]): readonly SnifferProblem[] {
  const problems = ordered.flatMap((one, index) =>
    SIDES.flatMap((side) =>
      samplesOf(one.sniffer, side).flatMap((sample) => [
        ...checkOwn(one, side, sample),
        ...ordered.flatMap((other, at) => (other === one ? [] : checkOther(one, other, at < index, side, sample))),
      ]),
    ),
  )
  return firstOfEach(problems)
}

/** Samples are many, and two sniffers disagree for one reason. */
function firstOfEach(problems: readonly SnifferProblem[]): SnifferProblem[] {
  const said = new Set<string>()
  return problems.filter(({ code, between }) => {
    const key = `${code} ${between.toSorted().join(' ')}`
    return !said.has(key) && said.add(key)
  })
}

const SIDES: readonly Side[] = ['client', 'server']

/** A sample that its own sniffer does not know finds no conflict either. */
function checkOwn({ sniffer, owner }: OwnedSniffer, side: Side, sample: Uint8Array): SnifferProblem[] {
  const verdict = ask(sniffer, side, sample)
  if (owner === undefined || isYes(verdict)) return []
  const said = saidOf(sniffer, side, sample, verdict)
  const message = `${owner}: the sniffer of "${sniffer.protocol}" ${said} its own ${side} sample ${showBytes(sample)}: a sample is what it recognises`
  return [{ code: 'SLUICE_PLUGIN_SAMPLE', message, sniffer, between: [sniffer.protocol] }]
}

function checkOther(
  one: OwnedSniffer,
  other: OwnedSniffer,
  isOtherEarlier: boolean,
  side: Side,
  sample: Uint8Array,
): SnifferProblem[] {
  const blamed = one.owner === undefined || (other.owner !== undefined && !isOtherEarlier) ? other : one
  if (blamed.owner === undefined) return []
  const verdict = ask(other.sniffer, side, sample)
  const [mine, theirs] = [one.sniffer.protocol, other.sniffer.protocol]
  const blame = { sniffer: blamed.sniffer, between: [mine, theirs] }
  const bytes = `${side} bytes ${showBytes(sample)}`
  if (isYes(verdict) && !hasOrder(one.sniffer, other.sniffer)) {
    const orders = [winning(one, other), winning(other, one)].filter((order) => order !== undefined)
    const message = `${named(other)} claims a sample of ${named(one)}, ${bytes}: let the plugin's say no to it, or say who wins, with ${orders.join(' or ')}`
    return [{ code: 'SLUICE_PLUGIN_CONFLICT', message, ...blame }]
  }
  if (verdict === 'need-more' && isOtherEarlier) {
    const remedies = [
      other.owner === undefined ? undefined : `let "${theirs}" say no sooner`,
      one.owner === undefined ? undefined : 'make the sample longer',
      winning(one, other),
    ].filter((remedy) => remedy !== undefined)
    const message = `${named(other)} is asked before ${named(one)}, and wants more after its whole sample, ${bytes}: the name would have to wait. Remedies: ${remedies.join(', or ')}`
    return [{ code: 'SLUICE_PLUGIN_WAITS', message, ...blame }]
  }
  return []
}

/** How `winner` is put before `loser`; a built-in sniffer cannot be told. */
function winning(winner: OwnedSniffer, loser: OwnedSniffer): string | undefined {
  if (winner.owner === undefined) return undefined
  return `before: ["${loser.sniffer.protocol}"] in "${winner.sniffer.protocol}"`
}

function named({ sniffer, owner }: OwnedSniffer): string {
  return `"${sniffer.protocol}" (${owner ?? 'built-in'})`
}

function hasOrder(one: Sniffer, other: Sniffer): boolean {
  return (one.before?.includes(other.protocol) ?? false) || (other.before?.includes(one.protocol) ?? false)
}

function isYes(verdict: Sniff): boolean {
  return verdict !== 'need-more' && verdict !== 'no-match'
}

function samplesOf(sniffer: Sniffer, side: Side): Uint8Array[] {
  if (sniffer[side] === undefined) return []
  return (sniffer.samples[side] ?? []).map((sample: Bytes) =>
    typeof sample === 'string' ? latin1Bytes(sample) : sample,
  )
}

/** What a sniffer does that does not know its own sample. */
function saidOf(sniffer: Sniffer, side: Side, sample: Uint8Array, verdict: Sniff): string {
  try {
    checkedVerdict(sniffer[side]?.(Uint8Array.from(sample)))
  } catch (error) {
    return `fails (${errorText(error)}) on`
  }
  return verdict === 'need-more' ? 'wants more after' : 'says no to'
}

/** As detection asks: a throw, what is no verdict, or wanting more than its own bound, is a no. Each gets a copy, so that none can spoil another's. */
function ask(sniffer: Sniffer, side: Side, sample: Uint8Array): Sniff {
  try {
    const verdict = checkedVerdict(sniffer[side]?.(Uint8Array.from(sample)))
    return verdict === 'need-more' && sample.length >= sniffer.maxBytes ? 'no-match' : verdict
  } catch {
    return 'no-match'
  }
}
