import type { Gap } from '../captures/side-stream.js'
import type { TcpFlow } from '../captures/tcp-flow.js'
import { votesOnLooks } from '../core/explain-looks.js'
import { LookedAt } from '../core/looked-at.js'
import type { Side } from '../core/side.js'
import { TwoSidedDetection } from '../core/two-sided-detection.js'
import { endsOf, type FlowGap, type FlowReport, whyUnnamed } from './flow-report.js'
import type { RecordedDetection } from './recorded-detection.js'

/** Detection of one flow of a capture: its bytes are shown as they come, and kept only as long as they may decide something. */
export class CapturedFlow {
  readonly #flow: TcpFlow
  readonly #recorded: RecordedDetection
  readonly #lookedAt: LookedAt
  readonly #detection: TwoSidedDetection
  readonly #said: Record<Side, number> = { client: 0, server: 0 }
  readonly #gaps: FlowGap[] = []
  #report: FlowReport | undefined

  readonly #votes: 'with-votes' | 'without-votes'

  constructor(flow: TcpFlow, recorded: RecordedDetection, votes: 'with-votes' | 'without-votes') {
    const { plan, windowBytes } = recorded
    this.#votes = votes
    this.#flow = flow
    this.#recorded = recorded
    this.#lookedAt = new LookedAt(plan, windowBytes, { elapsedMs: 0, stepCount: 0 }, false)
    this.#detection = new TwoSidedDetection(plan, windowBytes, this.#lookedAt)
  }

  /** What it turned out to be, once that is certain, or the flow is over. */
  get report(): FlowReport | undefined {
    return this.#report
  }

  /** Bytes that are kept: by detection, and for the votes. */
  get keptBytes(): number {
    return this.#report === undefined ? 2 * (this.#kept('client') + this.#kept('server')) : 0
  }

  show(side: Side, bytes: Uint8Array): void {
    this.#said[side] += bytes.length
    if (this.#report !== undefined) return
    this.#detection.show(side, bytes)
    if (this.#detection.isConcluded) this.#settle()
  }

  /** What a side says after a gap is not looked at: a sniffer would take it for what comes next. */
  break(side: Side, gap: Gap): void {
    this.#gaps.push({ side, ...gap, after: this.#said[side] })
    this.#flow.ignore(side)
  }

  /** No more of it will be shown. */
  conclude(isLetGo = false): void {
    if (this.#report !== undefined) return
    this.#detection.conclude()
    this.#settle(isLetGo)
  }

  #settle(isLetGo = false): void {
    const flow = this.#flow
    const portOverride = this.#recorded.protocolsByPort.get(flow.server.port)
    const { outcome, protocol, decidedBy, bytes, facts } = this.#detection.result
    // To say who voted what takes some hundred looks at a flow, so that it is asked only where it will be told.
    const votes = protocol === undefined || this.#votes === 'with-votes' ? votesOnLooks(this.#lookedAt) : []
    this.#report = {
      flow: flow.number,
      ...endsOf(flow),
      beginning: flow.beginning,
      outcome,
      ...(protocol !== undefined && { protocol }),
      ...(decidedBy && { decidedBy }),
      bytes,
      facts,
      gaps: this.#gaps,
      ...(portOverride !== undefined && { portOverride }),
      ...(isLetGo && { isLetGo }),
      ...(protocol === undefined && { why: whyUnnamed(votes) }),
      ...(this.#votes === 'with-votes' && { votes }),
    }
  }

  #kept(side: Side): number {
    return Math.min(this.#said[side], this.#recorded.windowBytes)
  }
}
