import { type Command, Option } from 'commander'
import type { Config } from '../core/config/config.js'
import type { CliIo } from './cli-io.js'
import type { LoadRegistry } from './command-entry.js'
import { type Diagnosis, diagnose } from './diagnosis.js'

interface DoctorOptions {
  readonly config?: string
  readonly output: 'text' | 'json'
}

/** Exit codes: 0 all is there that the configuration needs, 1 something is missing, 2 no such file. */
export function defineDoctor(command: Command, io: CliIo, loadRegistry: LoadRegistry): void {
  command
    .option('-c, --config <file>', 'fail where something is missing that this configuration needs')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async ({ config: file, output }: DoctorOptions) => {
      const diagnoses = await diagnose(file === undefined ? undefined : await configOf(file, loadRegistry))
      const missing = diagnoses.filter(({ state, neededBy }) => state === 'missing' && neededBy.length > 0)
      io.stdout.write(output === 'json' ? json(diagnoses, missing) : `${table(diagnoses)}${verdict(missing, file)}`)
      io.setExitCode(missing.length === 0 ? 0 : 1)
    })
}

async function configOf(file: string, loadRegistry: LoadRegistry): Promise<Config> {
  const { readNeededConfig } = await import('./read-needed-config.js')
  return readNeededConfig(file, await loadRegistry())
}

function table(diagnoses: readonly Diagnosis[]): string {
  const width = Math.max(...diagnoses.map(({ name }) => name.length))
  return diagnoses.map((one) => rowOf(one, width)).join('')
}

/** What it costs stands below what is missing. */
function rowOf({ state, name, detail, cost, neededBy }: Diagnosis, width: number): string {
  const lines = [`${state.padEnd('missing'.length)}  ${name.padEnd(width)}  ${detail}`]
  const indent = ' '.repeat('missing'.length + width + 4)
  if (state === 'missing') lines.push(`${indent}without: ${cost}`)
  if (neededBy.length > 0) lines.push(`${indent}needed by: ${neededBy.join(', ')}`)
  return lines.map((line) => `${line}\n`).join('')
}

function verdict(missing: readonly Diagnosis[], file: string | undefined): string {
  if (file === undefined) return ''
  if (missing.length === 0) return `\nAll that ${file} needs is there.\n`
  return `\n${file} needs what is missing: ${missing.map(({ name }) => name).join(', ')}\n`
}

function json(diagnoses: readonly Diagnosis[], missing: readonly Diagnosis[]): string {
  return `${JSON.stringify({ ok: missing.length === 0, checks: diagnoses }, null, 2)}\n`
}
