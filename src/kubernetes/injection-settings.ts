import { parseCidr } from '../core/config/scalar-text.js'
import { formatPortRange, parsePort, parsePortRanges, type PortRange } from '../core/port-ranges.js'
import { amountOf, parseQuantity } from './quantity.js'

/** What a sidecar is to be like: flags, and annotations of a workload over them. */
export interface InjectionSettings {
  readonly proxyImage: string
  readonly initImage: string
  readonly imagePullPolicy: string
  readonly proxyUid: number
  readonly proxyCpuRequest: string
  readonly proxyMemoryRequest: string
  readonly proxyCpuLimit?: string | undefined
  readonly proxyMemoryLimit?: string | undefined
  /** The image's configuration decides where it is absent. */
  readonly proxyLogLevel?: string | undefined
  readonly inboundPort: number
  readonly outboundPort: number
  readonly adminPort: number
  readonly opaquePorts: readonly PortRange[]
  readonly skipInboundPorts: readonly PortRange[]
  readonly skipOutboundPorts: readonly PortRange[]
  readonly skipSubnets: readonly string[]
  /** Undefined: for what runs to completion, where an ordinary container would keep it from ending. */
  readonly nativeSidecar?: boolean | undefined
  /** Whether the application's containers wait until the proxy is ready. A native sidecar always has them wait. */
  readonly proxyAwait: boolean
}

export type SettingName = keyof InjectionSettings

