import { roundFractions } from '../admin/round-fractions.js'
import type { CloseSummary } from '../core/close-summary.js'
import { withoutControls } from '../core/error-text.js'
import type { Facts } from '../core/sniffer.js'
import type { ConnectionSnapshot } from '../sluice.js'
import { clockTime } from './clock-time.js'
import { formatBytes, formatMs } from './quantities.js'

/** Columns are as wide as is usual, so that lines stand below each other; what is longer moves the rest of its line. */
const ID_WIDTH = 2
const SOURCE_WIDTH = '127.0.0.1:51022'.length
const PROTOCOL_WIDTH = 'http/1'.length
const DETECTION_WIDTH = 'http/1  client, 16384 B, 0.2 ms'.length
const DESTINATION_WIDTH = '> web 127.0.0.1:65535'.length
const GAP = '  '

/** Facts come from strangers, and a terminal is no place for a kilobyte of them. */
const MAX_FACTS_LENGTH = 80

/** One line for people when protocol and destination are known: who, what, how it was found out, where to. */
export function decidedLine(connection: ConnectionSnapshot, at: Date, listenerWidth: number): string {
  const { source, protocol, outcome } = connection
  const name = (protocol ?? outcome ?? '-').padEnd(PROTOCOL_WIDTH)
  const columns = [
    ...leadingColumns(connection, at, listenerWidth),
    source.padEnd(SOURCE_WIDTH),
    [name, detectionText(connection)].join(GAP).padEnd(DETECTION_WIDTH),
    destinationText(connection).padEnd(DESTINATION_WIDTH),
    factsText(connection.facts),
  ]
  return `${withoutControls(columns.join(GAP)).trimEnd()}\n`
}

/** One line for people when a connection is over: how it ended, and what it came to. */
export function closedLine(summary: CloseSummary, at: Date, listenerWidth: number): string {
  const { bytes, durationMs, http, facts } = summary
  const parts = [
    endText(summary),
    formatMs(durationMs),
    `${formatBytes(bytes.client)} up`,
    `${formatBytes(bytes.server)} down`,
  ]
  if (http && http.responses > 0) parts.push(responsesText(http))
  // It came after the line that had the other facts.
  if (facts['upgrade'] === 'tls') parts.push(upgradeText(facts))
  return `${withoutControls([...leadingColumns(summary, at, listenerWidth), parts.join(', ')].join(GAP))}\n`
}

/** The JSON line of a connection that is over, in the words of the summary, who and what first. */
export function closedRecord(summary: CloseSummary, at: Date): string {
  const { listener, connection, source, destination, upstream, route, outcome, protocol, decidedBy, facts, ...rest } =
    summary
  const first = { listener, connection, source, destination, upstream, route, outcome, protocol, decidedBy, facts }
  return `${JSON.stringify({ level: 'info', time: at.toISOString(), msg: 'closed', ...first, ...rest }, roundFractions)}\n`
}

function leadingColumns({ listener, connection }: ConnectionSnapshot, at: Date, listenerWidth: number): string[] {
  return [clockTime(at), listener.padEnd(listenerWidth), `#${connection}`.padEnd(ID_WIDTH)]
}

function detectionText({ decidedBy, detection, spokeFirst }: ConnectionSnapshot): string {
  if (decidedBy === 'port') return 'port'
  // Most clients speak first: what is worth a word is a greeting that nobody knew.
  const by = decidedBy === undefined ? (spokeFirst === 'server' ? ['server first'] : []) : [decidedBy]
  if (detection === undefined) return by.join('')
  const { client, server } = detection.bytes
  const bytes = decidedBy === undefined ? client + server : detection.bytes[decidedBy]
  return [...by, formatBytes(bytes), formatMs(detection.durationMs)].join(', ')
}

function destinationText({ denied, upstream, destination }: ConnectionSnapshot): string {
  if (denied) return `denied by ${denied.filter}: ${denied.reason}`
  if (destination === undefined) return ''
  const isPicked = upstream !== undefined && upstream !== destination
  return `> ${isPicked ? `${upstream} ` : ''}${destination}`
}

export function factsText(facts: Facts): string {
  const text = Object.entries(facts)
    .map(([fact, value]) => (value === true ? fact : typeof value === 'object' ? value.join(',') : String(value)))
    .join(' ')
    .replace(/[^\x20-\x7e]/g, '?')
  return text.length > MAX_FACTS_LENGTH ? `${text.slice(0, MAX_FACTS_LENGTH)}…` : text
}

function endText(summary: CloseSummary): string {
  const { reason, closedBy, error, destination } = summary
  switch (reason) {
    case 'end':
      return `closed by ${closedBy}`
    case 'reset':
      return `reset by ${closedBy}`
    case 'denied':
      return destinationText(summary)
    case 'connect-failed':
      return `could not connect${destination === undefined ? '' : ` ${destination}`}: ${error ?? 'failed'}`
    case 'idle-timeout':
      return 'cut after the idle timeout'
    case 'half-close-timeout':
      return 'cut after the half-close timeout'
    case 'answered':
      return 'answered'
    case 'error':
      return `ended by a bug: ${error ?? 'see the log'}`
    case 'stopped':
      return 'cut by the stop'
  }
}

function responsesText({ responses, lastStatus }: NonNullable<CloseSummary['http']>): string {
  return responses === 1 ? `1 response ${lastStatus}` : `${responses} responses, last ${lastStatus}`
}

function upgradeText({ sni }: Facts): string {
  return typeof sni === 'string' ? `went on in TLS for ${sni}` : 'went on in TLS'
}
