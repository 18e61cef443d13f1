import type { PacketCounts } from '../captures/flow-reader.js'
import type { FlowReport } from './flow-report.js'
import { flowEnds, flowHeader, flowLines, type FlowSummary, summaryLines } from './flow-text.js'

/** So many flows say how wide the first column is. */
const MEASURED_FLOWS = 100
const MIN_ENDS_WIDTH = '10.1.2.3:51022 > 10.0.0.9:8080'.length + 9

/** Writes a capture's flows as a table and what it came to, or as JSON lines, the last of them the summary. */
export class FlowOutput {
  readonly #format: 'text' | 'json'
  readonly #write: (text: string) => Promise<void>
  /** The first ones, until it is known how wide the table is. */
  #measured: FlowReport[] | undefined = []
  #endsWidth = MIN_ENDS_WIDTH
  #flows = 0
  #named = 0
  #silent = 0
  #beganBefore = 0
  #withGaps = 0
  #letGo = 0
  #firstUnnamed: number | undefined

  constructor(format: 'text' | 'json', write: (text: string) => Promise<void>) {
    this.#format = format
    this.#write = write
  }

  async write(report: FlowReport): Promise<void> {
    this.#count(report)
    if (this.#format === 'json') return this.#write(`${JSON.stringify(report)}\n`)
    if (this.#measured === undefined) return this.#write(flowLines(report, this.#endsWidth))
    this.#measured.push(report)
    if (this.#measured.length === MEASURED_FLOWS) await this.#begin(this.#measured)
  }

  /** All flows are written. */
  async end(packets: PacketCounts): Promise<void> {
    const [flows, named, silent] = [this.#flows, this.#named, this.#silent]
    const [beganBefore, withGaps, letGo] = [this.#beganBefore, this.#withGaps, this.#letGo]
    const opaque = flows - named - silent
    const summary: FlowSummary = { flows, named, opaque, silent, beganBefore, withGaps, letGo, packets }
    if (this.#format === 'json') {
      const unknownLinkTypes = Object.fromEntries(packets.unknownLinkTypes)
      return this.#write(`${JSON.stringify({ summary: { ...summary, packets: { ...packets, unknownLinkTypes } } })}\n`)
    }
    if (this.#measured) await this.#begin(this.#measured)
    const example = this.#firstUnnamed ?? (flows > 0 ? flows : undefined)
    await this.#write(summaryLines(summary, example))
  }

  async #begin(reports: readonly FlowReport[]): Promise<void> {
    this.#measured = undefined
    if (reports.length === 0) return
    this.#endsWidth = Math.max(MIN_ENDS_WIDTH, ...reports.map((report) => flowEnds(report).length))
    await this.#write(
      flowHeader(this.#endsWidth) + reports.map((report) => flowLines(report, this.#endsWidth)).join(''),
    )
  }

  #count({ flow, protocol, bytes, beginning, gaps, isLetGo }: FlowReport): void {
    this.#flows++
    if (protocol !== undefined) this.#named++
    else if (bytes.client + bytes.server === 0) this.#silent++
    else this.#firstUnnamed ??= flow
    if (beginning !== 'syn') this.#beganBefore++
    if (gaps.length > 0) this.#withGaps++
    if (isLetGo) this.#letGo++
  }
}
