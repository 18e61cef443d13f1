import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** The built command line as a process of its own. Killed when the test is over, if it still runs. */
export class SpawnedSluice {
  readonly process: ChildProcess
  /** All that it wrote, so far. */
  readonly written = { stdout: '', stderr: '' }
  /** Settles with exit code or signal, once all output is there. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly #waiters = new Set<() => void>()

  constructor(
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ) {
    this.process = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    })
    this.#collect('stdout')
    this.#collect('stderr')
    this.ended = once(this.process, 'close').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
    )
    void this.ended.then(() => this.#wake())
    onTestFinished(async () => {
      this.process.kill('SIGKILL')
      await this.ended
    })
  }

  /** Waits until `pattern` stands in what was written; throws with all output if the process ends before. */
  async sees(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.written[stream])
      if (match) return match
      const { exitCode, signalCode, stdout, stderr } = this.process
      if ((exitCode !== null || signalCode !== null) && stdout?.closed && stderr?.closed) {
        throw new Error(
          `ended without ${String(pattern)} on ${stream}:\n${this.written.stdout}\n${this.written.stderr}`,
        )
      }
      await new Promise<void>((resolve) => this.#waiters.add(resolve))
    }
  }

  /** The port that a listener took, as its JSON log says. */
  async port(listener: string): Promise<number> {
    const escaped = listener.replace(/[.[\]]/g, '\\$&')
    const match = await this.sees('stderr', new RegExp(`"listener":"${escaped}","addresses":\\["[^"]*:(\\d+)"`))
    return Number(match[1])
  }

  /** The lines of a stream as JSON. */
  json(stream: 'stdout' | 'stderr'): Record<string, unknown>[] {
    return this.written[stream]
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  #collect(stream: 'stdout' | 'stderr'): void {
    this.process[stream]?.setEncoding('utf8').on('data', (text: string) => {
      this.written[stream] += text
      this.#wake()
    })
    this.process[stream]?.once('close', () => this.#wake())
  }

  #wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }
}
