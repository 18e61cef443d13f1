import type { Command } from 'commander'
import { z } from 'zod'
import { type DetectionResult, NO_FACTS } from '../core/detection-result.js'
import { sniffRecording } from '../core/sniff-recording.js'
import { boundedLines, type BoundedLine } from './bounded-lines.js'
import type { LoadRegistry } from './command-entry.js'
import { type DetectionOptions, type RecordedDetection, recordedDetection } from './recorded-detection.js'
import type { StreamingIo } from './streaming-io.js'

/** Both windows of the largest size there is, in base64, with room for a flow that was recorded longer than is looked at. */
const MAX_LINE_BYTES = 8 * 1024 * 1024

const NOTES = `
Reads JSON lines from standard input:
  {"id": "a", "port": 25, "segments": [{"from": "client", "data": "<base64>"}, {"from": "server", "data": "<base64>"}]}
Answers each at once with one line, in order:
  {"id": "a", "outcome": "detected", "protocol": "tls", "decidedBy": "client", "bytes": {"client": 517, "server": 0}, "facts": {}}
or, where the line is none of these: {"line": 3, "error": "..."}. Empty lines are passed over.
"port" is optional, and only data unless --port-override says that it may name the protocol.

Exit codes: 0 done, 1 a line was bad, 2 usage error or unreadable file.`

interface SniffOptions extends DetectionOptions {
  readonly portOverride?: boolean
}

/** `sluice sniff`: names recorded conversations, for programs. */
export function defineSniff(command: Command, io: StreamingIo, loadRegistry: LoadRegistry): void {
  command
    .option('-c, --config <file>', 'detect as a listener of this configuration does, with its plugins')
    .option('--listener <name>', 'which listener of it (default: the first)')
    .option('--port-override', 'let "port" name the protocol, as the filter port-override does')
    .addHelpText('after', NOTES)
    .action(async (options: SniffOptions) => {
      const detection = await recordedDetection(options, await loadRegistry(), ({ protocol }, error) => {
        io.stderr.write(`sluice: the sniffer ${protocol} threw and lost its vote: ${messageOf(error)}\n`)
      })
      io.setExitCode(await sniff(io, detection, options.portOverride === true ? 'named-by-port' : 'detected'))
    })
}

/** Answers every line. Gives 1 where one was bad. */
async function sniff(io: StreamingIo, detection: RecordedDetection, naming: Naming): Promise<0 | 1> {
  let exitCode: 0 | 1 = 0
  for await (const line of boundedLines(io.stdin, MAX_LINE_BYTES)) {
    if (line.bytes?.every(isBlank)) continue
    const answer = answerTo(line, detection, naming)
    if ('error' in answer) exitCode = 1
    await io.writeAnswer(`${JSON.stringify(answer)}\n`)
  }
  return exitCode
}

/** Whether a recording's port may name it. */
type Naming = 'detected' | 'named-by-port'

type Answer = ({ readonly id: string | number } & DetectionResult) | { readonly line: number; readonly error: string }

function answerTo(line: BoundedLine, detection: RecordedDetection, naming: Naming): Answer {
  try {
    const { id, port, segments } = parseRecording(line.bytes)
    const byPort =
      naming === 'named-by-port' && typeof port === 'number' ? detection.protocolsByPort.get(port) : undefined
    const result =
      byPort === undefined ? sniffRecording(detection.plan, segments, detection.windowBytes) : namedBy(byPort)
    const { outcome, protocol, decidedBy, bytes, facts, spokeFirst } = result
    const name = { ...(protocol !== undefined && { protocol }), ...(decidedBy && { decidedBy }) }
    return { id, outcome, ...name, bytes, facts, ...(spokeFirst && { spokeFirst }) }
  } catch (error) {
    if (error instanceof BadLineError) return { line: line.number, error: error.message }
    throw error
  }
}

function namedBy(protocol: string): DetectionResult {
  return { outcome: 'detected', protocol, decidedBy: 'port', bytes: { client: 0, server: 0 }, facts: NO_FACTS }
}

/** A line that is no recording. */
class BadLineError extends Error {
  override readonly name = 'BadLineError'
}

/** Passes over a byte order mark; refuses bytes that are no UTF-8, of which an id could not be given back. RFC 8259 section 8.1. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true })

/** RFC 4648 section 4, with padding. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

const base64 = z.string().transform((text, context) => {
  if (text.length % 4 === 0 && BASE64.test(text)) return Buffer.from(text, 'base64')
  context.addIssue('expected base64 with its padding (RFC 4648 section 4)')
  return z.NEVER
})

const recording = z.object({
  id: z.union([z.string(), z.number()], { error: 'expected a string or a number' }),
  port: z.int().min(0).max(65_535).nullish(),
  segments: z.array(z.object({ from: z.enum(['client', 'server']), data: base64 })),
})

function parseRecording(bytes: Uint8Array | undefined): z.output<typeof recording> {
  if (bytes === undefined) throw new BadLineError(`longer than ${MAX_LINE_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(UTF_8.decode(bytes))
  } catch (error) {
    throw new BadLineError(`not JSON: ${messageOf(error)}`)
  }
  const parsed = recording.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new BadLineError(path.length === 0 ? message : `${formatPath(path)}: ${message}`)
}

/** `segments[0].data` */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

/** JSON's white space: space, tab, carriage return. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
