import type { Address } from '../../core/address.js'
import { Dial, type DialEnvironment, type DialTarget } from '../../core/dial.js'
import type { Endpoint } from '../../core/endpoint.js'
import { SluiceError } from '../../core/errors.js'
import type { Direction } from '../../core/listener-context.js'
import type { SpareHolder } from '../../core/spare-holder.js'
import type { TakenDial, TakenUpstream } from '../../core/taken-upstream.js'
import type { TcpMetrics } from '../../core/tcp-metrics.js'
import type { Wire } from '../../core/wire.js'
import { Http1Upstream, type UpstreamOwner } from './http1-upstream.js'
import { type DialOwner, PendingDial } from './pending-dial.js'
import { RecentPeak } from './recent-peak.js'
import type { WaitingLine } from './waiting-line.js'

/** Who waits for a connection. `onUpstream`, `onConnectFailed` or `onEndpointGone` is called, once; neither after it was forgotten. */
export interface ConnectionWaiter {
  /** It can be sent again, should its connection turn out to be none. */
  readonly isRepeatable: boolean
  /** Where it waits in a line: whether a connection to that endpoint will do. */
  mayUse(endpoint: Endpoint): boolean
  /** It waits in a line no more: `pool` has a connection for it, or opens one. */
  onTurn(pool: EndpointPool): void
  onUpstream(upstream: Http1Upstream): void
  onConnectFailed(error: SluiceError): void
  /** The endpoint has left its group while the connection was being opened: in place of the two above. */
  onEndpointGone(): void
}

/** What pools need of their surroundings. */
export interface PoolEnvironment {
  readonly dial: DialEnvironment
  readonly tcpMetrics: TcpMetrics
  readonly direction: Direction
  readonly maxHeadBytes: number
  /** How long an idle connection is kept. */
  readonly idleMs: number
  /** Requests that may wait for a connection to one group. */
  readonly maxPending: number
  /** The client, where the pool is of one client. */
  readonly source: Address
  /** Servers are told who it is: its connections serve nobody else. */
  readonly isOfOneClient: boolean
  /** Called with each wire that is opened, before anything else is written to it. False: it is not to be used, and its client is ended. */
  onOpened(wire: Wire): boolean
}

/** Servers keep idle connections for longer than that; those that are known to close soonest, for two seconds (gunicorn). */
const MAX_FRESH_MS = 1_000

/**
 * Connections to one endpoint: idle ones are used again, the last one first; a request that finds none opens one. What becomes free
 * where the endpoint holds as many as it may, serves the line of its group. There are no more of them than requests have needed at once:
 * every client that says nothing at first brings one that was dialled early, and servers would be left with all of those.
 */
export class EndpointPool implements DialTarget, DialOwner, UpstreamOwner, SpareHolder {
  readonly endpoint: Endpoint
  readonly label: string
  /** Its requests say how long it takes. */
  readonly observesConnections = false
  readonly #environment: PoolEnvironment
  readonly #idle: Http1Upstream[] = []
  readonly #all = new Set<Http1Upstream>()
  /** Connections that served requests at once. */
  readonly #needed: RecentPeak
  readonly #dials = new Set<PendingDial>()
  /** Those for nobody yet. */
  readonly #unclaimed: PendingDial[] = []
  readonly #line: WaitingLine
  readonly #stopListening: () => void
  #isClosed = false

