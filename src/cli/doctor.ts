import { type Command, Option } from 'commander'
import { ConfigError } from '../core/config-error.js'
import type { Config } from '../core/config/config.js'
import { readConfigFile, readParsedConfig } from '../core/config/load-config.js'
import { type Registry } from '../core/config/registry.js'
import { noTransparentSockets } from '../core/transparent-sockets.js'
import { openConfig } from '../plugins/open-config.js'
import type { CliIo } from './cli-io.js'
import { type Diagnosis, diagnose } from './diagnosis.js'

interface DoctorOptions {
  readonly config?: string
  readonly output: 'text' | 'json'
}

/** Exit codes: 0 all is there that the configuration needs, 1 something is missing, 2 no such file. */
export function addDoctorCommand(program: Command, io: CliIo, registry: Registry): void {
  program
    .command('doctor')
    .description('say what of this machine Sluice can use, what is missing, and what that costs')
    .option('-c, --config <file>', 'fail where something is missing that this configuration needs')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
    .action(async ({ config: file, output }: DoctorOptions) => {
      const diagnoses = await diagnose(file === undefined ? undefined : await readConfig(file, registry))
      const missing = diagnoses.filter(({ state, neededBy }) => state === 'missing' && neededBy.length > 0)
      io.stdout.write(output === 'json' ? json(diagnoses, missing) : `${table(diagnoses)}${verdict(missing, file)}`)
      io.setExitCode(missing.length === 0 ? 0 : 1)
    })
}

/** As if the machine had everything: what it lacks is what the answer is about. Other errors are thrown, as by `check`. */
async function readConfig(file: string, registry: Registry): Promise<Config> {
  const everything = {
    ...registry,
    originalDestinations: { of: () => undefined },
    transparentSockets: { ...noTransparentSockets, unavailable: undefined },
  }
  const opened = await openConfig(await readConfigFile(file), everything, { file })
  const { config, findings } = readParsedConfig(opened.parsed, opened.registry)
  if (config === undefined) throw new ConfigError(file, findings)
  return config
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
