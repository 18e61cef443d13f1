import { checkedVerdict } from './checked-verdict.js'
import { type DecidedBy, type DetectionResult, type DetectOutcome, NO_FACTS } from './detection-result.js'
import type { LookedAt } from './looked-at.js'
import type { Side } from './side.js'
import type { Facts, Sniff, Sniffer } from './sniffer.js'

const BYTE_VALUES = 256

/**
 * Which sniffers are asked, in which order, for each side and first byte. Made once at start-up; shared by all connections.
 *
 * Since a verdict other than `need-more` never changes, a sniffer that says no to a one-byte window can never match a window that
 * begins with that byte: running all over the 256 first bytes once leaves, for most, none or one to ask.
 */
export class SnifferPlan {
  readonly sniffers: readonly Sniffer[]
  readonly #client: readonly (readonly Sniffer[])[]
  readonly #server: readonly (readonly Sniffer[])[]
  /** Hears of a sniffer that threw: it loses its vote on that connection. */
  readonly onSnifferError: (sniffer: Sniffer, error: unknown) => void

  constructor(sniffers: readonly Sniffer[], onSnifferError: SnifferPlan['onSnifferError']) {
    this.sniffers = sniffers
    this.onSnifferError = onSnifferError
    this.#client = firstByteTable(sniffers, 'client')
    this.#server = firstByteTable(sniffers, 'server')
  }

  /** A plan of the sniffer of one protocol; undefined where there is none, or it has no facts to give. */
  only(protocol: string | undefined): SnifferPlan | undefined {
    const sniffers = this.sniffers.filter((sniffer) => sniffer.protocol === protocol)
    return sniffers.length === 0 ? undefined : new SnifferPlan(sniffers, this.onSnifferError)
  }

  candidates(side: Side, firstByte: number): readonly Sniffer[] {
    return (side === 'client' ? this.#client : this.#server)[firstByte]!
  }

  /** The sniffer's verdict; a throw, what is no verdict, or wanting more than its own bound, is a no. `seen` as in `Sniffer`. */
  ask(sniffer: Sniffer, side: Side, window: Uint8Array, seen = 0): Sniff {
    try {
      const verdict = checkedVerdict(
        side === 'client' ? sniffer.client?.(window, seen) : sniffer.server?.(window, seen),
      )
      return verdict === 'need-more' && window.length >= sniffer.maxBytes ? 'no-match' : verdict
    } catch (error) {
      this.onSnifferError(sniffer, error)
      return 'no-match'
    }
  }
}

function firstByteTable(sniffers: readonly Sniffer[], side: Side): Sniffer[][] {
  const window = new Uint8Array(1)
  return Array.from({ length: BYTE_VALUES }, (_, byte) => {
    window[0] = byte
    return sniffers.filter((sniffer) => {
      try {
        const verdict = side === 'client' ? sniffer.client?.(window, 0) : sniffer.server?.(window, 0)
        return verdict !== undefined && verdict !== 'no-match'
      } catch {
        return true // it may throw on live bytes too, where it is counted
      }
    })
  })
}

/** What one side's bytes have been found to be so far. */
class SideVote {
  readonly #plan: SnifferPlan
  readonly #side: Side
  /** Sniffers that have not said no, in order; the last one may have matched. Undefined before the first byte. */
  #candidates: readonly Sniffer[] | undefined
  /** Matched, but an earlier sniffer still wants more: it would win. */
  #standing: Sniffer | undefined
  #standingVerdict: Sniff = 'need-more'
  /** Protocols whose time was over before this side had said anything. */
  #givenUp: string[] | undefined
  /** Bytes looked at. */
  size = 0
  winner: Sniffer | undefined
  facts: Facts = NO_FACTS
  /** The winner has said all: more bytes teach nothing. */
  isComplete = false

  constructor(plan: SnifferPlan, side: Side) {
    this.#plan = plan
    this.#side = side
  }

  /** Every sniffer has said no. */
  get isNo(): boolean {
    return this.winner === undefined && this.#candidates !== undefined && this.#candidates.length === 0
  }

  get hasBegun(): boolean {
    return this.#candidates !== undefined
  }

  look(window: Uint8Array): void {
    if (window.length === 0 || this.isComplete || this.isNo) return
    const seen = this.size
    this.size = window.length
    if (this.winner) this.#win(this.winner, this.#plan.ask(this.winner, this.#side, window, seen))
    else this.#poll(this.#candidates ?? this.#firstCandidates(window[0]!), window, seen)
  }

