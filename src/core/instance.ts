import { Chain, type ChainStep } from './chain.js'
import type { Clock } from './clock.js'
import { ClosedTraces } from './closed-traces.js'
import type { CloseSummary } from './close-summary.js'
import type { Config, FilterConfig, ListenerConfig } from './config/config.js'
import { DESCRIPTOR_SHARE } from './config/defaults.js'
import type { ObserverFactory } from './connection-observers.js'
import type { Container } from './container.js'
import { DecisionMetrics } from './decision-metrics.js'
import { DestinationMemory } from './destination-memory.js'
import { EndpointMetrics } from './endpoint-metrics.js'
import { errorText } from './error-text.js'
import { SluiceError } from './errors.js'
import type { Filter, Needs, SilentDestination } from './filter.js'
import { Listener, LISTENER as LISTENER_FILTER } from './listener.js'
import type { ListenerContext } from './listener-context.js'
import type { Log } from './log.js'
import { LoopGuard } from './loop-guard.js'
import { type MetricsRegistry } from './metrics.js'
import type { ObserverDefinition } from './observer.js'
import type { ConnectionEnvironment, ProxiedConnection } from './proxied-connection.js'
import { settleWithin } from './settle-within.js'
import { SnifferPlans } from './sniffer-plans.js'
import { TcpMetrics } from './tcp-metrics.js'
import {
  CLOCK,
  LISTENER,
  LOG,
  METRICS,
  OBSERVERS,
  OPTIONS,
  ORIGINAL_DESTINATIONS,
  SNIFFER_PLANS,
  SNIFFERS,
  TRANSPARENT_SOCKETS,
  TRANSPORT,
  UPSTREAMS,
} from './tokens.js'
import type { UpstreamGroup } from './upstream-group.js'
import { groupOptions } from './group-options.js'
import { ConfiguredUpstreams, type Upstreams } from './upstreams.js'

/** Who wants to hear what an instance does. */
export interface InstanceEvents {
  /** Protocol and destination of a connection are known, or it is certain that they will not be. */
  onDecided(connection: ProxiedConnection): void
  onClosed(summary: CloseSummary): void
}

/** A filter's `start` may connect to a store, and that may not answer: a start that hangs says nothing. */
const FILTER_START_TIMEOUT_MS = 30_000
/** The first answers of sources are waited for, so that the first connections find endpoints: a name server's timeout. */
const GROUP_START_TIMEOUT_MS = 5_000
/** A filter's `stop` has nothing left to wait for: every connection is closed by then. */
const FILTER_STOP_TIMEOUT_MS = 5_000

/** What a started configuration is: its listeners, their filters, what they share. */
export class Instance {
  readonly listeners: readonly Listener[]
  readonly closedTraces: ClosedTraces
  readonly destinations: DestinationMemory
  readonly #container: Container
  readonly #clock: Clock
  readonly #log: Log
  readonly #events: InstanceEvents
  readonly #decisionMetrics: DecisionMetrics
  readonly #tcpMetrics: TcpMetrics
  readonly #observers: ReadonlyMap<string, readonly ObserverFactory[]>
  readonly #loops = new LoopGuard()
  readonly #filters: NamedFilter[] = []
  /** Those that `start` was called of, and `stop` was not. */
  readonly #started: NamedFilter[] = []
  readonly #traceBytes: number
  readonly #upstreams: ConfiguredUpstreams
  /** Groups that `start` was called of, and `stop` was not. */
  readonly #startedGroups: UpstreamGroup[] = []
  #lastId = 0

