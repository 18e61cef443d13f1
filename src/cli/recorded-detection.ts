import { ConfigError } from '../core/config-error.js'
import type { Config, ListenerConfig } from '../core/config/config.js'
import { readConfigFile, readParsedConfig } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import { SnifferPlan } from '../core/detection.js'
import { chooseSniffers } from '../core/sniffer-choice.js'
import type { Sniffer } from '../core/sniffer.js'
import { snifferChoice } from '../filters/detect/detect.js'
import { protocolsByPort } from '../filters/port-override/port-override.js'
import { openConfig } from '../plugins/open-config.js'
import { UsageError } from './exit-code.js'

/** How a listener looks at a recording. */
export interface RecordedDetection {
  readonly plan: SnifferPlan
  /** Of each side, no more than its first so many bytes are looked at. */
  readonly windowBytes: number
  /** What its `port-override` names without looking. */
  readonly protocolsByPort: ReadonlyMap<number, string>
  readonly listener: ListenerConfig
  readonly config: Config
  /** Built-ins and plugins. */
  readonly registry: Registry
}

/** Whose detection is asked for. */
export interface DetectionOptions {
  /** A configuration; without it, one listener with the default chain. */
  readonly config?: string
  /** By name; the first one where it is absent. */
  readonly listener?: string
}

/** Valid, never bound, and never dialled. */
const DEFAULT_LISTENER = { listeners: [{ name: 'default', address: '127.0.0.1:0', destination: '127.0.0.1:9' }] }

/** The detection of one listener. `onSnifferError` hears of a sniffer that threw: it loses that vote. */
export async function recordedDetection(
  options: DetectionOptions,
  builtIns: Registry,
  onSnifferError: (sniffer: Sniffer, error: unknown) => void,
): Promise<RecordedDetection> {
  const { config: file } = options
  if (file === undefined && options.listener !== undefined) {
    throw new UsageError('--listener needs -c FILE: without it there is only the default chain')
  }
  const opened = await (file === undefined
    ? openConfig(DEFAULT_LISTENER, builtIns)
    : openConfig(await readConfigFile(file), builtIns, { file }))
  // Nothing is intercepted: what this machine could find out about connections does not matter.
  const registry = { ...opened.registry, originalDestinations: { of: () => undefined } }
  const { config, findings } = readParsedConfig(opened.parsed, registry)
  if (config === undefined) throw new ConfigError(file ?? 'the configuration', findings)
  const listener = listenerNamed(config, options.listener)
  return {
    plan: new SnifferPlan(askedSniffers(listener, registry.sniffers), onSnifferError),
    windowBytes: listener.limits.peekWindowBytes,
    protocolsByPort: namedPorts(listener),
    listener,
    config,
    registry,
  }
}

function listenerNamed({ listeners }: Config, name: string | undefined): ListenerConfig {
  const listener = name === undefined ? listeners[0] : listeners.find((one) => one.name === name)
  if (listener) return listener
  throw new UsageError(`no listener "${name}". There are ${listeners.map((one) => one.name).join(', ')}.`)
}

/** Those that the listener's `detect` asks; none where it has no `detect`. */
function askedSniffers(listener: ListenerConfig, sniffers: readonly Sniffer[]): readonly Sniffer[] {
  const options = optionsOf<Parameters<typeof snifferChoice>[0]>(listener, 'detect')
  return options ? chooseSniffers(sniffers, snifferChoice(options)) : []
}

function namedPorts(listener: ListenerConfig): ReadonlyMap<number, string> {
  const options = optionsOf<{ readonly ports: Readonly<Record<string, string>> }>(listener, 'port-override')
  return options ? protocolsByPort(options.ports) : new Map()
}

/** A built-in filter's options, as its schema made them. */
function optionsOf<T>({ filters }: ListenerConfig, name: string): T | undefined {
  return filters.find(({ definition }) => definition.name === name)?.options as T | undefined
}
