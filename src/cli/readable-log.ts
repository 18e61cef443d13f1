import type { Output } from './cli-io.js'
import { clockTime } from './clock-time.js'

interface LogRecord {
  readonly level: string
  readonly time: string
  readonly msg: string
  readonly err?: { readonly message?: string; readonly stack?: string }
  readonly [field: string]: unknown
}

/** A destination for pino's JSON lines that writes a line for people of each: time, level, message, then the fields. */
export class ReadableLog {
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  write(line: string): void {
    const { level, time, msg, err, ...fields } = JSON.parse(line) as LogRecord
    const shown = Object.entries(fields).map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && /^[\w.:[\]/-]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    this.#output.write(
      `${[clockTime(new Date(time)), level.padEnd(5), msg, ...shown].join('  ')}\n${err ? stackOf(err) : ''}`,
    )
  }
}

function stackOf({ message = '', stack = message }: NonNullable<LogRecord['err']>): string {
  return stack
    .split('\n')
    .map((line) => `    ${line.trim()}\n`)
    .join('')
}
