import { Dial, type DialEnvironment, type DialTarget } from '../../core/dial.js'
import type { Address } from '../../core/address.js'
import type { Endpoint } from '../../core/endpoint.js'
import { SluiceError } from '../../core/errors.js'
import type { Direction } from '../../core/listener-context.js'
import { type TcpMetrics, WireMeter } from '../../core/tcp-metrics.js'
import type { TakenUpstream } from '../../core/upstream-side.js'
import type { Wire } from '../../core/wire.js'
import { Http1Upstream, type UpstreamOwner } from './http1-upstream.js'

/** Who waits for a connection. Called once, of the two; not after `forget`. */
export interface ConnectionWaiter {
  onUpstream(upstream: Http1Upstream): void
  onConnectFailed(error: SluiceError): void
}

/** What pools need of their surroundings. */
export interface PoolEnvironment {
  readonly dial: DialEnvironment
  readonly tcpMetrics: TcpMetrics
  readonly direction: Direction
  readonly maxHeadBytes: number
  /** How long an idle connection is kept. */
  readonly idleMs: number
  /** Requests that may wait for a connection of one endpoint. */
  readonly maxPending: number
  /** The client, where the pool is of one client. */
  readonly source: Address
  /** Called with each wire that is opened, before anything else is written to it. */
  onOpened(wire: Wire): void
}

/**
 * Connections to one endpoint: idle ones are used again, the last one first; a request that finds none opens one, or, where the
 * endpoint holds as many as it may, waits for its turn.
 */
export class EndpointPool implements DialTarget, UpstreamOwner {
  readonly endpoint: Endpoint
  readonly label: string
  /** Its requests say how long it takes. */
  readonly observesConnections = false
  readonly #environment: PoolEnvironment
  readonly #idle: Http1Upstream[] = []
  readonly #all = new Set<Http1Upstream>()
  readonly #dials = new Set<PendingDial>()
  readonly #waiting: ConnectionWaiter[] = []
  readonly #stopListening: () => void
  #isClosed = false

  constructor(endpoint: Endpoint, environment: PoolEnvironment) {
    this.endpoint = endpoint
    this.label = endpoint.label
    this.#environment = environment
    this.#stopListening = endpoint.whenGone(() => this.closeIdle())
  }

  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#dials.size === 0 && this.#waiting.length === 0
  }

  get idleCount(): number {
    return this.#idle.length
  }

  get unavailable(): SluiceError {
    return new SluiceError('SLUICE_UPSTREAM_FULL', this.label, `${this.label} holds as many connections as it may`)
  }

  pick(tried?: ReadonlySet<Endpoint>): Endpoint | undefined {
    return tried?.has(this.endpoint) ? undefined : this.endpoint
  }

  /** `waiter` may be called before this returns; not where it is `refused`, since as many wait already as may. */
  acquire(waiter: ConnectionWaiter): 'under-way' | 'queued' | 'refused' {
    const idle = this.#takeIdle()
    if (idle !== undefined) waiter.onUpstream(idle)
    else if (!this.endpoint.isFull) this.#dial(waiter)
    else if (this.#waiting.length >= this.#environment.maxPending) return 'refused'
    else {
      this.#waiting.push(waiter)
      return 'queued'
    }
    return 'under-way'
  }

  /** It does not wait any more. A connection that is being opened for it is somebody else's then. */
  forget(waiter: ConnectionWaiter): void {
    const index = this.#waiting.indexOf(waiter)
    if (index >= 0) this.#waiting.splice(index, 1)
    for (const dial of this.#dials) if (dial.waiter === waiter) dial.waiter = undefined
  }

  /** A wire that was opened before there was a request. */
  adopt(taken: TakenUpstream): void {
    const upstream = this.#add(taken, true)
    this.upstreamIdle(upstream)
  }

  upstreamIdle(upstream: Http1Upstream): void {
    if (upstream.isOver) return
    const next = this.#isClosed || this.endpoint.isGone ? undefined : this.#waiting.shift()
    if (next !== undefined) return next.onUpstream(upstream)
    if (this.#isClosed || this.endpoint.isGone) return upstream.close()
    upstream.idleSince = this.#environment.dial.clock.now()
    this.#idle.push(upstream)
  }

  upstreamClosed(upstream: Http1Upstream): void {
    this.#all.delete(upstream)
    const index = this.#idle.indexOf(upstream)
    if (index >= 0) this.#idle.splice(index, 1)
    this.serveWaiting()
  }

  /** A place may have become free: here, or by others who connect to the endpoint. */
  serveWaiting(): void {
    while (this.#waiting.length > 0 && !this.#isClosed && !this.endpoint.isFull) this.#dial(this.#waiting.shift()!)
  }

  /** Closes what has been idle for too long. */
  sweep(now: number): void {
    const { idleMs } = this.#environment
    for (const upstream of [...this.#idle])
      if (now - upstream.idleSince >= Math.min(idleMs, upstream.keepAliveMs)) this.#closeIdle(upstream)
    this.serveWaiting()
  }

  closeIdle(): void {
    for (const upstream of [...this.#idle]) this.#closeIdle(upstream)
  }

  /** Everything ends; nobody waits any more. */
  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.#waiting.length = 0
    for (const dial of this.#dials) dial.cancel()
    this.#dials.clear()
    for (const upstream of this.#all) upstream.close()
  }

  countBytes(): void {
    for (const upstream of this.#all) upstream.countBytes()
  }

  #takeIdle(): Http1Upstream | undefined {
    let upstream = this.#idle.pop()
    while (upstream?.isOver) upstream = this.#idle.pop()
    return upstream
  }

  #closeIdle(upstream: Http1Upstream): void {
    this.#idle.splice(this.#idle.indexOf(upstream), 1)
    upstream.close()
  }

  #dial(waiter: ConnectionWaiter): void {
    this.#dials.add(new PendingDial(this, this.#environment, waiter))
  }

  dialOpened(dial: PendingDial, taken: TakenUpstream): void {
    this.#dials.delete(dial)
    const upstream = this.#add(taken, false)
    if (dial.waiter !== undefined) dial.waiter.onUpstream(upstream)
    else {
      upstream.isReused = true
      this.upstreamIdle(upstream)
    }
  }

  dialFailed(dial: PendingDial, error: SluiceError): void {
    this.#dials.delete(dial)
    dial.waiter?.onConnectFailed(error)
    this.serveWaiting()
  }

  #add(taken: TakenUpstream, wasIdle: boolean): Http1Upstream {
    const upstream = new Http1Upstream(taken, this, this.#environment.maxHeadBytes, wasIdle)
    this.#all.add(upstream)
    return upstream
  }
}

/** A connection that is being opened. */
class PendingDial {
  waiter: ConnectionWaiter | undefined
  readonly #dial: Dial

  constructor(pool: EndpointPool, environment: PoolEnvironment, waiter: ConnectionWaiter) {
    this.waiter = waiter
    const { tcpMetrics, direction, dial, source } = environment
    this.#dial = new Dial(
      pool,
      dial,
      {
        dialOpened: (wire, endpoint) => {
          environment.onOpened(wire)
          const meter = new WireMeter(tcpMetrics, wire, direction, 'dst', endpoint.port)
          meter.countOpen()
          pool.dialOpened(this, { wire, endpoint, meter, release: () => this.#dial.release() })
        },
        dialFailed: (error) => pool.dialFailed(this, error),
        dialAttemptFailed: () => {},
      },
      source,
    )
  }

  cancel(): void {
    this.#dial.cancel()
  }
}
