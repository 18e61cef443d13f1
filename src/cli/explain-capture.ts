import { createReadStream } from 'node:fs'
import { FlowReader } from '../captures/flow-reader.js'
import type { Registry } from '../core/config/registry.js'
import { EXIT_FAILED, EXIT_USAGE, UsageError } from './exit-code.js'
import { FlowInFull, fullFlowText } from './flow-in-full.js'
import { FlowList } from './flow-list.js'
import { FlowOutput } from './flow-output.js'
import { counted } from './quantities.js'
import { type DetectionOptions, recordedDetection } from './recorded-detection.js'
import type { StreamingIo } from './streaming-io.js'

/** Read at once. */
const CHUNK_BYTES = 256 * 1024
const STANDARD_INPUT = '-'

/** What `explain` is asked of a capture. */
export interface CaptureOptions extends DetectionOptions {
  /** The file; `-` for standard input. */
  readonly pcap: string
  /** The number of one flow, to be told in full. */
  readonly flow?: string
  readonly votes?: boolean
  readonly output: 'text' | 'json'
}

/** `sluice explain --pcap`: what the TCP flows of a capture are. Gives the exit code. */
export async function explainCapture(options: CaptureOptions, io: StreamingIo, registry: Registry): Promise<number> {
  const { pcap: file, flow } = options
  const recorded = await recordedDetection(options, registry, ({ protocol }, error) => {
    io.stderr.write(`sluice: the sniffer ${protocol} threw and lost its vote: ${(error as Error).message}\n`)
  })
  if (flow !== undefined) return explainOneFlow(flowNumber(flow), options, recorded, io)
  const list = new FlowList(recorded, options.votes ? 'with-votes' : 'without-votes')
  const reader = new FlowReader(list)
  const output = new FlowOutput(options.output, (text) => io.writeAnswer(text))
  const hasDamage = await readCapture(file, reader, io, async () => {
    for (const report of list.ready()) await output.write(report)
  })
  await output.end(reader.counts)
  return hasDamage ? EXIT_USAGE : 0
}

async function explainOneFlow(
  number: number,
  { pcap: file, votes, output }: CaptureOptions,
  recorded: Awaited<ReturnType<typeof recordedDetection>>,
  io: StreamingIo,
): Promise<number> {
  const listener = new FlowInFull(number, recorded)
  const hasDamage = await readCapture(file, new FlowReader(listener), io, async () => {})
  const { report } = listener
  if (report === undefined) {
    io.stderr.write(`no flow ${number}: ${nameOf(file)} has ${counted(listener.flowCount, 'flow')}\n`)
    return hasDamage ? EXIT_USAGE : EXIT_FAILED
  }
  const { votes: all, ...rest } = report
  const text =
    output === 'json'
      ? `${JSON.stringify(votes ? { ...rest, votes: all } : rest, null, 2)}\n`
      : fullFlowText(report, votes === true)
  await io.writeAnswer(text)
  return hasDamage ? EXIT_USAGE : 0
}

/** Reads a file to its end, or up to where it is damaged, which is said. True where it is. */
async function readCapture(
  file: string,
  reader: FlowReader,
  io: StreamingIo,
  onProgress: () => Promise<void>,
): Promise<boolean> {
  for await (const chunk of chunksOf(file, io)) {
    reader.push(chunk)
    await onProgress()
    if (reader.damage !== undefined) break
  }
  const damage = reader.end()
  await onProgress()
  if (damage === undefined) return false
  io.stderr.write(
    `${nameOf(file)}: damaged at byte ${damage.offset}: ${damage.reason}. What stands before that is told.\n`,
  )
  return true
}

async function* chunksOf(file: string, io: StreamingIo): AsyncGenerator<Uint8Array> {
  const source: AsyncIterable<Uint8Array> =
    file === STANDARD_INPUT ? io.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES })
  try {
    yield* source
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`)
  }
}

function nameOf(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : file
}

function flowNumber(text: string): number {
  if (/^#?[1-9]\d{0,14}$/.test(text)) return Number(text.replace('#', ''))
  throw new UsageError(`--flow: expected the number of a flow, got "${text}"`)
}
