import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'

/** What is kept of a child's standard error, to be shown when it fails, in characters. */
const MAX_ERROR_TEXT = 4000

/** How long a killed child may take to be gone, in milliseconds. */
const EXIT_TIMEOUT_MS = 5000

/** Children end with us even when we are killed without a chance to say so; only where util-linux has the tool. */
const DIES_WITH_US = ['/usr/bin/setpriv', '/bin/setpriv'].some((path) => existsSync(path))
  ? ['setpriv', '--pdeathsig', 'KILL']
  : []

const running = new Set()

/**
 * The processes of one measurement. Each is pinned to its cores and leads a process group of its own, so that what it
 * forks (nginx's worker) ends with it, and nothing else does.
 */
export class ProcessGroup {
  #children = []

  /**
   * Starts a process that is expected to live until `stop`.
   * @param command the program and its arguments
   * @param cores as `taskset -c` takes them
   */
  start(command, { cores, ipc = false }) {
    const child = new PinnedProcess(command, cores, ipc)
    this.#children.push(child)
    return child
  }

  get pids() {
    return this.#children.map((child) => child.pid)
  }

  /** Throws when one of the processes has ended by itself. */
  assertAlive() {
    for (const child of this.#children) child.assertAlive()
  }

  /** Kills what `start` started and waits until it is gone. */
  async stop() {
    await Promise.all(this.#children.map((child) => child.kill()))
    this.#children = []
  }
}

/** One child: `pid` is that of the program itself, since setpriv and taskset replace themselves by it. */
class PinnedProcess {
  #child
  #command
  #errorText = ''
  #failure

  constructor(command, cores, ipc) {
    const [program, ...args] = [...DIES_WITH_US, 'taskset', '-c', String(cores), ...command]
    this.#command = command
    this.#child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
    })
    this.#child.on('error', (error) => (this.#failure = error))
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#errorText = (this.#errorText + text).slice(-MAX_ERROR_TEXT)
    })
    this.#child.stdout.resume()
    if (this.#child.pid !== undefined) {
      running.add(this.#child.pid)
      this.#child.once('exit', () => running.delete(this.#child.pid))
    }
  }

  get pid() {
    return this.#child.pid
  }

  /** The last characters of what it wrote to standard error. */
  get errorText() {
    return this.#errorText
  }

  assertAlive() {
    if (this.#failure !== undefined) throw new Error(`${this.#command[0]}: ${this.#failure.message}`)
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    throw new Error(
      `${this.#command.join(' ')} ended with ${this.#child.exitCode ?? this.#child.signalCode}\n${this.#errorText}`,
    )
  }

  /** Sends a message to a Node child and waits for its next one. Rejects when it ends first or `timeoutMs` is over. */
  async ask(message, timeoutMs) {
    this.assertAlive()
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), timeoutMs)
    try {
      const answer = once(this.#child, 'message', { signal: abort.signal })
      const exit = once(this.#child, 'exit', { signal: abort.signal })
      exit.catch(() => {})
      this.#child.send(message)
      const [value] = await Promise.race([answer, exit.then(() => Promise.reject(new Error('it ended')))])
      return value
    } catch (error) {
      const reason = abort.signal.aborted ? `no answer in ${timeoutMs} ms` : error.message
      throw new Error(`${this.#command.join(' ')}: ${reason}\n${this.#errorText}`, { cause: error })
    } finally {
      clearTimeout(timer)
      abort.abort()
    }
  }

  async kill() {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit', { signal: AbortSignal.timeout(EXIT_TIMEOUT_MS) })
    killGroup(this.#child.pid)
    await exit
  }
}

/** Runs a load tool to its end and returns its standard output. Rejects when it fails or `timeoutMs` is over. */
export async function runToEnd(command, { cores, timeoutMs }) {
  const [program, ...args] = [...DIES_WITH_US, 'taskset', '-c', String(cores), ...command]
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'close')
  running.add(child.pid)
  let [output, errorText, late] = ['', '', false]
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (errorText = (errorText + text).slice(-MAX_ERROR_TEXT)))
  const timer = setTimeout(() => {
    late = true
    killGroup(child.pid)
  }, timeoutMs)
  const [code] = await exit.finally(() => {
    clearTimeout(timer)
    running.delete(child.pid)
  })
  if (late) throw new Error(`${command[0]} was not done after ${timeoutMs} ms`)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${errorText}${output}`)
  return output
}

/** Kills every process that was started here and still runs. Synchronous, so that an exit handler can call it. */
export function killAll() {
  for (const pid of running) killGroup(pid)
}

/** Pins this process, with all its threads, to the given cores. */
export function pinSelf(cores) {
  const result = spawnSync('taskset', ['-acp', cores, String(process.pid)], { encoding: 'utf8' })
  if (result.error !== undefined) throw new Error(`taskset is needed: ${result.error.message}`)
  if (result.status !== 0) throw new Error(`cannot pin to cores ${cores}: ${result.stderr.trim()}`)
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
