import { readFile } from 'node:fs/promises'
import type { Config, ListenerConfig } from '../core/config/config.js'
import { DESCRIPTOR_SHARE, MAX_CONNECTIONS } from '../core/config/defaults.js'
import { descriptorLimit } from '../core/config/descriptor-limit.js'
import { nativeAddon } from '../core/native/native-addon.js'
import { hasIpv6 } from '../interception/intercept.js'
import { Iptables, IPTABLES_MODES, type IptablesMode } from '../interception/iptables.js'
import { kernelTransparentSockets } from '../interception/kernel-transparent-sockets.js'
import { transportChoice } from '../system-transport.js'
import { ourRules } from '../interception/rule-changes.js'
import type { Family } from '../interception/rules.js'
import { findProgram } from '../interception/system-program.js'
import { counted } from './quantities.js'

/** `unknown`: this process may not look. */
export type State = 'there' | 'missing' | 'unknown'

/** One thing of the machine that Sluice can make use of. */
export interface Diagnosis {
  readonly name: string
  readonly state: State
  /** What was found, or why it is not there. */
  readonly detail: string
  /** What cannot be done without it, or goes less well. */
  readonly cost: string
  /** The listeners of the configuration that cannot do without it. */
  readonly neededBy: readonly string[]
}

/** Node's majors from this one on take about a third less CPU for a connection. */
const FASTER_NODE = 24
/** proc_sys_net_ipv4: the first port that everybody may listen on. */
const UNPRIVILEGED_PORTS = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
/** capabilities(7). */
const CAP_NET_BIND_SERVICE = 10

/** Looks at all of it. Changes nothing. Without a configuration nothing is needed. */
export async function diagnose(config?: Config): Promise<Diagnosis[]> {
  const listeners = config?.listeners ?? []
  return [
    node(),
    addon(listeners),
    transport(),
    transparentSockets(listeners),
    iptables('ipv4'),
    ...(hasIpv6() ? [iptables('ipv6')] : []),
    ip(),
    await rules(),
    ipv6(),
    await descriptors(listeners),
    await lowPorts(listeners),
    inheritedSockets(listeners),
  ]
}

function node(): Diagnosis {
  const { version } = process
  const isFaster = Number(process.versions.node.split('.')[0]) >= FASTER_NODE
  const detail = isFaster ? version : `${version}; Node ${FASTER_NODE} takes about a third less CPU for a connection`
  return { name: 'Node', state: 'there', detail, cost: 'nothing runs', neededBy: [] }
}

function addon(listeners: readonly ListenerConfig[]): Diagnosis {
  const { file, problem } = nativeAddon() as { file?: string; problem?: string }
  return {
    name: 'native addon',
    state: file === undefined ? 'missing' : 'there',
    detail: file ?? problem ?? '',
    cost: 'no "intercept: redirect", no "preserveSource", and "intercept: tproxy" only on a socket that is passed in',
    neededBy: namesOf(listeners, (listener) => listener.intercept === 'redirect' || makesTransparent(listener)),
  }
}

function transport(): Diagnosis {
  const choice = transportChoice()
  const isNative = choice.name === 'native'
  return {
    name: 'native transport',
    state: isNative ? 'there' : 'missing',
    detail: isNative ? "bytes go past Node's streams" : choice.reason,
    cost: "sockets go through Node's streams, which take about a third more CPU",
    neededBy: [],
  }
}

function transparentSockets(listeners: readonly ListenerConfig[]): Diagnosis {
  const cost = 'no "intercept: tproxy" but on a socket that is passed in, no "preserveSource"'
  const neededBy = namesOf(listeners, makesTransparent)
  try {
    kernelTransparentSockets.probe()
    const detail = 'this process may make them'
    return { name: 'transparent sockets', state: 'there', detail, cost, neededBy }
  } catch (error) {
    const isForbidden = (error as NodeJS.ErrnoException).code === 'EPERM'
    const detail = isForbidden ? 'this process needs the capability CAP_NET_ADMIN' : (error as Error).message
    return { name: 'transparent sockets', state: 'missing', detail, cost, neededBy }
  }
}

function makesTransparent({ intercept, addresses, isSourcePreserved }: ListenerConfig): boolean {
  return isSourcePreserved || (intercept === 'tproxy' && addresses.some((address) => 'host' in address))
}

function installed(family: Family): IptablesMode[] {
  return IPTABLES_MODES.filter((mode) => Iptables.find(family, mode) !== undefined)
}

