import { type Command, Option } from 'commander'
import type { LogLevel } from '../core/config/config.js'

/** Lines for people, or JSON lines for programs. */
export type OutputFormat = 'json' | 'pretty'

/** What `addOutputOptions` gives a command. */
export interface OutputOptions {
  readonly logLevel?: LogLevel
  readonly logFormat: OutputFormat | 'auto'
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** `--log-level` and `--log-format`, which every command that serves has. */
export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--log-level <level>',
        "least that is logged on standard error (default: the configuration's log.level, else info)",
      ).choices(LEVELS),
    )
    .addOption(
      new Option('--log-format <format>', 'lines for people or JSON lines; auto: for people on a terminal')
        .choices(['auto', 'json', 'pretty'])
        .default('auto'),
    )
}

export function formatFor(asked: OutputFormat | 'auto', isTerminal: boolean): OutputFormat {
  if (asked !== 'auto') return asked
  return isTerminal ? 'pretty' : 'json'
}
