import { msBetween } from '../captures/captured-packet.js'
import type { Gap } from '../captures/side-stream.js'
import type { FlowEnd, FlowListener, TcpFlow } from '../captures/tcp-flow.js'
import type { Side } from '../core/side.js'
import { CapturedFlow } from './captured-flow.js'
import type { FlowReport } from './flow-report.js'
import { flowEnds, notes } from './flow-text.js'
import { counted, formatMs } from './quantities.js'
import type { RecordedDetection } from './recorded-detection.js'
import { voteLines } from './trace-text.js'

/** What is listed of who said how much when: what comes later decides nothing. */
const MAX_SPOKEN = 64
const TIME_WIDTH = 9
const UNPRINTABLE = /[^\x20-\x7e]/g

/** One side says something, after which the other one does, or a gap comes. */
interface Spoken {
  readonly atMs: number
  readonly from: Side
  bytes: number
  readonly gap?: Gap['kind']
}

/** A flow's report, with what the capture shows of its course. */
export interface FullFlowReport extends FlowReport {
  readonly closing: TcpFlow['closing']
  readonly packets: number
  readonly durationMs: number
  readonly spoken: readonly Spoken[]
}

/** Looks at one flow of a capture, to its end. */
export class FlowInFull implements FlowListener {
  readonly #number: number
  readonly #recorded: RecordedDetection
  #captured: CapturedFlow | undefined
  readonly #spoken: Spoken[] = []
  #report: FullFlowReport | undefined
  #flowCount = 0

  constructor(number: number, recorded: RecordedDetection) {
    this.#number = number
    this.#recorded = recorded
  }

  /** Once the flow is over; undefined while it goes on, or where there is none of that number. */
  get report(): FullFlowReport | undefined {
    return this.#report
  }

  get flowCount(): number {
    return this.#flowCount
  }

  onFlow(flow: TcpFlow): void {
    this.#flowCount = flow.number
    if (flow.number === this.#number) {
      this.#captured = new CapturedFlow(flow, this.#recorded, 'with-votes')
      return
    }
    flow.ignore('client')
    flow.ignore('server')
  }

  onBytes(flow: TcpFlow, side: Side, bytes: Uint8Array): void {
    if (flow.number !== this.#number) return
    this.#captured?.show(side, bytes)
    this.#speak(flow, side, bytes.length)
  }

  onGap(flow: TcpFlow, side: Side, gap: Gap): void {
    if (flow.number !== this.#number) return
    this.#captured?.break(side, gap)
    this.#speak(flow, side, gap.bytes, gap.kind)
  }

  onEnd(flow: TcpFlow, reason: FlowEnd): void {
    if (flow.number !== this.#number || this.#captured === undefined) return
    this.#captured.conclude(reason === 'too-many' && flow.closing === 'open')
    const { closing, packetCount: packets, firstAt, lastAt } = flow
    const durationMs = msBetween(firstAt, lastAt)
    this.#report = { ...this.#captured.report!, closing, packets, durationMs, spoken: this.#spoken }
  }

  #speak(flow: TcpFlow, from: Side, bytes: number, gap?: Gap['kind']): void {
    const last = this.#spoken.at(-1)
    if (last?.from === from && last.gap === undefined && gap === undefined) last.bytes += bytes
    else if (this.#spoken.length < MAX_SPOKEN)
      this.#spoken.push({ atMs: msBetween(flow.firstAt, flow.lastAt), from, bytes, ...(gap && { gap }) })
  }
}

const CLOSINGS = { open: 'not closed', reset: 'reset', closed: 'closed by both' } as const

/** Everything about one flow, for people. */
export function fullFlowText(report: FullFlowReport, isWithVotes: boolean): string {
  const { outcome, protocol, decidedBy, bytes, facts, why, spoken, packets, durationMs, closing, votes = [] } = report
  const course = `${counted(packets, 'packet')} in ${formatMs(durationMs)}, ${CLOSINGS[closing]}`
  const name = protocol === undefined ? `${outcome}: no name` : `${outcome} ${protocol} by ${decidedBy}`
  const lines = [
    [`#${report.flow}`, flowEnds(report), protocol ?? outcome, course].join('  '),
    ...notes(report).map((note) => `  ${note}`),
    '',
    ...spoken.map(spokenLine),
    ...(spoken.length === MAX_SPOKEN ? [`${' '.repeat(TIME_WIDTH)}  and so on`] : []),
    `detect    ${name}, ${bytes.client} + ${bytes.server} bytes`,
    ...(why === undefined ? [] : [`  ${why}`]),
    ...Object.entries(facts).map(([fact, value]) => `  ${fact}: ${String(value)}`),
    ...(isWithVotes ? voteLines(votes, report) : []),
  ]
  return lines.map((line) => `${line.replace(UNPRINTABLE, '?').trimEnd()}\n`).join('')
}

function spokenLine({ atMs, from, bytes, gap }: Spoken): string {
  const what = gap === undefined ? counted(bytes, 'byte') : `${counted(bytes, 'byte')} that the capture does not have`
  return `${`${atMs.toFixed(2)} ms`.padStart(TIME_WIDTH)}  ${from}  ${what}`
}