  /** `container` has the services that are not made here: log, metrics, clock, transport, sniffers, plugins' own. */
  constructor(
    config: Config,
    container: Container,
    metrics: MetricsRegistry,
    events: InstanceEvents,
    descriptorLimit: number | undefined,
  ) {
    this.#container = container
    this.#clock = container.get(CLOCK)
    this.#log = container.get(LOG)
    this.#events = events
    this.#decisionMetrics = new DecisionMetrics(metrics)
    this.#tcpMetrics = new TcpMetrics(metrics)
    this.closedTraces = new ClosedTraces(config.closedTraces)
    this.destinations = new DestinationMemory(this.#clock, config.learn.destinations, config.learn.expiryMs)
    this.#traceBytes = config.traceBytes
    this.#observers = byProtocol(container.get(OBSERVERS))
    container.bind({ token: METRICS, value: metrics })
    const endpointMetrics = new EndpointMetrics(metrics)
    this.#upstreams = new ConfiguredUpstreams(config.upstreams, (upstream) =>
      groupOptions(upstream, config.dns, container, endpointMetrics),
    )
    container.bind({ token: UPSTREAMS, value: this.#upstreams })
    container.bind({
      token: SNIFFER_PLANS,
      value: new SnifferPlans(container.get(SNIFFERS), this.#decisionMetrics, this.#log),
    })
    this.listeners = config.listeners.map((listener) => this.#makeListener(listener, descriptorLimit))
    metrics.beforeRead = () => {
      endpointMetrics.write(this.#upstreams.named)
      for (const connection of this.connections()) connection.countBytes()
      this.#tcpMetrics.countBytes()
    }
  }

  /** Finds endpoints, starts the filters, then binds every address; where one fails, nothing stays bound. */
  async start(): Promise<void> {
    try {
      await this.#startGroups()
      for (const filter of this.#filters) {
        this.#started.push(filter)
        await this.#startFilter(filter)
      }
      for (const listener of this.listeners) await listener.bind()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Live connections of all listeners. */
  connections(): ProxiedConnection[] {
    return this.listeners.flatMap((listener) => listener.connections.list())
  }

  /** Settles when no listener has a connection: those that still accept may get one while another's last one ends. */
  async empty(): Promise<void> {
    while (this.connections().length > 0) await Promise.all(this.listeners.map((listener) => listener.empty()))
  }

  drain(): void {
    for (const { name, filter } of this.#started) void this.#guard(name, () => filter.drain?.())
  }

  /** Cuts what is open, and lets everything go. */
  async close(): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close()))
    for (const listener of this.listeners) listener.cutAll()
    await Promise.all(this.listeners.map((listener) => listener.empty()))
    for (const { name, filter } of this.#started.splice(0)) await this.#guard(name, () => filter.stop?.())
    for (const group of this.#startedGroups.splice(0)) group.stop()
  }

  /** Sources that are slow, or have failed, keep nobody waiting for longer than this: their groups are empty until then. */
  async #startGroups(): Promise<void> {
    const starting = this.#upstreams.named.map((group) => {
      this.#startedGroups.push(group)
      return group.start()
    })
    const late = (): Error => new Error('late')
    await settleWithin(this.#clock, GROUP_START_TIMEOUT_MS, () => Promise.all(starting), late).catch(() => {})
    for (const { label, endpoints, problems } of this.#upstreams.named)
      if (endpoints.length === 0) this.#log.warn({ upstream: label, problems }, 'an upstream has no endpoint yet')
  }

  /** What a filter does on the way out must not keep the others, or the process. */
  async #guard(filter: string, call: () => void | Promise<void>): Promise<void> {
    const late = (): Error => new Error(`it has not settled within ${FILTER_STOP_TIMEOUT_MS / 1000} s`)
    try {
      await settleWithin(this.#clock, FILTER_STOP_TIMEOUT_MS, call, late)
    } catch (err) {
      this.#log.error({ filter, err }, 'a filter failed while it was stopped')
    }
  }

  async #startFilter({ name, filter }: NamedFilter): Promise<void> {
    const late = (): Error => new Error(`it has not settled within ${FILTER_START_TIMEOUT_MS / 1000} s`)
    try {
      await settleWithin(this.#clock, FILTER_START_TIMEOUT_MS, () => filter.start?.(), late)
    } catch (error) {
      const message = `filter ${name} could not start: ${errorText(error)}`
      throw new SluiceError('SLUICE_FILTER_FAILED', name, message, { cause: error })
    }
  }

  #makeListener(config: ListenerConfig, descriptorLimit: number | undefined): Listener {
    const upstreams = this.#container.get<Upstreams>(UPSTREAMS)
    const context = makeContext(config)
    const steps = config.filters.map((filter, index) => this.#makeStep(config, context, filter, index))
    const chain = new Chain(steps)
    return new Listener({
      context,
      addresses: config.addresses,
      intercept: config.intercept,
      destination: resolveDestination(config, upstreams),
      chain,
      maxConnections: boundedConnections(config.limits.maxConnections, descriptorLimit),
      environment: this.#makeEnvironment(config, context, chain),
      transport: this.#container.get(TRANSPORT),
      upstreams,
      originalDestinations: this.#container.get(ORIGINAL_DESTINATIONS),
      transparentSockets: this.#container.get(TRANSPARENT_SOCKETS),
      nextId: () => ++this.#lastId,
    })
  }

  /** A connection that was carried to a destination, or wanted to be, may have taught what is spoken there. */
  #remember({ detection, destinationPort }: ProxiedConnection, { listener, destination }: CloseSummary): void {
    if (detection && destination !== undefined)
      this.destinations.note(listener, destination, destinationPort, detection)
  }

  #makeStep(
    config: ListenerConfig,
    context: ListenerContext,
    { definition, options }: FilterConfig,
    index: number,
  ): ChainStep {
    const container = this.#container.child()
    const after = config.filters.slice(index + 1)
    const silent = silentDestination(after)
    container.bind({ token: OPTIONS, value: options })
    container.bind({
      token: LISTENER,
      value: Object.create(
        context,
        describe({
          neededLater: needed(after),
          silentDestination: silent,
          takenOverLater: after.flatMap((later) => later.definition.takesOver ?? []),
        }),
      ),
    })
    const filter = container.makeFilter(definition, options)
    this.#filters.push({ name: definition.name, filter })
    return {
      name: definition.name,
      filter,
      denyReasons: new Set(definition.denyReasons),
      verdictTimeoutMs: filter.verdictTimeoutMs ?? config.timeouts.verdictMs,
    }
  }

  #makeEnvironment(
    { timeouts, limits, name, isSourcePreserved }: ListenerConfig,
    context: ListenerContext,
    chain: Chain,
  ): ConnectionEnvironment {
    const last = chain.steps.at(-1)
    return {
      context,
      dial: {
        transport: this.#container.get(TRANSPORT),
        clock: this.#clock,
        loops: this.#loops,
        connectTimeoutMs: timeouts.connectMs,
        keepAliveMs: timeouts.keepAliveMs,
        isSourcePreserved,
      },
      log: this.#log,
      tcpMetrics: this.#tcpMetrics,
      metrics: this.#decisionMetrics,
      peekWindowBytes: limits.peekWindowBytes,
      traceBytes: this.#traceBytes,
      idleTimeoutMs: timeouts.idleMs,
      halfCloseTimeoutMs: timeouts.halfCloseMs,
      terminalFilter: last?.name ?? '',
      denyLabel: (filter, reason) => (filter === LISTENER_FILTER ? reason : chain.label(filter, reason)),
      ...(last?.filter.preface && { prefacedBy: last }),
      observers: this.#observers,
      onDecided: (connection) => this.#events.onDecided(connection),
      onClosed: (connection, summary) => {
        this.closedTraces.add({ summary, steps: connection.trace.steps, lookedAt: connection.trace.lookedAt })
        this.#remember(connection, summary)
        this.listeners.find((listener) => listener.context.name === name)?.remove(connection)
        this.#events.onClosed(summary)
      },
    }
  }
}

interface NamedFilter {
  readonly name: string
  readonly filter: Filter
}

function byProtocol(definitions: readonly ObserverDefinition[]): Map<string, ObserverFactory[]> {
  const factories = new Map<string, ObserverFactory[]>()
  for (const definition of definitions) {
    const { protocol } = definition
    const others = factories.get(protocol) ?? []
    factories.set(protocol, [...others, (connection) => definition.create(connection)])
  }
  return factories
}

const NEEDS_IN_ORDER: readonly Needs[] = ['nothing', 'protocol', 'facts']

/** The most that any of these filters needs to know. */
function needed(filters: readonly FilterConfig[]): Needs {
  const ranks = filters.map(({ definition, options }) =>
    NEEDS_IN_ORDER.indexOf(definition.needs?.(options) ?? 'nothing'),
  )
  return NEEDS_IN_ORDER[Math.max(0, ...ranks)]!
}

function silentDestination(filters: readonly FilterConfig[]): SilentDestination | undefined {
  const named = filters.flatMap(({ definition, options }) => definition.whenClientSilent?.(options) ?? [])
  return named.sort((a, b) => a.afterMs - b.afterMs)[0]
}

function makeContext(config: ListenerConfig): ListenerContext & { port: number } {
  const [first] = config.addresses
  return {
    name: config.name,
    direction: config.direction,
    port: first !== undefined && 'port' in first ? first.port : 0,
    hasDestination: config.destination !== undefined,
    firstByteTimeoutMs: config.timeouts.firstByteMs,
    neededLater: needed(config.filters),
  }
}

/** Own properties over the listener's shared context, whose port is known only when it is bound. */
function describe(values: object): PropertyDescriptorMap {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value: value as unknown, enumerable: true }]),
  )
}

function resolveDestination(
  { destination }: ListenerConfig,
  upstreams: Upstreams,
): UpstreamGroup | 'original' | undefined {
  switch (destination?.kind) {
    case undefined:
      return undefined
    case 'original':
      return 'original'
    case 'upstream':
      return upstreams.resolve(destination.name)
    case 'address':
      return upstreams.at(destination)
  }
}

/** Never above a third of the descriptors: a connection takes two, and the rest must live. */
function boundedConnections(configured: number, descriptorLimit = Infinity): number {
  return Math.min(configured, Math.floor(descriptorLimit / DESCRIPTOR_SHARE))
}
