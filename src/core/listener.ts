import { type Address, formatAddress, normalizeHost } from './address.js'
import type { Chain } from './chain.js'
import type { Timer } from './clock.js'
import type { HostPort, ListenAddress, ListenerConfig } from './config/config.js'
import { SluiceError } from './errors.js'
import { inheritedDescriptors } from './inherited-sockets.js'
import type { ListenerContext } from './listener-context.js'
import type { OriginalDestinations } from './original-destination.js'
import { type ConnectionEnvironment, ProxiedConnection } from './proxied-connection.js'
import { SlotList } from './slot-list.js'
import type { TransparentSockets } from './transparent-sockets.js'
import type { AcceptedWire, ListeningSocket, ListenOptions, Transport } from './transport.js'
import type { UpstreamGroup } from './upstream-group.js'
import type { Upstreams } from './upstreams.js'

/** What a listener is made of. */
export interface ListenerParts {
  readonly context: ListenerContext & { port: number }
  readonly addresses: readonly ListenAddress[]
  readonly intercept: ListenerConfig['intercept']
  /** Undefined: its filters choose. */
  readonly destination: UpstreamGroup | 'original' | undefined
  readonly chain: Chain
  readonly maxConnections: number
  readonly environment: ConnectionEnvironment
  readonly transport: Transport
  readonly upstreams: Upstreams
  readonly originalDestinations: OriginalDestinations
  readonly transparentSockets: TransparentSockets
  readonly nextId: () => number
}

/** Times that idle connections are looked for within their timeout: the most that one lives longer than it should is an eighth. */
const SWEEPS_PER_TIMEOUT = 8
const MIN_SWEEP_MS = 10
const MAX_SWEEP_MS = 60_000

/** Name under which the listener's own refusals are counted. */
export const LISTENER = 'listener'

/** Accepts connections, applies its limits, and runs each through its chain. A connection keeps the chain that it began with. */
export class Listener {
  readonly #parts: ListenerParts
  readonly connections = new SlotList<ProxiedConnection>()
  #sockets: ListeningSocket[] = []
  #sweeper: Timer | undefined
  #whenEmpty: (() => void)[] = []

  constructor(parts: ListenerParts) {
    this.#parts = parts
  }

  get context(): ListenerContext {
    return this.#parts.context
  }

  /** Connections that it holds at once: what was configured, or a third of the descriptors. */
  get maxConnections(): number {
    return this.#parts.maxConnections
  }

  get sockets(): readonly ListeningSocket[] {
    return this.#sockets
  }

  /** Binds all its addresses, or none; without those of IPv6 where the machine has none, and others are there. */
  async bind(): Promise<void> {
    const { addresses, context, destination, environment } = this.#parts
    const { loops } = environment.dial
    this.#checkPrivilege()
    for (const address of addresses) {
      try {
        for (const options of this.#socketsOf(address)) this.#sockets.push(await this.#listen(options))
      } catch (error) {
        if (addresses.length > 1 && isWithoutIpv6(address, error)) {
          environment.log.warn({ listener: context.name, address }, 'left out: this machine has no IPv6')
          continue
        }
        await this.close()
        throw listenError(context.name, address, error as NodeJS.ErrnoException)
      }
    }
    context.port = this.#sockets[0]?.port ?? 0
    for (const socket of this.#sockets) loops.listensOn(socket)
    if (destination === 'original') loops.suspectEveryPort()
  }

  /** Stops accepting. Connections go on. */
  async close(): Promise<void> {
    const sockets = this.#sockets
    this.#sockets = []
    await Promise.all(sockets.map((socket) => socket.close()))
  }

  /** Settles when no connection is left. */
  empty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty.push(resolve))
  }

  cutAll(): void {
    for (const connection of this.connections.list()) connection.cut('stopped')
  }

  /** A connection is over. */
  remove(connection: ProxiedConnection): void {
    this.connections.remove(connection)
    if (this.connections.size > 0) return
    this.#sweeper?.cancel()
    this.#sweeper = undefined
    const callbacks = this.#whenEmpty
    this.#whenEmpty = []
    for (const callback of callbacks) callback()
  }

