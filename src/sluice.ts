import type { Address } from './core/address.js'
import { formatAddress } from './core/address.js'
import { AdminServer } from './admin/admin-server.js'
import { type Clock, systemClock, type Timer } from './core/clock.js'
import type { ClosedTrace } from './core/closed-traces.js'
import type { CloseSummary } from './core/close-summary.js'
import { ConfigError } from './core/config-error.js'
import type { Config } from './core/config/config.js'
import { descriptorLimit } from './core/config/descriptor-limit.js'
import type { WrittenConfig } from './core/config/effective-config.js'
import type { LocatedFinding } from './core/config/findings.js'
import { type ParsedConfig, readConfigFile, readParsedConfig } from './core/config/load-config.js'
import { type Registry, registryOf } from './core/config/registry.js'
import { type Binding, Container } from './core/container.js'
import type { RememberedDestination } from './core/destination-memory.js'
import { SluiceError } from './core/errors.js'
import { Instance } from './core/instance.js'
import { type Log, silentLog } from './core/log.js'
import type { LookedAt } from './core/looked-at.js'
import { MetricsRegistry } from './core/metrics.js'
import {
  CLOCK,
  ENDPOINT_SOURCES,
  HEALTH_CHECKS,
  LOG,
  OBSERVERS,
  ORIGINAL_DESTINATIONS,
  SNIFFERS,
  TRANSPARENT_SOCKETS,
  TRANSPORT,
} from './core/tokens.js'
import type { TraceStep } from './core/trace.js'
import { REQUEST_HUB, RequestHub } from './http/request-hub.js'
import type { RequestRecord } from './http/request-record.js'
import { ConfiguredSources } from './discovery/configured-sources.js'
import { makeHealthChecks } from './health/make-health-checks.js'
import { builtIns } from './plugins/built-ins.js'
import { openConfig, type OpenedConfig } from './plugins/open-config.js'
import type { Plugin, Provider } from './plugins/plugin.js'
import type { SluiceConfig } from './sluice-config.js'
import { systemTransport, transportChoice } from './system-transport.js'

/** What an embedder or a test brings beside the configuration. */
export interface SluiceOverrides {
  /** Beside those that the configuration names, and after them. */
  readonly plugins?: readonly Plugin[]
  /** From where the plugins that an object names are looked up. Default: the current folder. Those of a file: from its folder. */
  readonly folder?: string
  /** Services in place of those that are there: a store of a plugin, the clock, the transport. */
  readonly providers?: readonly Provider[]
  /** Where to log. Without it nothing is logged: a library prints nothing. */
  readonly log?: Log
}

/** A live connection, in the words of the close summary, without its end. */
export type ConnectionSnapshot = Omit<CloseSummary, 'closedBy' | 'reason'>

/** An open connection, with why Sluice has done with it what it has. */
export interface LiveTrace {
  readonly summary: ConnectionSnapshot
  readonly steps: readonly TraceStep[]
  /** What detection has looked at: at most `traceBytes` of each side. */
  readonly lookedAt?: LookedAt | undefined
}

/** What `on` lets you hear. */
export interface SluiceEvents {
  /** Protocol and destination of a connection are known, or it is certain that they will not be. */
  decided: (connection: ConnectionSnapshot) => void
  closed: (summary: CloseSummary) => void
  /** An HTTP request is over, on a listener with `http-metrics` or `http-route`. Heads are decoded for it only while somebody listens. */
  request: (record: RequestRecord) => void
}

/** What `on` may be told beside the event. */
export type OnOptions<E extends keyof SluiceEvents> = E extends 'request'
  ? { /** Of this listener only: the others then do not pay for it. */ readonly listener?: string }
  : { readonly listener?: never }

/** Those that the connections themselves bring. */
type ConnectionEvents = Omit<SluiceEvents, 'request'>

export interface StopOptions {
  /** Milliseconds that open connections get to end by themselves, after the configuration's drain delay. Absent: none. */
  readonly grace?: number
  /** Milliseconds between turning unready and closing the listeners. Default: `drain.delay` of the configuration. */
  readonly delay?: number
}

