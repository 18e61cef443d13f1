import type { Registry } from '../core/config/registry.js'
import { votesOnLooks } from '../core/explain-looks.js'
import { LookedAt } from '../core/looked-at.js'
import type { Side } from '../core/side.js'
import { type Segment, sniffRecording } from '../core/sniff-recording.js'
import type { ListenerOptions } from './explain-through-listener.js'
import { recordedDetection } from './recorded-detection.js'
import { voteLines } from './trace-text.js'

/** `sluice explain` of what one connection said: what detection makes of it, or what a listener would have done. As JSON, or for people. */
export async function explainRecording(
  segments: readonly Segment[],
  options: ListenerOptions,
  registry: Registry,
): Promise<string> {
  const detection = await recordedDetection(options, registry, () => {})
  if (namesListener(options)) {
    const { explainThroughListener } = await import('./explain-through-listener.js')
    return explainThroughListener(segments, detection, options, registry)
  }
  const { plan, windowBytes } = detection
  const lookedAt = new LookedAt(plan, windowBytes, { elapsedMs: 0, stepCount: 0 }, false)
  const result = sniffRecording(plan, segments, windowBytes, lookedAt)
  const votes = votesOnLooks(lookedAt)
  if (options.output === 'json') return `${JSON.stringify({ ...result, ...(options.votes && { votes }) }, null, 2)}\n`
  const { outcome, protocol, decidedBy, bytes, facts } = result
  const name = protocol === undefined ? `${outcome}: no name` : `${outcome} ${protocol} by ${decidedBy}`
  const isAllRead = (['client', 'server'] as const).every((side) => bytes[side] >= sizeOf(segments, side))
  const lines = [
    `detect    ${name}, ${bytes.client} + ${bytes.server} bytes${isAllRead ? ', then the recording ended' : ''}`,
  ]
  for (const [fact, value] of Object.entries(facts))
    lines.push(`  ${fact}: ${String(value).replace(/[^\x20-\x7e]/g, '?')}`)
  if (options.votes) lines.push(...voteLines(votes, result))
  return `${lines.join('\n')}\n`
}

/** A listener is meant, not only the detection of the default chain. */
function namesListener({ config, listener, source, destination }: ListenerOptions): boolean {
  return [config, listener, source, destination].some((one) => one !== undefined)
}

function sizeOf(segments: readonly Segment[], side: Side): number {
  return segments.filter(({ from }) => from === side).reduce((sum, { data }) => sum + data.length, 0)
}
