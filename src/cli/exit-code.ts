import { CommanderError } from 'commander'
import { ConfigError } from '../core/config-error.js'
import { formatErrorCount, formatFindings } from '../core/config/format-findings.js'
import { SluiceError } from '../core/errors.js'
import type { CliIo } from './cli-io.js'

/** A command was called in a way that it cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const EXIT_FAILED = 1
export const EXIT_USAGE = 2

/** Says what ended a command, on standard error, and with which code. The one place where the command line catches. */
export function exitCodeOf(error: unknown, io: Pick<CliIo, 'stderr'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE // it has said so itself
  if (error instanceof UsageError) {
    io.stderr.write(`${error.message}\n`)
    return EXIT_USAGE
  }
  if (error instanceof ConfigError) {
    io.stderr.write(`${formatFindings(error.findings)}${formatErrorCount(error.findings, error.source)}`)
    return EXIT_FAILED
  }
  if (error instanceof SluiceError) {
    io.stderr.write(`sluice: ${error.message}\n`)
    return error.code === 'SLUICE_CONFIG_UNREADABLE' ? EXIT_USAGE : EXIT_FAILED
  }
  io.stderr.write(`sluice: a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT_FAILED
}
