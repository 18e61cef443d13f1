import { isIP } from 'node:net'
import type { Address } from '../core/address.js'
import type { CloseSummary } from '../core/close-summary.js'
import { parseHostPort } from '../core/config/scalar-text.js'
import type { Registry } from '../core/config/registry.js'
import type { Segment } from '../core/sniff-recording.js'
import { UsageError } from './exit-code.js'
import { carryRecording, type RecordedConnection } from './recorded-connection.js'
import type { RecordedDetection } from './recorded-detection.js'
import { connectionText } from './trace-text.js'

/** What the command line says of a recording beside its bytes. */
export interface ListenerOptions {
  readonly config?: string
  readonly listener?: string
  /** Where the client came from: `host` or `host:port`. */
  readonly source?: string
  /** `host:port`. */
  readonly destination?: string
  readonly votes?: boolean
  readonly output: 'text' | 'json'
}

/** What a listener would have done with a recording: carried it, and where to, or denied it, and why. As JSON, or for people. */
export async function explainThroughListener(
  segments: readonly Segment[],
  { listener, config, registry }: RecordedDetection,
  options: ListenerOptions,
  builtIns: Registry,
): Promise<string> {
  const source = options.source === undefined ? undefined : parseSource(options.source)
  const headedTo = options.destination === undefined ? undefined : parseDestination(options.destination)
  const isOwn = options.config !== undefined
  if (headedTo && isOwn && listener.destination?.kind !== 'original')
    throw new UsageError(`--destination: the listener "${listener.name}" says itself where its connections go`)
  const carried =
    headedTo && !isOwn ? { ...listener, destination: { kind: 'address' as const, ...headedTo } } : listener
  const run = await carryRecording(segments, { config, listener: carried, registry, builtIns }, { source, headedTo })
  return options.output === 'json' ? jsonOf(run, options) : textOf(run, options)
}

function parseSource(text: string): Address {
  if (isIP(text) !== 0) return { host: text, port: 50_000 }
  const parsed = parseHostPort(text)
  if (parsed.problem === undefined && isIP(parsed.value.host) !== 0) return parsed.value
  throw new UsageError(`--source: expected an IP address, or one with a port such as 192.0.2.7:50000, got "${text}"`)
}

function parseDestination(text: string): Address {
  const parsed = parseHostPort(text)
  if (parsed.problem !== undefined) throw new UsageError(`--destination: ${parsed.problem}`)
  return parsed.value
}

/** The words of `sluice sniff` first, then what was done. */
function jsonOf({ summary, votes, listener, ...run }: RecordedConnection, options: ListenerOptions): string {
  const { outcome, protocol, decidedBy, facts, detection } = summary
  const bytes = detection?.bytes ?? { client: 0, server: 0 }
  const found = { outcome, protocol, decidedBy, bytes, facts }
  return `${JSON.stringify({ ...found, listener: { name: listener, ...run }, ...(options.votes && { votes }) }, null, 2)}\n`
}

function textOf(run: RecordedConnection, { votes: isWithVotes = false }: ListenerOptions): string {
  const { summary, trace, votes, denied } = run
  const text = connectionText({ ...summary, trace, votes, state: 'recorded' }, isWithVotes)
  const lines = [...(denied ? [] : ['', conclusion(run)]), ...(run.untold.length > 0 ? ['', ...run.untold] : [])]
  return lines.length === 0 ? text : `${text}${lines.map((line) => line.replace(/[^\x20-\x7e]/g, '?')).join('\n')}\n`
}

function conclusion({ conclusion, filter, destination, route, summary }: RecordedConnection): string {
  const what = nameOf(summary)
  switch (conclusion) {
    case 'carried': {
      const way = filter === 'tcp-forward' ? `to ${destination ?? 'where it was headed'}` : `by ${filter ?? 'nobody'}`
      return `carried ${way}${route === undefined ? '' : ` by route ${route}`}, ${what}`
    }
    case 'answered':
      return `answered by ${filter ?? 'Sluice itself'}, ${what}`
    case 'left':
      return `left to ${filter ?? 'a filter'}, ${what}`
    case 'failed':
      return 'ended by a bug: the last step says where'
    case 'denied':
      return 'denied'
  }
}

function nameOf({ protocol, outcome, decidedBy }: CloseSummary): string {
  if (protocol === undefined) return `as opaque (${outcome ?? 'not looked at'})`
  return decidedBy === 'port' ? `as ${protocol}, by the port` : `as ${protocol}`
}
