import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { programPath } from './need-programs.js'

export interface RunOptions {
  /** Fed to standard input, which is then closed. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The longest that it may run; 30 s where it is not given. */
  readonly limitMs?: number
}

export interface RunResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Longest that a client program may run: its own bound, so that a hanging client fails with what it printed. */
const RUN_LIMIT_MS = 30_000
/** Longest that a server may take to come up on a busy machine. */
const START_LIMIT_MS = 30_000
/** Longest that a server may take to end when asked; then it is killed. */
const STOP_LIMIT_MS = 5_000

/** Runs a program to its end. Does not throw for an exit code other than 0. */
export async function runProgram(name: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = start(name, args, options, options.limitMs ?? RUN_LIMIT_MS)
  const output = collect(child)
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: output.stdout, stderr: output.stderr }
}

/** A program that runs until it is stopped. */
export interface RunningProgram {
  readonly pid: number
  readonly child: ChildProcess
  /** All that it has printed, both streams. */
  readonly output: string
  /** Settles when it has printed what matches; rejects when it ends before, or takes too long. */
  prints(pattern: RegExp, limitMs?: number): Promise<RegExpMatchArray>
  /** Asks it to end, waits until it has, and gives its exit code: null where a signal ended it. */
  stop(signal?: NodeJS.Signals, options?: StopOptions): Promise<number | null>
}

export interface StopOptions {
  /** Longest that it may take; then it is killed. */
  readonly limitMs?: number
}

/** Starts a program that goes on until it is stopped. */
export function startProgram(name: string, args: readonly string[], options: RunOptions = {}): RunningProgram {
  const child = start(name, args, options)
  child.stdin?.on('error', () => {})
  if (options.input !== undefined) child.stdin?.end(options.input)
  const output = collect(child)
  // A test process that ends on an error leaves no server behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('close', () => process.off('exit', kill))
  const hasEnded = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    pid: child.pid ?? 0,
    child,
    get output() {
      return output.both
    },
    prints: (pattern, limitMs) => printed(name, child, () => output.both, pattern, limitMs),
    async stop(signal = 'SIGTERM', { limitMs = STOP_LIMIT_MS } = {}) {
      child.kill(signal)
      const killer = setTimeout(() => child.kill('SIGKILL'), limitMs)
      const code = await hasEnded
      clearTimeout(killer)
      return code
    },
  }
}

function start(name: string, args: readonly string[], { env, cwd }: RunOptions, timeout?: number): ChildProcess {
  return spawn(programPath(name), args, {
    stdio: 'pipe',
    env: { ...process.env, LC_ALL: 'C', ...env },
    ...(cwd !== undefined && { cwd }),
    ...(timeout !== undefined && { timeout, killSignal: 'SIGKILL' }),
  })
}

function collect(child: ChildProcess): { stdout: string; stderr: string; both: string } {
  const output = { stdout: '', stderr: '', both: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('latin1').on('data', (text: string) => {
      output[stream] += text
      output.both += text
      child.emit('printed')
    })
  }
  return output
}

function printed(
  name: string,
  child: ChildProcess,
  output: () => string,
  pattern: RegExp,
  limitMs = START_LIMIT_MS,
): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => fail('was not printed in time'), limitMs)
    const done = (): void => {
      clearTimeout(limit)
      child.off('printed', look).off('close', ended).off('error', failed)
    }
    const fail = (why: string): void => {
      done()
      reject(new Error(`${name}: ${String(pattern)} ${why}; it printed:\n${output()}`))
    }
    const ended = (): void => fail('was not printed before it ended')
    const failed = (error: Error): void => fail(error.message)
    const look = (): void => {
      const match = output().match(pattern)
      if (match === null) return
      done()
      resolve(match)
    }
    child.on('printed', look).once('close', ended).once('error', failed)
    look()
  })
}
