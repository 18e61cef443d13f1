import { once } from 'node:events'
import { BoundedOutput } from './bounded-output.js'
import type { ServingIo, StopCause } from './serving-io.js'
import type { StreamingIo } from './streaming-io.js'

/** How long the end of a process waits for a reader to take what was written last. */
const FLUSH_TIMEOUT_MS = 1_000

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** The process itself, as commands see it. Make one, in `main`. */
export class ProcessIo implements ServingIo, StreamingIo {
  readonly stdout = new BoundedOutput(process.stdout, describeDrops)
  readonly stderr = new BoundedOutput(process.stderr, describeDrops)
  readonly isStdoutTerminal = process.stdout.isTTY
  readonly isStderrTerminal = process.stderr.isTTY
  readonly #onStop = new Set<(cause: StopCause) => void>()
  #exitCode = 0

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => this.#stdoutBroke(error))
    // A log that nobody can read is no reason to end.
    process.stderr.on('error', () => {})
    process.on('uncaughtException', (error) => void this.#bug(error))
    process.on('unhandledRejection', (error) => void this.#bug(error))
  }

  /** Not touched by commands that read nothing: Node opens it when it is asked for. */
  get stdin(): AsyncIterable<Uint8Array> {
    return process.stdin
  }

  async writeAnswer(text: string): Promise<void> {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  }

  get exitCode(): number {
    return this.#exitCode
  }

  setExitCode(code: number): void {
    this.#exitCode = code
  }

  reportBug = (error: unknown): void => {
    this.stderr.write(`sluice: a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  }

  onStop(callback: (cause: StopCause) => void): () => void {
    const onSignal = (signal: NodeJS.Signals): void => callback(signal as StopCause)
    for (const signal of SIGNALS) process.on(signal, onSignal)
    this.#onStop.add(callback)
    return () => {
      for (const signal of SIGNALS) process.off(signal, onSignal)
      this.#onStop.delete(callback)
    }
  }

  /** Ends the process, once what was written has been taken, or a second has passed. */
  async exit(code = this.#exitCode): Promise<never> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_TIMEOUT_MS)))
    await Promise.race([Promise.all([this.stdout.flushed(), this.stderr.flushed()]), timeout])
    clearTimeout(timer)
    process.exit(code)
  }

  /** `sluice check | head`: whoever read has seen enough. */
  #stdoutBroke(error: NodeJS.ErrnoException): void {
    if (error.code !== 'EPIPE') this.stderr.write(`sluice: cannot write to standard output: ${error.message}\n`)
    if (this.#onStop.size === 0) process.exit(error.code === 'EPIPE' ? this.#exitCode : 1)
    for (const callback of this.#onStop) callback('stdout-closed')
  }

  async #bug(error: unknown): Promise<void> {
    this.reportBug(error)
    await this.exit(1)
  }
}

function describeDrops(count: number): string {
  return `${JSON.stringify({ level: 'warn', msg: 'lines were dropped: the reader is too slow', count })}\n`
}