/** Rules may be written from elsewhere, by an init container: no listener needs these programs. */
function iptables(family: Family): Diagnosis {
  const name = family === 'ipv4' ? 'iptables' : 'ip6tables'
  const modes = installed(family)
  const found = modes.map((mode) => (mode === 'plain' ? name : `${name}-${mode}`)).join(', ')
  return {
    name,
    state: modes.length === 0 ? 'missing' : 'there',
    detail: modes.length === 0 ? 'not installed (package iptables)' : found,
    cost: `no "sluice intercept"${family === 'ipv6' ? ' but with --no-ipv6' : ''}`,
    neededBy: [],
  }
}

function ip(): Diagnosis {
  const program = findProgram('ip')
  return {
    name: 'ip',
    state: program === undefined ? 'missing' : 'there',
    detail: program ?? 'not installed (package iproute2)',
    cost: 'no "sluice intercept --mode tproxy"',
    neededBy: [],
  }
}

/** Whether connections are brought here at all. Others may have written other rules, so that nobody can say that they are missing. */
async function rules(): Promise<Diagnosis> {
  const common = {
    name: 'rules',
    cost: 'no connection is brought to an intercepting listener, unless other rules do',
    neededBy: [],
  }
  const found: string[] = []
  let isForbidden = false
  for (const mode of installed('ipv4')) {
    const saved = await Iptables.find('ipv4', mode)!
      .save()
      .catch(() => undefined)
    isForbidden ||= saved === undefined
    const count = Object.values(ourRules(saved ?? '')).flatMap(({ chains }) => Object.values(chains).flat()).length
    if (count > 0 && mode !== 'plain') found.push(`${counted(count, 'rule')} of "sluice intercept" by iptables-${mode}`)
  }
  if (found.length > 0) return { ...common, state: 'there', detail: found.join(', ') }
  if (isForbidden) return { ...common, state: 'unknown', detail: 'only root can look' }
  return { ...common, state: 'missing', detail: 'none of "sluice intercept" in this network namespace' }
}

function ipv6(): Diagnosis {
  const isThere = hasIpv6()
  const detail = isThere ? 'on' : 'no address of it in this network namespace'
  return { name: 'IPv6', state: isThere ? 'there' : 'missing', detail, cost: 'no IPv6 connections', neededBy: [] }
}

async function descriptors(listeners: readonly ListenerConfig[]): Promise<Diagnosis> {
  const limit = (await descriptorLimit()) ?? Infinity
  const most = Math.floor(limit / DESCRIPTOR_SHARE)
  const isEnough = most >= MAX_CONNECTIONS
  return {
    name: 'enough descriptors',
    state: isEnough ? 'there' : 'missing',
    detail: limit === Infinity ? 'no limit' : `${limit}: ${most} connections a listener`,
    cost: `fewer connections than limits.maxConnections, ${MAX_CONNECTIONS} by default; raise it with ulimit -n or LimitNOFILE=`,
    // The default is cut down without a word: what counts is a number that somebody wrote.
    neededBy: namesOf(
      listeners,
      ({ limits }) => limits.maxConnections !== MAX_CONNECTIONS && limits.maxConnections > most,
    ),
  }
}

async function lowPorts(listeners: readonly ListenerConfig[]): Promise<Diagnosis> {
  const first = Number(await readFile(UNPRIVILEGED_PORTS, 'utf8').catch(() => '1024'))
  const isAllowed = (await hasCapability(CAP_NET_BIND_SERVICE)) || first <= 1
  const isLow = (listener: ListenerConfig): boolean =>
    listener.addresses.some((address) => 'port' in address && address.port !== 0 && address.port < first)
  return {
    name: 'low ports',
    state: isAllowed ? 'there' : 'missing',
    detail: isAllowed ? 'this process may listen on every port' : `ports below ${first} need CAP_NET_BIND_SERVICE`,
    cost: `no listener on a port below ${first}`,
    neededBy: namesOf(listeners, isLow),
  }
}

/** Of another process: whether the one that will run gets them, is not to be seen from here. */
function inheritedSockets(listeners: readonly ListenerConfig[]): Diagnosis {
  const named = listeners.flatMap(({ addresses }) =>
    addresses.flatMap((address) => ('inherited' in address ? [`fd:${address.inherited}`] : [])),
  )
  const detail =
    named.length === 0
      ? 'passed in by systemd at start, where a listener asks for them'
      : `${named.join(', ')}: passed in at start, not to be seen from here`
  return { name: 'inherited sockets', state: 'unknown', detail, cost: 'no listener on fd:3 or fd:NAME', neededBy: [] }
}

/** proc_pid_status(5): the effective set, in hexadecimal. */
async function hasCapability(bit: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = /^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n
}

function namesOf(listeners: readonly ListenerConfig[], needsIt: (listener: ListenerConfig) => boolean): string[] {
  return listeners.filter(needsIt).map(({ name }) => name)
}