/** How one setting is written, on the command line and on a workload. */
export interface Setting {
  readonly name: SettingName
  /** Behind `--`, and behind the annotations' prefix. */
  readonly key: string
  /** Shown in the help; absent for a switch. */
  readonly argument?: string
  readonly help: string
  /** Throws a RangeError that says what was expected and what was there. */
  parse(text: string): string | number | boolean | readonly PortRange[] | readonly string[]
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent']
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']
/** What Linux can say as a user; 4,294,967,295 is "no change" there, and root is what the proxy is not to be. */
const MAX_UID = 4_294_967_294

/** Every setting, in the order of the help. Keys are those of Linkerd where it has the same. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'proxyImage',
    key: 'proxy-image',
    argument: '<image>',
    help: 'image of the proxy, with its tag',
    parse: image,
  },
  {
    name: 'initImage',
    key: 'init-image',
    argument: '<image>',
    help: 'image of the init container, with its tag',
    parse: image,
  },
  {
    name: 'imagePullPolicy',
    key: 'image-pull-policy',
    argument: '<policy>',
    help: 'when both images are pulled: Always, IfNotPresent or Never',
    parse: oneOf(PULL_POLICIES),
  },
  { name: 'proxyUid', key: 'proxy-uid', argument: '<uid>', help: 'user that the proxy runs as', parse: uid },
  {
    name: 'proxyCpuRequest',
    key: 'proxy-cpu-request',
    argument: '<quantity>',
    help: 'CPU that the proxy asks for',
    parse: parseQuantity,
  },
  {
    name: 'proxyCpuLimit',
    key: 'proxy-cpu-limit',
    argument: '<quantity>',
    help: 'most CPU that it gets',
    parse: parseQuantity,
  },
  {
    name: 'proxyMemoryRequest',
    key: 'proxy-memory-request',
    argument: '<quantity>',
    help: 'memory that the proxy asks for',
    parse: parseQuantity,
  },
  {
    name: 'proxyMemoryLimit',
    key: 'proxy-memory-limit',
    argument: '<quantity>',
    help: 'most memory that it gets',
    parse: parseQuantity,
  },
  {
    name: 'proxyLogLevel',
    key: 'proxy-log-level',
    argument: '<level>',
    help: `log level of the proxy: ${LOG_LEVELS.join(', ')}`,
    parse: oneOf(LOG_LEVELS),
  },
  {
    name: 'inboundPort',
    key: 'inbound-port',
    argument: '<port>',
    help: 'where the proxy takes connections to the pod',
    parse: parsePort,
  },
  {
    name: 'outboundPort',
    key: 'outbound-port',
    argument: '<port>',
    help: 'where the proxy takes connections of the pod',
    parse: parsePort,
  },
  {
    name: 'adminPort',
    key: 'admin-port',
    argument: '<port>',
    help: 'where the proxy answers /metrics, /ready and /live',
    parse: parsePort,
  },
  {
    name: 'opaquePorts',
    key: 'opaque-ports',
    argument: '<ports>',
    help: 'ports to carry without looking, such as 4222,6000-6100',
    parse: (text) => (text.trim() === '' ? [] : parsePortRanges(text, 1)),
  },
  {
    name: 'skipInboundPorts',
    key: 'skip-inbound-ports',
    argument: '<ports>',
    help: 'ports of the pod that bypass the proxy',
    parse: skippedPorts,
  },
  {
    name: 'skipOutboundPorts',
    key: 'skip-outbound-ports',
    argument: '<ports>',
    help: 'ports of others that bypass the proxy',
    parse: skippedPorts,
  },
  {
    name: 'skipSubnets',
    key: 'skip-subnets',
    argument: '<cidrs>',
    help: 'networks that bypass the proxy, such as 10.0.0.0/8',
    parse: subnets,
  },
  {
    name: 'nativeSidecar',
    key: 'native-sidecar',
    help: 'run the proxy as a native sidecar (Kubernetes 1.29); always so for Jobs and CronJobs',
    parse: enabled,
  },
  {
    name: 'proxyAwait',
    key: 'proxy-await',
    help: 'let the containers start without waiting for the proxy',
    parse: enabled,
  },
]

/** What is asked for where nobody says otherwise. */
export function defaultSettings(version: string): InjectionSettings {
  return {
    proxyImage: `sluice-proxy:${version}`,
    initImage: `sluice-init:${version}`,
    imagePullPolicy: 'IfNotPresent',
    proxyUid: 2102,
    proxyCpuRequest: '10m',
    proxyMemoryRequest: '96Mi',
    inboundPort: 4143,
    outboundPort: 4140,
    adminPort: 4191,
    opaquePorts: [],
    skipInboundPorts: [],
    skipOutboundPorts: [],
    skipSubnets: [],
    proxyAwait: true,
  }
}

/** What is wrong with these settings together; undefined where nothing is. */
export function conflictIn(settings: InjectionSettings): string | undefined {
  const { proxyCpuRequest, proxyCpuLimit, proxyMemoryRequest, proxyMemoryLimit } = settings
  const { inboundPort, outboundPort, adminPort } = settings
  if (proxyCpuLimit !== undefined && amountOf(proxyCpuRequest) > amountOf(proxyCpuLimit))
    return `proxy-cpu-request ${proxyCpuRequest} is more than proxy-cpu-limit ${proxyCpuLimit}`
  if (proxyMemoryLimit !== undefined && amountOf(proxyMemoryRequest) > amountOf(proxyMemoryLimit))
    return `proxy-memory-request ${proxyMemoryRequest} is more than proxy-memory-limit ${proxyMemoryLimit}`
  if (new Set([inboundPort, outboundPort, adminPort]).size < 3)
    return `inbound-port ${inboundPort}, outbound-port ${outboundPort} and admin-port ${adminPort} must be three different ports`
  return undefined
}

/** A list of ports as it is handed on. */
export function formatPortRanges(ranges: readonly PortRange[]): string {
  return ranges.map(formatPortRange).join(',')
}

/** What stands before an image's name. */
export function registryPrefix(text: string): string {
  const prefix = text.replace(/\/+$/, '')
  if (!/^[a-z0-9][\w.:/-]*$/i.test(prefix))
    throw new RangeError(`expected a registry such as registry.example.com/team, got "${text}"`)
  return prefix
}

/** Registry, path, tag and digest have no other characters; whether the image is there, only a cluster can tell. */
function image(text: string): string {
  if (!/^[a-z0-9][\w.:/@-]*$/i.test(text))
    throw new RangeError(`expected an image such as sluice-proxy:1.0, got "${text}"`)
  return text
}

function oneOf(values: readonly string[]): (text: string) => string {
  return (text) => {
    if (!values.includes(text)) throw new RangeError(`expected ${values.join(', ')}, got "${text}"`)
    return text
  }
}

function uid(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > MAX_UID) throw new RangeError(`expected a user's number, 1 to ${MAX_UID}, got "${text}"`)
  return value
}

function skippedPorts(text: string): PortRange[] {
  return text.trim() === '' ? [] : parsePortRanges(text)
}

function subnets(text: string): string[] {
  const items = text.split(',').map((item) => item.trim())
  return items.filter((item) => item !== '').map((item) => subnet(item))
}

function subnet(item: string): string {
  const { problem } = parseCidr(item)
  if (problem !== undefined) throw new RangeError(`"${item}": ${problem}`)
  return item
}

/** Linkerd writes some switches in one way and some in the other: both are understood. */
function enabled(text: string): boolean {
  if (text === 'true' || text === 'enabled') return true
  if (text === 'false' || text === 'disabled') return false
  throw new RangeError(`expected true or false, got "${text}"`)
}