/**
 * Makes a proxy from a configuration: an object, or the path of a YAML file. Nothing happens, and nothing throws, before
 * `start()`. Instances share nothing: two in one process do not touch each other.
 */
export function createSluice(config: SluiceConfig | string, overrides: SluiceOverrides = {}): Sluice {
  return new Sluice(config, overrides)
}

type State = 'new' | 'starting' | 'running' | 'draining' | 'stopped'

/** One proxy, from `start()` to `stop()`. */
export class Sluice {
  readonly #source: SluiceConfig | string
  readonly #overrides: SluiceOverrides
  readonly #metrics = new MetricsRegistry()
  readonly #requests = new RequestHub()
  readonly #listeners: { readonly [E in keyof ConnectionEvents]: Set<ConnectionEvents[E]> } = {
    decided: new Set(),
    closed: new Set(),
  }
  #state: State = 'new'
  #config: Config | undefined
  #written: WrittenConfig | undefined
  #warnings: readonly LocatedFinding[] = []
  #instance: Instance | undefined
  #admin: AdminServer | undefined
  #clock: Clock = systemClock
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  /** Ends the drain under way at once. */
  #endDrain: (() => void) | undefined
  #transportName: 'native' | 'node' | 'custom' = 'custom'

  constructor(source: SluiceConfig | string, overrides: SluiceOverrides) {
    this.#source = source
    this.#overrides = overrides
  }

  /**
   * Reads the configuration, starts the filters, binds every address. Rejects with a ConfigError that has all findings, or with a
   * SluiceError (SLUICE_ADDRESS_IN_USE); nothing stays bound then.
   */
  async start(): Promise<this> {
    if (this.#state !== 'new')
      throw new SluiceError('SLUICE_STATE', 'sluice', `start() of an instance that is ${this.#state}: make a new one`)
    this.#state = 'starting'
    try {
      this.#starting = this.#start()
      await this.#starting
      this.#state = 'running'
      return this
    } catch (error) {
      this.#state = 'stopped'
      await this.#admin?.close()
      throw error
    }
  }

  /** True from `start()` until `stop()`: what `/ready` says. */
  get isReady(): boolean {
    return this.#state === 'running'
  }

  /** Which transport serves, once started; `custom` where a plugin or `providers` brings one. */
  get transportName(): 'native' | 'node' | 'custom' {
    return this.#transportName
  }

  /** What `check` would warn of. */
  get warnings(): readonly LocatedFinding[] {
    return this.#warnings
  }

  /** The configuration that runs. */
  get config(): Config {
    return this.#started(this.#config)
  }

  /** The configuration as written, with what came from the environment shown as ***. */
  get writtenConfig(): WrittenConfig {
    return this.#started(this.#written)
  }

  /** Where a listener listens: the port that was taken where the configuration says 0. The first one where no name is given. */
  address(listener?: string): Address {
    const { host, port } = this.#listenerNamed(listener).sockets[0] ?? { host: '', port: 0 }
    return { host, port }
  }

  /** All addresses of a listener, in the order of the configuration. */
  addresses(listener?: string): Address[] {
    return this.#listenerNamed(listener).sockets.map(({ host, port }) => ({ host, port }))
  }

  /** Connections that a listener holds at once: what was configured, never more than a third of the descriptors. */
  maxConnections(listener?: string): number {
    return this.#listenerNamed(listener).maxConnections
  }

  /** `http://host:port/path` of a listener, with an address that can be connected. */
  url(listener?: string, path = '/'): string {
    const { host, port } = this.address(listener)
    return `http://${formatAddress(reachable(host), port)}${path}`
  }

  get adminAddress(): Address | undefined {
    return this.#admin?.address
  }

  /** Settles with the summary of the next connection that closes, of one listener or of any. */
  nextClose(listener?: string): Promise<CloseSummary> {
    if (listener !== undefined) this.#listenerNamed(listener)
    return new Promise((resolve) => {
      const off = this.on('closed', (summary) => {
        if (listener !== undefined && summary.listener !== listener) return
        off()
        resolve(summary)
      })
    })
  }

  /** Sum over the series of a metric that carry all of `labels`; 0 where nothing was counted. Throws for a name that is not there. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const value = this.#metrics.read(name, labels)
    if (value === undefined) throw new SluiceError('SLUICE_STATE', name, `there is no metric ${name}`)
    return value
  }

  /** All metrics in Prometheus' text format. */
  renderMetrics(): Promise<string> {
    return this.#metrics.render()
  }

  /** prom-client's registry, to which an embedder may add metrics of its own. */
  get metricsRegistry(): MetricsRegistry {
    return this.#metrics
  }

  connections(): ConnectionSnapshot[] {
    return this.#instance?.connections().map((connection) => snapshot(connection.summary())) ?? []
  }

  /** An open connection and its trace so far; undefined where there is none of that number. */
  liveTrace(id: number): LiveTrace | undefined {
    const connection = this.#instance?.connections().find((one) => one.id === id)
    if (connection === undefined) return undefined
    const { steps, lookedAt } = connection.trace
    return { summary: snapshot(connection.summary()), steps, lookedAt }
  }

  /** The last closed connections with their traces, oldest first. */
  closedTraces(): ClosedTrace[] {
    return this.#instance?.closedTraces.list() ?? []
  }

  /** What destinations turned out to be, as far as it is remembered: by listener and port. */
  learnedDestinations(): RememberedDestination[] {
    return this.#instance?.destinations.list() ?? []
  }

  /** Calls `callback` on each event until the function that is returned is called. Requests: of one listener, where it is named. */
  on<E extends keyof SluiceEvents>(event: E, callback: SluiceEvents[E], options: OnOptions<E> = {}): () => void {
    if (event === 'request') {
      const receive = callback as SluiceEvents['request']
      const { listener } = options
      if (listener !== undefined) this.#listenerNamed(listener)
      return this.#requests.subscribe((record) => this.#guard(() => receive(record)), listener)
    }
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-assertion -- tsc does not narrow E
    const listeners = this.#listeners[event as keyof ConnectionEvents] as Set<SluiceEvents[E]>
    listeners.add(callback)
    return () => void listeners.delete(callback)
  }

  /**
   * Stops: without options now, open connections are reset. With `grace` it drains: turns unready, waits the delay, closes the
   * listeners (those with `closeWith: process` at the end), and cuts what is left after the grace. A second call without options
   * ends a drain at once.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (this.#stopping) {
      if (options.grace === undefined) this.#endDrain?.()
      return this.#stopping
    }
    if (this.#state === 'new' || this.#state === 'stopped') {
      this.#state = 'stopped'
      return
    }
    this.#stopping = this.#stop(options)
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(): Promise<void> {
    const limit = await descriptorLimit()
    const opened = await this.#open()
    const container = this.#makeContainer([builtIns, ...opened.plugins])
    const registry = {
      ...opened.registry,
      originalDestinations: container.get(ORIGINAL_DESTINATIONS),
      transparentSockets: container.get(TRANSPARENT_SOCKETS),
    }
    container.bind({ token: SNIFFERS, value: registry.sniffers })
    container.bind({ token: OBSERVERS, value: registry.observers })
    const config = this.#read(opened.parsed, registry, limit)
    this.#clock = container.get(CLOCK)
    const instance = new Instance(config, container, this.#metrics, this.#events(), limit)
    this.#config = config
    this.#admin = config.admin && (await AdminServer.listen(config.admin, this))
    await instance.start()
    this.#instance = instance
  }

  #makeContainer(plugins: readonly Plugin[]): Container {
    const container = new Container()
    const defaults: Binding[] = [
      { token: CLOCK, value: systemClock },
      { token: LOG, value: this.#overrides.log ?? silentLog },
      {
        token: TRANSPORT,
        create: () => {
          this.#transportName = transportChoice().name
          return systemTransport(container.get(TRANSPARENT_SOCKETS))
        },
      },
      { token: REQUEST_HUB, value: this.#requests },
      {
        token: ENDPOINT_SOURCES,
        create: () => new ConfiguredSources(container.get(CLOCK), container.get(LOG)),
      },
      {
        token: HEALTH_CHECKS,
        create: () => makeHealthChecks(container.get(TRANSPORT), container.get(CLOCK), container.get(LOG)),
      },
    ]
    const provided = plugins.flatMap((plugin) => plugin.providers ?? [])
    for (const binding of [...defaults, ...provided, ...(this.#overrides.providers ?? [])]) container.bind(binding)
    return container
  }

  async #open(): Promise<OpenedConfig> {
    const source = this.#source
    const { plugins, folder } = this.#overrides
    const options = { ...(plugins && { plugins }), ...(folder !== undefined && { folder }) }
    if (typeof source !== 'string') return openConfig(source, registryOf([builtIns]), options)
    return openConfig(await readConfigFile(source), registryOf([builtIns]), { ...options, file: source })
  }

  #read(parsed: ParsedConfig, registry: Registry, limit: number | undefined): Config {
    const loaded = readParsedConfig(parsed, registry, limit === undefined ? {} : { descriptorLimit: limit })
    if (loaded.config === undefined) throw new ConfigError(parsed.file ?? 'the configuration', loaded.findings)
    this.#warnings = loaded.findings
    this.#written = loaded.written
    return loaded.config
  }

  #events(): ConstructorParameters<typeof Instance>[3] {
    return {
      onDecided: (connection) => {
        for (const callback of this.#listeners.decided) this.#guard(() => callback(snapshot(connection.summary())))
      },
      onClosed: (summary) => {
        for (const callback of this.#listeners.closed) this.#guard(() => callback(summary))
      },
    }
  }

  /** Whoever listens to events is no part of the connection. */
  #guard(call: () => void): void {
    try {
      call()
    } catch (err) {
      this.#overrides.log?.error({ err }, 'an event listener threw')
    }
  }

  async #stop({ grace, delay }: StopOptions): Promise<void> {
    await this.#starting?.catch(() => {})
    this.#state = 'draining'
    const instance = this.#instance
    if (instance && grace !== undefined) await this.#drain(instance, grace, delay ?? this.#config?.drain.delayMs ?? 0)
    await instance?.close()
    await this.#admin?.close()
    await turnsOfClosing()
    this.#state = 'stopped'
  }

  async #drain(instance: Instance, graceMs: number, delayMs: number): Promise<void> {
    const cut = new Promise<void>((resolve) => (this.#endDrain = resolve))
    if (delayMs > 0) await this.#within(delayMs, cut)
    instance.drain()
    const closing = instance.listeners.filter(
      (_, index) => this.#config?.listeners[index]?.drain.closeWith === 'listener',
    )
    await Promise.all(closing.map((listener) => listener.close()))
    await this.#within(graceMs, instance.empty(), cut)
  }

  /** Settles with the first of `events`, or when `delayMs` have passed. Leaves no timer behind. */
  async #within(delayMs: number, ...events: Promise<unknown>[]): Promise<void> {
    let timer: Timer | undefined
    const passed = new Promise<void>((resolve) => (timer = this.#clock.setTimer(delayMs, resolve)))
    await Promise.race([passed, ...events])
    timer?.cancel()
  }

  #listenerNamed(name: string | undefined): Instance['listeners'][number] {
    const listeners = this.#started(this.#instance).listeners
    const listener = name === undefined ? listeners[0] : listeners.find(({ context }) => context.name === name)
    if (listener) return listener
    const names = listeners.map(({ context }) => context.name).join(', ')
    throw new SluiceError('SLUICE_STATE', name ?? '', `there is no listener "${name}"; there are ${names}`)
  }

  #started<T>(value: T | undefined): T {
    if (value === undefined) throw new SluiceError('SLUICE_STATE', 'sluice', 'not started: await start() first')
    return value
  }
}

/** Node says that a server is closed before libuv has let its handle go: two turns later nothing is left. */
async function turnsOfClosing(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

function snapshot({ closedBy: _closedBy, reason: _reason, ...rest }: CloseSummary): ConnectionSnapshot {
  return rest
}

/** An address that listens everywhere is reached on this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
