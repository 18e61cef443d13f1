import { randomBytes } from 'node:crypto'
import type { TestContext } from 'vitest'
import { type NeededPrograms, needPrograms, programPath } from './need-programs.js'
import { type RunningProgram, type RunOptions, type RunResult, runProgram, startProgram } from './run-program.js'
import type { ServerPlace } from './server-place.js'
import { untilSucceeds } from './until-succeeds.js'

/** Namespaces of a machine are named in one folder: names of tests must not meet. */
const PREFIX = 'sluice-test'

/** Asks for what tests with namespaces cannot do without, and for these programs beside. In CI anything that is missing is an error. */
export async function needNamespaces(...programs: readonly string[]): Promise<NeededPrograms> {
  const needed = needPrograms('ip (iproute2)', 'iptables', 'setpriv (util-linux)', ...programs)
  if (needed.areMissing) return needed
  const name = `${PREFIX}-${randomBytes(4).toString('hex')}`
  const { code, stderr } = await runProgram('ip', ['netns', 'add', name])
  if (code === 0) {
    await runProgram('ip', ['netns', 'del', name])
    return needed
  }
  const why = `no network namespaces here: ${stderr.trim()}`
  if (process.env.CI === 'true') throw new Error(`${why}. With CI=true every test must run: run it as root`)
  console.log(`skipped, ${why}`)
  return { areMissing: true, why: ` [skipped: ${why}]` }
}

/** Marks a test as one that ran in namespaces, for the summary at the end of the run. */
export function inNamespaces({ task }: TestContext): void {
  task.meta.inNetworkNamespaces = true
}

declare module 'vitest' {
  interface TaskMeta {
    inNetworkNamespaces?: boolean
  }
}

/** A network of its own: interfaces, addresses, routes, rules. */
export class NetworkNamespace implements ServerPlace {
  readonly name: string
  /** Where its servers listen: everywhere in it. */
  readonly bind = '::'
  #nextPort = 20_000

  private constructor(name: string) {
    this.name = name
  }

  /** Empty, with its loopback interface up. Whoever makes it removes it. */
  static async make(purpose: string): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace(`${PREFIX}-${randomBytes(4).toString('hex')}-${purpose}`)
    await succeed('ip', ['netns', 'add', namespace.name])
    await namespace.ip('link', 'set', 'lo', 'up')
    return namespace
  }

  /** Runs ip(8) in it; throws where that fails. */
  async ip(...args: readonly string[]): Promise<void> {
    await succeed('ip', ['-n', this.name, ...args])
  }

  /** Runs a program in it; throws where that fails. Gives its output. */
  async succeed(name: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(name, args)
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${code}: ${stdout}${stderr}`)
    return stdout
  }

  run(name: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
    return runProgram('ip', this.#command(name, args), options)
  }

  start(name: string, args: readonly string[], options?: RunOptions): RunningProgram {
    return startProgram('ip', this.#command(name, args), options)
  }

  freePort(): Promise<number> {
    return Promise.resolve(this.#nextPort++)
  }

  /** Itself, as a place for a server that is to listen on this port. */
  onPort(port: number): ServerPlace {
    return {
      bind: this.bind,
      freePort: () => Promise.resolve(port),
      run: (...call) => this.run(...call),
      start: (...call) => this.start(...call),
      accepts: (one) => this.accepts(one),
    }
  }

  async accepts(port: number): Promise<void> {
    await untilSucceeds(
      async () => (await this.run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`])).code === 0,
      () => `nothing accepts on port ${port} of ${this.name}`,
    )
  }

  async remove(): Promise<void> {
    await runProgram('ip', ['netns', 'del', this.name])
  }

  // ip(8) replaces itself by the program: signals reach it.
  #command(name: string, args: readonly string[]): string[] {
    return ['netns', 'exec', this.name, programPath(name), ...args]
  }
}

/** Both ends of a cable. */
export interface Link {
  readonly ipv4: string
  readonly ipv6: string
}

/** Joins two namespaces by a cable with addresses of both families: the first end is `.2`, the second `.1` and its way to the world. */
export async function connectNamespaces(
  one: NetworkNamespace,
  other: NetworkNamespace,
  subnet = 1,
): Promise<{ readonly one: Link; readonly other: Link }> {
  const ends = { one: addresses(subnet, 2), other: addresses(subnet, 1) }
  const [near, far] = [`to${subnet}b`, `to${subnet}a`]
  await one.ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', other.name)
  for (const [namespace, device, end] of [
    [one, near, ends.one],
    [other, far, ends.other],
  ] as const) {
    await namespace.ip('link', 'set', device, 'up')
    await namespace.ip('addr', 'add', `${end.ipv4}/24`, 'dev', device)
    // Without waiting for others to have the same address: nobody else is there.
    await namespace.ip('addr', 'add', `${end.ipv6}/64`, 'dev', device, 'nodad')
  }
  await one.ip('route', 'add', 'default', 'via', ends.other.ipv4)
  await one.ip('-6', 'route', 'add', 'default', 'via', ends.other.ipv6)
  return ends
}

function addresses(subnet: number, host: number): Link {
  return { ipv4: `10.77.${subnet}.${host}`, ipv6: `fd77:${subnet}::${host}` }
}

async function succeed(name: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(name, args)
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}
