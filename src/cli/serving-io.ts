import type { CliIo } from './cli-io.js'

/** What ends a command that serves: a signal, or that nobody reads its standard output any more. */
export type StopCause = 'SIGINT' | 'SIGTERM' | 'stdout-closed'

/** What a command that keeps running touches of its process, beside what every command does. */
export interface ServingIo extends CliIo {
  readonly isStdoutTerminal: boolean
  readonly isStderrTerminal: boolean
  /**
   * Takes SIGTERM, Ctrl-C and a closed standard output in place of what they do by themselves, until the function that is
   * returned is called.
   */
  onStop(callback: (cause: StopCause) => void): () => void
  /** Whom to tell of an error that nobody caught, before the process exits with 1. */
  reportBug: (error: unknown) => void
}
