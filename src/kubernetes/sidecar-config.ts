import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { ConfigError } from '../core/config-error.js'
import type { Config, ListenerConfig } from '../core/config/config.js'
import { DEFAULT_CHAIN } from '../core/config/defaults.js'
import { loadConfig, parseConfig, readParsedConfig } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import type { InjectionSettings } from './injection-settings.js'
import { formatPortRange, type PortRange } from '../core/port-ranges.js'

/** The ports that the rest of a pod has to know. */
export type SidecarPorts = Pick<InjectionSettings, 'inboundPort' | 'outboundPort' | 'adminPort'>

/** All annotations of an object together may have 256 KiB (Kubernetes: TotalAnnotationSizeLimitB); others need room, too. */
const MAX_CONFIG_CHARACTERS = 200 * 1024

const LOOPBACK = /^(127\.|::1$|localhost$)/

/**
 * Changes the image's configuration to other ports, and to ports that are carried without looking. What it returns gives undefined
 * where the image's own configuration does as it is.
 */
export function configChanger(
  imageConfig: string,
  registry: Registry,
): (settings: InjectionSettings) => string | undefined {
  const own = portsOf(loaded('the configuration of the image', imageConfig, registry))
  const made = new Map<string, string>()
  return ({ opaquePorts, inboundPort, outboundPort, adminPort }) => {
    const ports = { inboundPort, outboundPort, adminPort }
    if (isDeepStrictEqual(ports, own) && opaquePorts.length === 0) return undefined
    const key = JSON.stringify([ports, opaquePorts])
    const text = made.get(key) ?? changed(imageConfig, ports, opaquePorts)
    if (!made.has(key)) loaded('the configuration that was made', text, registry)
    made.set(key, text)
    return text
  }
}

function changed(imageConfig: string, ports: SidecarPorts, opaquePorts: readonly PortRange[]): string {
  const document = parseDocument(imageConfig)
  // What it says about itself is no longer true.
  document.commentBefore = ' The configuration of the image, changed by sluice inject.'
  const first = isMap(document.contents) ? document.contents.items[0]?.key : undefined
  if (isScalar(first)) first.commentBefore = undefined
  document.setIn(['admin', 'address'], withPort(String(document.getIn(['admin', 'address'])), ports.adminPort))
  const listeners = document.get('listeners')
  for (const listener of isSeq(listeners) ? listeners.items : []) {
    if (!isMap(listener)) continue
    const port = listener.get('direction') === 'inbound' ? ports.inboundPort : ports.outboundPort
    const addresses = listener.get('address')
    for (const address of isSeq(addresses) ? addresses.items : [])
      if (isScalar(address)) address.value = withPort(String(address.value), port)
    if (opaquePorts.length > 0) listener.set('filters', document.createNode(chainWith(opaquePorts)))
  }
  return document.toString({ lineWidth: 0 })
}

/** The ports of a configuration that is to be carried along. Throws a ConfigError where it has errors, a RangeError where it is no sidecar's. */
export function portsOfConfig(file: string, text: string, registry: Registry): SidecarPorts {
  if (text.length > MAX_CONFIG_CHARACTERS)
    throw new RangeError(`${file} has more than ${MAX_CONFIG_CHARACTERS} characters: an annotation cannot hold it`)
  return portsOf(loaded(file, text, registry))
}

/**
 * A configuration is read here for the pod that it goes to: original destinations are asked for there, its environment is not known
 * here, and what its plugins bring is in the image.
 */
function loaded(file: string, text: string, registry: Registry): Config {
  const there: Registry = { ...registry, originalDestinations: { of: () => undefined } }
  const environment = {}
  const hasPlugins = parseConfig(text, there, { file, environment }).raw?.['plugins'] !== undefined
  const { config, findings } = hasPlugins
    ? readParsedConfig(parseConfig(text, there, { file, environment }), { ...there, isIncomplete: true })
    : loadConfig(text, there, { file, environment })
  if (!config) throw new ConfigError(file, findings)
  return config
}

function portsOf(config: Config): SidecarPorts {
  const { admin } = config
  if (!admin) throw new RangeError('a sidecar needs "admin": Kubernetes asks it whether the proxy is ready')
  if (LOOPBACK.test(admin.address.host))
    throw new RangeError(
      'a sidecar needs "admin" on an address of the pod, such as 0.0.0.0: Kubernetes asks from outside of it',
    )
  return {
    inboundPort: portOf(config, 'inbound'),
    outboundPort: portOf(config, 'outbound'),
    adminPort: admin.address.port,
  }
}

function portOf({ listeners }: Config, direction: ListenerConfig['direction']): number {
  const found = listeners.filter((listener) => listener.direction === direction && listener.intercept === 'redirect')
  const ports = new Set(
    found.flatMap(({ addresses }) => addresses.flatMap((address) => ('port' in address ? [address.port] : []))),
  )
  const [port] = ports
  if (port !== undefined && ports.size === 1) return port
  throw new RangeError(
    `a sidecar needs one port of listeners with "direction: ${direction}" and "intercept: redirect", got ${ports.size}`,
  )
}

function chainWith(opaquePorts: readonly PortRange[]): unknown[] {
  const ports = Object.fromEntries(opaquePorts.map((range) => [formatPortRange(range), 'opaque']))
  return DEFAULT_CHAIN.map((name) => (name === 'port-override' ? { [name]: { ports } } : name))
}

function withPort(address: string, port: number): string {
  return address.replace(/\d+$/, String(port))
}
