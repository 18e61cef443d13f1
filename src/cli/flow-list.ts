import type { Gap } from '../captures/side-stream.js'
import type { FlowEnd, FlowListener, TcpFlow } from '../captures/tcp-flow.js'
import type { Side } from '../core/side.js'
import { CapturedFlow } from './captured-flow.js'
import type { FlowReport } from './flow-report.js'
import type { RecordedDetection } from './recorded-detection.js'

/** What a list of a capture's flows keeps at once, whatever the size of the capture. */
export interface ListBounds {
  /** Flows that wait for an earlier one to be certain, so that the list is in order. */
  readonly maxWaiting: number
  /** First bytes of flows that are not certain yet. */
  readonly maxKeptBytes: number
}

export const LIST_BOUNDS: ListBounds = { maxWaiting: 65_536, maxKeptBytes: 256 * 1024 * 1024 }

/**
 * Finds out what the flows of a capture are, and hands the reports out in the order in which flows began. At a bound the flow that
 * began first is let go: its report says what there was until then.
 */
export class FlowList implements FlowListener {
  readonly #recorded: RecordedDetection
  readonly #votes: 'with-votes' | 'without-votes'
  readonly #bounds: ListBounds
  /** Those whose reports are not handed out, in the order in which they began. */
  readonly #waiting = new Set<CapturedFlow>()
  /** Those that are not certain. */
  readonly #open = new Map<TcpFlow, CapturedFlow>()
  #keptBytes = 0

  constructor(recorded: RecordedDetection, votes: 'with-votes' | 'without-votes', bounds = LIST_BOUNDS) {
    this.#recorded = recorded
    this.#votes = votes
    this.#bounds = bounds
  }

  /** The reports that are certain and whose turn it is. Each is handed out once. */
  *ready(): Generator<FlowReport> {
    for (const captured of this.#waiting) {
      if (captured.report === undefined) return
      this.#waiting.delete(captured)
      yield captured.report
    }
  }

  onFlow(flow: TcpFlow): void {
    const captured = new CapturedFlow(flow, this.#recorded, this.#votes)
    this.#waiting.add(captured)
    this.#open.set(flow, captured)
    if (this.#waiting.size > this.#bounds.maxWaiting) this.#letGoFirst()
  }

  onBytes(flow: TcpFlow, side: Side, bytes: Uint8Array): void {
    const captured = this.#open.get(flow)
    if (captured === undefined) return
    this.#keptBytes -= captured.keptBytes
    captured.show(side, bytes)
    this.#keptBytes += captured.keptBytes
    if (captured.report !== undefined) this.#settled(flow)
    while (this.#keptBytes > this.#bounds.maxKeptBytes) this.#letGoFirst()
  }

  onGap(flow: TcpFlow, side: Side, gap: Gap): void {
    this.#open.get(flow)?.break(side, gap)
  }

  onEnd(flow: TcpFlow, reason: FlowEnd): void {
    const captured = this.#open.get(flow)
    if (captured === undefined) return
    this.#keptBytes -= captured.keptBytes
    captured.conclude(reason === 'too-many' && flow.closing === 'open')
    this.#settled(flow)
  }

  /** What is certain needs no more bytes. */
  #settled(flow: TcpFlow): void {
    this.#open.delete(flow)
    flow.ignore('client')
    flow.ignore('server')
  }

  #letGoFirst(): void {
    const [first] = this.#open
    if (first === undefined) return
    const [flow, captured] = first
    this.#keptBytes -= captured.keptBytes
    captured.conclude(true)
    this.#settled(flow)
  }
}
