import { Option, type Command } from 'commander'
import type { Config } from '../core/config/config.js'
import type { LocatedFinding } from '../core/config/findings.js'
import { formatErrorCount, formatFindings } from '../core/config/format-findings.js'
import { readConfigFile, readParsedConfig } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import { SluiceError } from '../core/errors.js'
import { openConfig } from '../plugins/open-config.js'
import type { CliIo } from './cli-io.js'
import type { LoadRegistry } from './command-entry.js'
import { DEFAULT_CONFIG_FILES, findConfigFile } from './find-config-file.js'

interface CheckOptions {
  readonly config?: string
  readonly output: 'text' | 'json'
  readonly strict?: boolean
}

/** Exit codes: 0 valid, 1 errors (with `--strict` warnings too), 2 no such file. */
export function defineCheck(command: Command, io: CliIo, loadRegistry: LoadRegistry): void {
  command
    .argument('[file]', `the configuration (default: ${DEFAULT_CONFIG_FILES.join(', then ')})`)
    .option('-c, --config <file>', 'the same, as in "sluice run"')
    .addOption(
      new Option('-o, --output <format>', 'how to print the findings').choices(['text', 'json']).default('text'),
    )
    .option('--strict', 'fail on warnings too')
    .action(async (file: string | undefined, options: CheckOptions) => {
      io.setExitCode(await check(file ?? options.config, options, io, await loadRegistry()))
    })
}

async function check(named: string | undefined, options: CheckOptions, io: CliIo, registry: Registry): Promise<number> {
  let file: string
  let text: string
  try {
    file = named ?? (await findConfigFile())
    text = await readConfigFile(file)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    io.stderr.write(`${error.message}\n`)
    return 2
  }
  const opened = await openConfig(text, registry, { file })
  const { config, findings } = readParsedConfig(opened.parsed, opened.registry)
  const checked = { file, config, findings, plugins: opened.plugins.length }
  const isFailed = config === undefined || (options.strict === true && findings.length > 0)
  io.stdout.write(options.output === 'json' ? json(checked) : report(checked))
  return isFailed ? 1 : 0
}

/** What there is to say of a file. */
interface Checked {
  readonly file: string
  /** Undefined where a finding is an error. */
  readonly config: Config | undefined
  readonly findings: readonly LocatedFinding[]
  /** How many were loaded. */
  readonly plugins: number
}

function report({ file, config, findings, plugins }: Checked): string {
  if (!config) return `${formatFindings(findings)}${formatErrorCount(findings, file)}`
  const { listeners, upstreams } = config
  const counts = [
    counted(listeners.length, 'listener'),
    counted(upstreams.length, 'upstream'),
    counted(plugins, 'plugin'),
  ]
  return `${file} is valid: ${counts.join(', ')}\n${formatFindings(findings)}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function json({ file, config, findings, plugins }: Checked): string {
  const counts = config && { listeners: config.listeners.length, upstreams: config.upstreams.length, plugins }
  return `${JSON.stringify({ file, valid: config !== undefined, ...counts, findings }, null, 2)}\n`
}
