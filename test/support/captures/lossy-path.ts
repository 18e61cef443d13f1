import { runProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'

/** A client and a server in network namespaces of their own, and a router between them that loses packets. */
export interface LossyPath extends Stoppable {
  /** What runs a program in the client's or the server's namespace. */
  readonly inClient: readonly string[]
  readonly inServer: readonly string[]
  /** Addresses of the server. */
  readonly ipv4: string
  readonly ipv6: string
}

/** Whether this process may make namespaces, and what to say where it may not. In CI that is an error. */
export async function mayMakeNamespaces(): Promise<{ readonly areMissing: boolean; readonly why: string }> {
  const name = `sluice-try-${process.pid}`
  const { code, stderr } = await runProgram('ip', ['netns', 'add', name])
  if (code === 0) {
    await runProgram('ip', ['netns', 'del', name])
    return { areMissing: false, why: '' }
  }
  const why = `no network namespace can be made: ${stderr.trim()}`
  if (process.env.CI === 'true') throw new Error(`${why}. With CI=true every test must run: run it as root`)
  return { areMissing: true, why: ` [skipped: ${why}]` }
}

/** One packet in so many is lost on the way to the client; counted apart for IPv4 and IPv6. */
const LOST_ONE_IN = 17

/** Each end has one interface, `path`. Every packet holds one segment, as on a wire. */
export function lossyPath(): Promise<LossyPath> {
  return startServer(async (onStop) => {
    const [client, router, server] = ['client', 'router', 'server'].map((role) => `sluice-${role}-${process.pid}`)
    for (const name of [client!, router!, server!]) {
      await must('ip', 'netns', 'add', name)
      onStop(() => must('ip', 'netns', 'del', name))
    }
    for (const [end, net] of [
      [client!, 1],
      [server!, 2],
    ] as const) {
      const port = `path${net}`
      await must('ip', 'link', 'add', 'path', 'netns', end, 'type', 'veth', 'peer', 'name', port, 'netns', router!)
      for (const [name, device, host] of [
        [end, 'path', 2],
        [router!, port, 1],
      ] as const) {
        await must('ip', '-n', name, 'addr', 'add', `10.77.${net}.${host}/24`, 'dev', device)
        await must('ip', '-n', name, 'addr', 'add', `fd77:${net}::${host}/64`, 'dev', device, 'nodad')
        // Else the kernel hands over 64 KiB at once.
        await must('ip', '-n', name, 'link', 'set', device, 'gso_max_segs', '1', 'mtu', '1400', 'up')
      }
      await must('ip', '-n', end, 'route', 'add', 'default', 'via', `10.77.${net}.1`)
      await must('ip', '-n', end, '-6', 'route', 'add', 'default', 'via', `fd77:${net}::1`)
    }
    const inRouter = ['ip', 'netns', 'exec', router!]
    await must(...inRouter, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    const lost = ['-m', 'statistic', '--mode', 'nth', '--every', String(LOST_ONE_IN), '--packet', '0', '-j', 'DROP']
    for (const tables of ['iptables', 'ip6tables'])
      await must(...inRouter, tables, '-A', 'FORWARD', '-i', 'path2', '-p', 'tcp', ...lost)
    return {
      inClient: ['ip', 'netns', 'exec', client!],
      inServer: ['ip', 'netns', 'exec', server!],
      ipv4: '10.77.2.2',
      ipv6: 'fd77:2::2',
    }
  })
}

async function must(...words: readonly string[]): Promise<void> {
  const [name, ...args] = words
  const { code, stderr } = await runProgram(name!, args)
  if (code !== 0) throw new Error(`${words.join(' ')}: exit ${code}: ${stderr}`)
}
