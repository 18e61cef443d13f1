import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogLevel } from '../core/config/config.js'
import type { Output } from './cli-io.js'
import type { OutputFormat } from './output-format.js'
import { ReadableLog } from './readable-log.js'

/** The log of the process: JSON lines with `level`, `time` and `msg`, or lines for people. */
export function makeProcessLog(output: Output, format: OutputFormat, level: LogLevel): Logger {
  const destination =
    format === 'json' ? { write: (line: string): void => void output.write(line) } : new ReadableLog(output)
  const formatters = { level: (label: string) => ({ level: label }) }
  return pino({ level, base: null, formatters, timestamp: stdTimeFunctions.isoTime }, destination)
}
