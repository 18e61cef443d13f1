import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { defineExplain } from '../../../src/cli/explain.js'
import { loadBuiltIns } from '../../../src/cli/load-built-ins.js'
import type { StreamingIo } from '../../../src/cli/streaming-io.js'

export interface ExplainedPcap {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | undefined
  /** Where JSON was asked for. */
  readonly lines: readonly Record<string, unknown>[]
}

/** `sluice explain --pcap FILE -o json`, in this process; `args` may say otherwise. Throws what the command throws. */
export async function explainPcap(file: string, ...args: readonly string[]): Promise<ExplainedPcap> {
  return runExplain(['--pcap', file, '-o', 'json', ...args])
}

/** `sluice explain ARGS`. `input`: a file that standard input gives. */
export async function runExplain(args: readonly string[], input?: string): Promise<ExplainedPcap> {
  const result = { stdout: '', stderr: '', code: undefined as number | undefined }
  const io: StreamingIo = {
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    stdin: contentOf(input),
    writeAnswer: (text) => Promise.resolve(void (result.stdout += text)),
    setExitCode: (code) => (result.code = code),
  }
  const program = new Command().exitOverride()
  defineExplain(program.command('explain'), io, loadBuiltIns)
  await program.parseAsync(['explain', ...args], { from: 'user' })
  const isJsonLines = args.includes('json') && !args.includes('--flow')
  const lines = isJsonLines ? result.stdout.trim().split('\n') : []
  return { ...result, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

async function* contentOf(file: string | undefined): AsyncGenerator<Uint8Array> {
  if (file !== undefined) yield await Promise.resolve(readFileSync(file))
}