  /**
   * The sniffer of `protocol` has had its time: from now on it is as if it had said no; a winner is content with the facts that it
   * has. True where it still wanted more.
   */
  giveUp(protocol: string): boolean {
    if (this.winner) {
      const isWaiting = this.winner.protocol === protocol && !this.isComplete
      this.isComplete ||= isWaiting
      return isWaiting
    }
    if (this.#candidates === undefined) {
      const givenUp = (this.#givenUp ??= [])
      givenUp.push(protocol)
      return false
    }
    const left = this.#candidates.filter((sniffer) => sniffer.protocol !== protocol)
    const isWaiting = left.length < this.#candidates.length
    this.#candidates = left
    if (this.#standing && left[0] === this.#standing) this.#win(this.#standing, this.#standingVerdict)
    return isWaiting
  }

  /** No more bytes will come: who still wanted more never matches, so that the standing match has it. */
  settle(): void {
    if (this.#standing) this.#win(this.#standing, this.#standingVerdict)
    else if (this.winner === undefined) this.#candidates = []
    this.isComplete ||= this.winner !== undefined
  }

  #firstCandidates(firstByte: number): readonly Sniffer[] {
    const candidates = this.#plan.candidates(this.#side, firstByte)
    const givenUp = this.#givenUp
    return givenUp ? candidates.filter(({ protocol }) => !givenUp.includes(protocol)) : candidates
  }

  #poll(candidates: readonly Sniffer[], window: Uint8Array, seen: number): void {
    let kept: Sniffer[] | undefined
    const stood = this.#standing
    this.#standing = undefined
    for (const sniffer of candidates) {
      // A match is final: it is not asked again while it stands.
      const hasMatched = sniffer === stood && this.#standingVerdict !== 'sure'
      const verdict = hasMatched ? this.#standingVerdict : this.#plan.ask(sniffer, this.#side, window, seen)
      if (verdict === 'no-match') continue
      if (verdict !== 'need-more' && kept === undefined) return this.#win(sniffer, verdict)
      kept ??= []
      kept.push(sniffer)
      if (verdict === 'need-more') continue
      this.#standing = sniffer
      this.#standingVerdict = verdict
      break // it wins over all that follow
    }
    this.#candidates = kept ?? []
  }

  #win(sniffer: Sniffer, verdict: Sniff): void {
    this.winner = sniffer
    this.#standing = undefined
    if (verdict === 'sure') return
    this.isComplete = true
    if (typeof verdict === 'object') this.facts = verdict.facts
  }
}

/**
 * Finds the name of one connection from the first bytes of both sides. Pure: no time, no I/O; live connections, recordings and
 * `sluice sniff` go through it. Each side's window is given whole each time it has grown.
 */
export class Detection {
  readonly #client: SideVote
  readonly #server: SideVote
  readonly #lookedAt: LookedAt | undefined
  /** The side that gave the name first. */
  #named: SideVote | undefined
  #spokeFirst: Side | undefined

  /** `lookedAt` is shown what this is shown, to explain it later. */
  constructor(plan: SnifferPlan, lookedAt?: LookedAt) {
    this.#client = new SideVote(plan, 'client')
    this.#server = new SideVote(plan, 'server')
    this.#lookedAt = lookedAt
  }

  /** Shows the window of a side; true when this brought something new: a name, its facts, or a side's last no. */
  look(side: Side, window: Uint8Array): boolean {
    this.#lookedAt?.look(side, window)
    if (window.length > 0) this.#spokeFirst ??= side
    const vote = this.#vote(side)
    const wasOpen = !vote.isComplete && !vote.isNo
    const hadName = vote.winner !== undefined
    vote.look(window)
    if (vote.winner) this.#named ??= vote
    return wasOpen && (vote.isComplete || vote.isNo || hadName !== (vote.winner !== undefined))
  }

  /** The sniffer of `protocol` has had its time: it is not waited for any more. True where it still was. */
  giveUp(protocol: string): boolean {
    const wanted = [this.#client, this.#server].filter((vote) => vote.giveUp(protocol))
    for (const vote of [this.#client, this.#server]) if (vote.winner) this.#named ??= vote
    return wanted.length > 0
  }

  /** No more bytes of this side will be shown: it has ended, or its window is full. */
  settle(side: Side): void {
    const vote = this.#vote(side)
    vote.settle()
    if (vote.winner) this.#named ??= vote
  }

  /** The protocol's name, as soon as one side has given it. */
  get protocol(): string | undefined {
    return this.#named?.winner?.protocol
  }

  /** The name is there, and the facts that come with it. */
  get isComplete(): boolean {
    return this.#named?.isComplete ?? false
  }

  isNo(side: Side): boolean {
    return this.#vote(side).isNo
  }

  hasBegun(side: Side): boolean {
    return this.#vote(side).hasBegun
  }

  /** The result as it stands: the name where there is one, else `otherwise`. */
  result(otherwise: Exclude<DetectOutcome, 'detected'>): DetectionResult {
    const named = this.#named
    const bytes = { client: this.#client.size, server: this.#server.size }
    if (named?.winner === undefined) {
      const spokeFirst = this.#spokeFirst
      return { outcome: otherwise, bytes, facts: NO_FACTS, ...(spokeFirst && { spokeFirst }) }
    }
    const decidedBy: DecidedBy = named === this.#client ? 'client' : 'server'
    return { outcome: 'detected', protocol: named.winner.protocol, decidedBy, bytes, facts: named.facts }
  }

  #vote(side: Side): SideVote {
    return side === 'client' ? this.#client : this.#server
  }
}