  constructor(endpoint: Endpoint, environment: PoolEnvironment, line: WaitingLine) {
    this.endpoint = endpoint
    this.label = endpoint.label
    this.#environment = environment
    this.#line = line
    this.#needed = new RecentPeak(environment.idleMs, environment.dial.clock.now())
    this.#stopListening = endpoint.whenGone(() => this.#gone())
    endpoint.spareHolders.add(this)
  }

  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#dials.size === 0
  }

  /** Whether a request need not wait. */
  get hasRoom(): boolean {
    return !this.endpoint.isFull || this.#unclaimed.length > 0 || this.#idle.some((one) => this.#mayServe(one))
  }

  get unavailable(): SluiceError {
    return new SluiceError('SLUICE_UPSTREAM_FULL', this.label, `${this.label} holds as many connections as it may`)
  }

  /** Once: whoever waits for it looks for another endpoint by himself. */
  pick(tried?: ReadonlySet<Endpoint>): Endpoint | undefined {
    return tried === undefined ? this.endpoint : undefined
  }

  /** False: there is no connection, and none may be opened. `waiter` may be called before this returns. */
  acquire(waiter: ConnectionWaiter): boolean {
    const idle = waiter.isRepeatable ? this.#takeIdle() : this.#takeFresh()
    if (idle !== undefined) {
      this.endpoint.picks++
      waiter.onUpstream(idle)
      return true
    }
    const dial = this.#unclaimed.shift()
    if (dial === undefined && this.endpoint.isFull) return false
    this.endpoint.picks++
    if (dial !== undefined) dial.waiter = waiter
    else this.#dial(waiter)
    return true
  }

  /** It does not wait any more. A connection that is being opened for it is somebody else's then. */
  forget(waiter: ConnectionWaiter): void {
    for (const dial of this.#dials) if (dial.waiter === waiter) this.#offer(dial)
  }

  /** What was dialled before there was a request. */
  adopt(taken: TakenUpstream | TakenDial): void {
    if ('goOn' in taken) {
      const dial = new PendingDial(this, this.#environment, (events) => taken.goOn(this, events))
      this.#dials.add(dial)
      this.#offer(dial)
    } else this.#becomeIdle(this.#add(taken, true), taken.openedAt)
  }

  upstreamIdle(upstream: Http1Upstream, now: number): void {
    this.#needed.note(this.#all.size - this.#idle.length)
    this.#becomeIdle(upstream, now)
  }

  upstreamClosed(upstream: Http1Upstream): void {
    this.#all.delete(upstream)
    const index = this.#idle.indexOf(upstream)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  /** A place may have become free: here, or by others who connect to the endpoint. */
  serveWaiting(): void {
    while (this.#line.length > 0 && !this.#isClosed && !this.endpoint.isGone && this.hasRoom) {
      const next = this.#line.next(this.endpoint)
      if (next === undefined) return
      next.onTurn(this)
    }
  }

  lend(): undefined {
    return undefined
  }

  /** The one that has been idle for longest. */
  letGo(): boolean {
    const [upstream] = this.#idle
    if (upstream === undefined) return false
    this.#closeIdle(upstream)
    return true
  }

  /** Closes what has been idle for too long. */
  sweep(now: number): void {
    const { idleMs } = this.#environment
    this.#needed.turn(now)
    for (const upstream of [...this.#idle])
      if (now - upstream.idleSince >= Math.min(idleMs, upstream.keepAliveMs)) this.#closeIdle(upstream)
  }

  closeIdle(): void {
    for (const upstream of [...this.#idle]) this.#closeIdle(upstream)
  }

  /** Everything ends. */
  close(): void {
    this.#isClosed = true
    this.#stopListening()
    this.endpoint.spareHolders.delete(this)
    for (const dial of this.#dials) dial.cancel()
    this.#dials.clear()
    for (const upstream of this.#all) upstream.close()
  }

  /** What serves somebody goes on. Who waits for a connection that is being opened has not been sent yet: he goes elsewhere. */
  #gone(): void {
    this.closeIdle()
    for (const dial of [...this.#dials]) {
      this.#settled(dial)
      dial.cancel()
      dial.waiter?.onEndpointGone()
    }
  }

  #takeIdle(): Http1Upstream | undefined {
    for (;;) {
      const upstream = this.#idle.pop()
      if (upstream === undefined || this.#mayServe(upstream)) return upstream
      // Its server closes it about now, whatever the sweep has seen.
      if (!upstream.isOver) upstream.close()
    }
  }

  #mayServe({ isOver, keepAliveMs, idleSince }: Http1Upstream): boolean {
    if (isOver || keepAliveMs === Infinity) return !isOver
    return this.#environment.dial.clock.now() - idleSince < keepAliveMs
  }

  /**
   * For a request that cannot be sent again: one that its server has just answered on, which is least likely to be closed in this moment.
   * Else a new one takes the place of the one that has been idle for longest; where none may be opened, what there is has to do.
   */
  #takeFresh(): Http1Upstream | undefined {
    const upstream = this.#takeIdle()
    if (upstream === undefined || this.endpoint.isFull) return upstream
    if (this.#environment.dial.clock.now() - upstream.idleSince <= MAX_FRESH_MS) return upstream
    this.#idle.push(upstream)
    this.#closeIdle(this.#idle[0]!)
    return undefined
  }

  /** It is opened for whoever comes. */
  #offer(dial: PendingDial): void {
    dial.waiter = undefined
    this.#unclaimed.push(dial)
    this.serveWaiting()
  }

  #settled(dial: PendingDial): void {
    this.#dials.delete(dial)
    const index = this.#unclaimed.indexOf(dial)
    if (index >= 0) this.#unclaimed.splice(index, 1)
  }

  #becomeIdle(upstream: Http1Upstream, since: number): void {
    if (upstream.isOver) return
    if (this.#isClosed || this.endpoint.isGone) return upstream.close()
    upstream.idleSince = since
    this.#idle.push(upstream)
    if (this.#line.isWanted) this.#offerIdle(upstream)
    this.#closeSurplus()
  }

  /** The last one to become idle stays in any case. */
  #closeSurplus(): void {
    while (this.#idle.length > 1 && this.#all.size > this.#needed.value) this.#closeIdle(this.#idle[0]!)
  }

  /** To those who wait here; else to those who wait elsewhere, to whom it is a place only. */
  #offerIdle(upstream: Http1Upstream): void {
    this.serveWaiting()
    if (this.#idle.includes(upstream) && this.endpoint.isFull && this.#line.isWantedElsewhere(this.endpoint))
      this.#closeIdle(upstream)
  }

  #closeIdle(upstream: Http1Upstream): void {
    this.#idle.splice(this.#idle.indexOf(upstream), 1)
    this.#all.delete(upstream)
    upstream.close()
  }

  #dial(waiter: ConnectionWaiter): void {
    const { dial, source } = this.#environment
    const pending = new PendingDial(this, this.#environment, (events) => new Dial(this, dial, events, source))
    pending.waiter = waiter
    this.#dials.add(pending)
  }

  dialOpened(dial: PendingDial, taken: TakenUpstream): void {
    this.#settled(dial)
    const upstream = this.#add(taken, false)
    if (dial.waiter !== undefined) dial.waiter.onUpstream(upstream)
    else {
      upstream.isReused = true
      this.#becomeIdle(upstream, taken.openedAt)
    }
  }

  dialUnusable(dial: PendingDial): void {
    this.#settled(dial)
  }

  dialFailed(dial: PendingDial, error: SluiceError): void {
    this.#settled(dial)
    dial.waiter?.onConnectFailed(error)
  }

  #add(taken: TakenUpstream, wasIdle: boolean): Http1Upstream {
    const upstream = new Http1Upstream(taken, this, this.#environment.maxHeadBytes, wasIdle)
    this.#all.add(upstream)
    return upstream
  }
}
