import { accepts } from './accepts.js'
import { freePort } from './free-port.js'
import { type RunningProgram, type RunOptions, type RunResult, runProgram, startProgram } from './run-program.js'

/** Where a server runs: on this machine, or in a network namespace of a test. */
export interface ServerPlace {
  /** The address that it listens on. */
  readonly bind: string
  /** A port that is free there. */
  freePort(): Promise<number>
  run(name: string, args: readonly string[], options?: RunOptions): Promise<RunResult>
  start(name: string, args: readonly string[], options?: RunOptions): RunningProgram
  /** Settles when a server accepts on this port of 127.0.0.1. */
  accepts(port: number): Promise<void>
}

export const thisMachine: ServerPlace = {
  bind: '127.0.0.1',
  freePort,
  run: runProgram,
  start: startProgram,
  accepts,
}
