import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { NetworkNamespace } from './network-namespaces.js'
import type { RunningProgram, RunResult, StopOptions } from './run-program.js'
import { untilSucceeds } from './until-succeeds.js'

/** `sluice`, as it was built. */
export const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const CONFIG = fileURLToPath(new URL('../../config/sidecar.yaml', import.meta.url))
const ADMIN = 'http://127.0.0.1:4191'

/** The user whose connections the rules leave alone. */
export const PROXY_UID = 2102

export interface SidecarOptions {
  /** Default: config/sidecar.yaml, as it is. */
  readonly config?: string
  readonly uid?: number
  /** As setpriv(1) has them: `net_admin`. */
  readonly capabilities?: readonly string[]
}

/** `sluice intercept` in a namespace. */
export function intercept(place: NetworkNamespace, ...args: readonly string[]): Promise<RunResult> {
  return place.run(process.execPath, [command(), 'intercept', ...args])
}

/** `sluice run` beside a workload, as its own user, asked over its admin endpoint. */
export class Sidecar {
  readonly #place: NetworkNamespace
  readonly #program: RunningProgram

  private constructor(place: NetworkNamespace, program: RunningProgram) {
    this.#place = place
    this.#program = program
  }

  /** Ready. Whoever starts it stops it. */
  static async start(place: NetworkNamespace, options: SidecarOptions = {}): Promise<Sidecar> {
    const { config = CONFIG, uid = PROXY_UID, capabilities = [] } = options
    const plus = capabilities.map((name) => `+${name}`).join(',')
    const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
    const granted = plus === '' ? [] : [`--inh-caps=${plus}`, `--ambient-caps=${plus}`]
    const run = [process.execPath, command(), 'run', '-c', config, '--log-format', 'json']
    const program = place.start('setpriv', [...user, ...granted, '--', ...run])
    try {
      await program.prints(/"msg":"ready"/)
    } catch (error) {
      await program.stop('SIGKILL')
      throw error
    }
    return new Sidecar(place, program)
  }

  get output(): string {
    return this.#program.output
  }

  stop(signal: NodeJS.Signals, options?: StopOptions): Promise<number | null> {
    return this.#program.stop(signal, options)
  }

  /** The last closed connections, oldest first. */
  async allClosed(): Promise<CloseSummary[]> {
    const { connections } = JSON.parse(await this.#get('/connections/closed')) as { connections: CloseSummary[] }
    return connections
  }

  /** Settles with the newest closed connection that this is true of, when there is one. */
  async closed(isIt: (summary: CloseSummary) => boolean): Promise<CloseSummary> {
    let all: CloseSummary[] = []
    let found: CloseSummary | undefined
    await untilSucceeds(
      async () => (found = (all = await this.allClosed()).findLast(isIt)) !== undefined,
      () => `no such connection was closed: ${JSON.stringify(all)}`,
    )
    return found!
  }

  /** Sum over the series of a metric that carry all of these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const lines = (await this.#get('/metrics')).split('\n').filter((line) => line.startsWith(`${name}{`))
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    const matching = lines.filter((line) => wanted.every((text) => line.includes(text)))
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  #get(path: string): Promise<string> {
    return this.#place.succeed('curl', '-sSf', `${ADMIN}${path}`)
  }
}

function command(): string {
  if (!existsSync(COMMAND)) throw new Error('dist is not there: npm run build (npm test does it)')
  return COMMAND
}
