import type { PacketCounts } from '../captures/flow-reader.js'
import { factsText } from './connection-line.js'
import type { FlowGap, FlowReport } from './flow-report.js'
import { counted } from './quantities.js'
import { voteLines } from './trace-text.js'

/** Columns are as wide as is usual, the first as wide as the first flows need; what is longer moves the rest of its line. */
const OUTCOME_WIDTH = 'detected'.length
const PROTOCOL_WIDTH = 'protocol'.length
const BY_WIDTH = 'server'.length
const BYTES_WIDTH = 'bytes c+s'.length
const GAP = '  '
/** Facts come from strangers: nothing of theirs may steer a terminal. */
const UNPRINTABLE = /[^\x20-\x7e]/g

/** `10.1.2.3:51022 > 10.0.0.9:8080` */
export function flowEnds({ client, server }: Pick<FlowReport, 'client' | 'server'>): string {
  return `${client} > ${server}`
}

export function flowHeader(endsWidth: number): string {
  return columns(endsWidth, ['flow', 'outcome', 'protocol', 'by', 'bytes c+s', 'facts'])
}

/** One line for people, and one for each vote where they were asked for. */
export function flowLines(report: FlowReport, endsWidth: number): string {
  const { outcome, protocol = '-', decidedBy = '-', bytes, why, votes = [] } = report
  const told = [factsText(report.facts), why ?? '', ...notes(report)].filter((text) => text !== '').join('; ')
  const line = [flowEnds(report), outcome, protocol, decidedBy, `${bytes.client}+${bytes.server}`, told]
  return (
    columns(endsWidth, line) +
    voteLines(votes, report)
      .map((text) => `${text}\n`)
      .join('')
  )
}

/** What a reader must know to trust a line. */
export function notes({ beginning, gaps, protocol, portOverride, isLetGo }: FlowReport): string[] {
  return [
    ...(beginning === 'mid-connection' ? ['begins in mid-connection, client and server are a guess'] : []),
    ...gaps.map(gapText),
    ...(isLetGo ? ['let go before its end: too many flows at once'] : []),
    ...(portOverride !== undefined && portOverride !== protocol ? [`port-override would say ${portOverride}`] : []),
  ]
}

/** `client: 1340 bytes not captured after the first 120` */
export function gapText({ side, kind, bytes, after }: FlowGap): string {
  const what =
    kind === 'cut' ? 'cut off by the snap length' : kind === 'too-far-ahead' ? 'too far ahead' : 'not captured'
  return `${side}: ${counted(bytes, 'byte')} ${what} after the first ${after}`
}

/** How many flows came to what. */
export interface FlowSummary {
  readonly flows: number
  readonly named: number
  /** That said something, and got no name. */
  readonly opaque: number
  /** That said nothing. */
  readonly silent: number
  readonly beganBefore: number
  readonly withGaps: number
  readonly letGo: number
  readonly packets: PacketCounts
}

/** The lines under the table. `example`: a flow that is worth a look. */
export function summaryLines(summary: FlowSummary, example: number | undefined): string {
  const { flows, named, opaque, silent, beganBefore, withGaps, letGo } = summary
  const hint = example === undefined ? '' : `. One flow in full: --flow ${example}`
  const silence = silent > 0 ? `, ${silent} silent` : ''
  const lines = [`${counted(flows, 'flow')}, ${named} named, ${opaque} opaque${silence}${hint}`]
  if (beganBefore > 0) lines.push(`${counted(beganBefore, 'flow')} began before the capture`)
  if (withGaps > 0)
    lines.push(
      `${counted(withGaps, 'flow')} with bytes that the capture does not have: what a side says after them is not looked at`,
    )
  if (letGo > 0) lines.push(`${counted(letGo, 'flow')} let go before the end: too many at once`)
  const left = leftOut(summary.packets)
  if (left.length > 0)
    lines.push(`${counted(summary.packets.packets, 'packet')}, of which not in a flow: ${left.join(', ')}`)
  return lines.map((line) => `${line}\n`).join('')
}

function leftOut({ otherIp, notIp, malformed, lostFragments, unknownLinkTypes }: PacketCounts): string[] {
  return [
    [otherIp, 'of IP with something else than TCP in it'],
    [notIp, 'not IP'],
    [malformed, 'with headers that are cut or damaged'],
    [lostFragments, 'fragments whose rest is missing'],
    ...[...unknownLinkTypes].map(([type, count]) => [count, `of link type ${type}, which is not known`] as const),
  ]
    .filter(([count]) => (count as number) > 0)
    .map(([count, what]) => `${count} ${what}`)
}

function columns(endsWidth: number, [ends, outcome, protocol, by, bytes, told]: readonly string[]): string {
  const line = [
    ends!.padEnd(endsWidth),
    outcome!.padEnd(OUTCOME_WIDTH),
    protocol!.padEnd(PROTOCOL_WIDTH),
    by!.padEnd(BY_WIDTH),
    bytes!.padEnd(BYTES_WIDTH),
    told!,
  ].join(GAP)
  return `${line.replace(UNPRINTABLE, '?').trimEnd()}\n`
}