  /** Said at start, and not by each connection that fails. */
  #checkPrivilege(): void {
    const { transparentSockets, environment, context } = this.#parts
    if (!environment.dial.isSourcePreserved) return
    try {
      transparentSockets.probe()
    } catch (error) {
      throw notPermitted(context.name, 'keep the addresses of clients (preserveSource)', error)
    }
  }

  /** One, or as many as systemd passes in under one name. */
  #socketsOf(address: ListenAddress): ListenOptions[] {
    const { environment, addresses, intercept } = this.#parts
    const { keepAliveMs } = environment.dial
    if ('inherited' in address) {
      const descriptors = inheritedDescriptors(address.inherited)
      return descriptors.map((descriptor) => ({ host: '', port: 0, ipv6Only: false, keepAliveMs, descriptor }))
    }
    const { host, port } = address
    const ipv6Only = addresses.some((other) => 'host' in other && other.host === '0.0.0.0' && other.port === port)
    return [{ host, port, ipv6Only, keepAliveMs, isTransparent: intercept === 'tproxy' }]
  }

  async #listen(options: ListenOptions): Promise<ListeningSocket> {
    const { transport, environment, context } = this.#parts
    const { host } = options
    const onWire = (wire: AcceptedWire): void => this.#accept(wire)
    const onError = (err: Error): void => {
      environment.metrics.acceptFailed(context.name)
      environment.log.error({ listener: context.name, err }, 'accepting failed')
    }
    try {
      return await transport.listen(options, onWire, onError)
    } catch (error) {
      // "All interfaces" on a machine without IPv6; beside 0.0.0.0 nothing is left of it.
      if (host !== '::' || options.ipv6Only || !isWithoutIpv6(options, error)) throw error
      return await transport.listen({ ...options, host: '0.0.0.0' }, onWire, onError)
    }
  }

  #accept(wire: AcceptedWire): void {
    const { environment, chain, nextId } = this.#parts
    const original = this.#originalDestination(wire)
    const connection = new ProxiedConnection(environment, nextId(), wire, {
      destination: this.#destination(original),
      original,
    })
    this.connections.add(connection)
    this.#sweeper ??= this.#sweep()
    const refusal = this.#refusal(connection)
    if (refusal !== undefined) {
      connection.denyBy(LISTENER, refusal)
      return
    }
    connection.trace.add('accept', '', this.#describeWay())
    chain.run(connection)
  }

  #originalDestination(wire: AcceptedWire): Address | undefined {
    const { destination, intercept, originalDestinations } = this.#parts
    if (destination !== 'original') return undefined
    return intercept === 'tproxy' ? localAddress(wire) : originalDestinations.of(wire)
  }

  #destination(original: Address | undefined): UpstreamGroup | undefined {
    const { destination, upstreams } = this.#parts
    if (destination !== 'original') return destination
    return original && upstreams.at(original)
  }

  #refusal(connection: ProxiedConnection): string | undefined {
    const { maxConnections, environment, destination } = this.#parts
    if (this.connections.size > maxConnections) return 'max-connections'
    if (environment.dial.loops.isOwn(connection.source, () => headedTo(connection))) return 'loop'
    return destination === 'original' ? this.#refusalOfOriginal(connection.originalDestination) : undefined
  }

  /** A connection that was not redirected, or that was headed to us, would be sent to ourselves. */
  #refusalOfOriginal(original: Address | undefined): string | undefined {
    if (original === undefined) return 'no-original-destination'
    return this.#parts.environment.dial.loops.leadsToUs(original) ? 'loop' : undefined
  }

  #describeWay(): string {
    const { destination, context } = this.#parts
    const where =
      destination === undefined
        ? 'the chain chooses the destination'
        : destination === 'original'
          ? 'to where it was headed'
          : `to ${destination.label}`
    return `${where}; ${context.neededLater === 'nothing' ? 'nothing is withheld' : `withheld until the ${context.neededLater} is known`}`
  }

  /** One timer for all connections, and none while there is no connection: a chunk resets nothing. */
  #sweep(): Timer {
    const { idleTimeoutMs, halfCloseTimeoutMs, dial } = this.#parts.environment
    const everyMs = Math.min(
      Math.max(Math.min(idleTimeoutMs, halfCloseTimeoutMs) / SWEEPS_PER_TIMEOUT, MIN_SWEEP_MS),
      MAX_SWEEP_MS,
    )
    return dial.clock.setTimer(everyMs, () => {
      this.#sweeper = undefined
      const now = dial.clock.now()
      for (const connection of this.connections.list()) connection.checkIdle(now)
      if (this.connections.size > 0) this.#sweeper = this.#sweep()
    })
  }
}

/** Of all interfaces and of loopback: any other address of IPv6 that is not there may be a mistake. */
function isWithoutIpv6(address: ListenAddress, error: unknown): boolean {
  const isOfAnyMachine = 'host' in address && ['::', '::1'].includes(address.host)
  return isOfAnyMachine && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function headedTo({ originalDestination, downstream }: ProxiedConnection): Address | undefined {
  return originalDestination ?? localAddress(downstream)
}

/** Where the kernel says that a wire was accepted; of a transparent listener: where it was headed. */
function localAddress({ localHost, localPort }: AcceptedWire): Address | undefined {
  if (localHost === undefined || localPort === undefined) return undefined
  return { host: normalizeHost(localHost), port: localPort }
}

function notPermitted(name: string, what: string, cause: unknown): SluiceError {
  const reason = `listener ${name}: the kernel does not let this process ${what}: it needs the capability CAP_NET_ADMIN`
  return new SluiceError('SLUICE_NOT_PERMITTED', name, reason, { cause })
}

function listenError(name: string, where: ListenAddress, cause: NodeJS.ErrnoException | SluiceError): SluiceError {
  if (cause instanceof SluiceError)
    return new SluiceError(cause.code, name, `listener ${name}: ${cause.message}`, { cause })
  return bindError(name, 'inherited' in where ? { host: `fd:${where.inherited}`, port: 0 } : where, cause)
}

function bindError(name: string, { host, port }: HostPort, cause: NodeJS.ErrnoException): SluiceError {
  const address = host.startsWith('fd:') ? host : formatAddress(host, port)
  switch (cause.code) {
    case 'EPERM':
      return notPermitted(name, `listen transparently on ${address} (intercept: tproxy)`, cause)
    case 'EADDRINUSE':
      return new SluiceError(
        'SLUICE_ADDRESS_IN_USE',
        name,
        `listener ${name}: ${address} is in use by another program; stop it or choose another port`,
        { cause },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new SluiceError(
        'SLUICE_ADDRESS_NOT_AVAILABLE',
        name,
        `listener ${name}: this machine has no address ${host}`,
        { cause },
      )
    default:
      return new SluiceError(
        'SLUICE_LISTEN_FAILED',
        name,
        `listener ${name}: cannot listen on ${address}: ${cause.message}`,
        { cause },
      )
  }
}
