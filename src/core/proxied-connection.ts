import { type Address, formatAddress } from './address.js'
import type { ChainStep } from './chain.js'
import type { CloseReason, CloseSummary, SummaryDraft } from './close-summary.js'
import type { Connection, FactKey, PeekWindow } from './connection.js'
import {
  ConnectionObservers,
  type ObserverEnvironment,
  type ObserverFactory,
  type Replay,
} from './connection-observers.js'
import { DetectBeside } from './detect-beside.js'
import type { SnifferPlan } from './detection.js'
import { type DetectionResult, NO_FACTS } from './detection-result.js'
import { type DownstreamEnvironment, type DownstreamOwner, DownstreamSide } from './downstream-side.js'
import { Ending } from './ending.js'
import { errorText } from './error-text.js'
import { SluiceError } from './errors.js'
import type { ListenerContext } from './listener-context.js'
import type { Log } from './log.js'
import type { LookedAt } from './looked-at.js'
import { Naming, type NamingEnvironment } from './naming.js'
import type { Observer } from './observer.js'
import type { ObserverSet } from './observer-set.js'
import type { SideWindow } from './peek-window.js'
import { RelayDirection, type RelayOwner } from './relay.js'
import type { Side } from './side.js'
import type { Facts } from './sniffer.js'
import type { TakenDial, TakenUpstream } from './taken-upstream.js'
import { Trace } from './trace.js'
import type { AcceptedWire } from './transport.js'
import type { UpstreamGroup } from './upstream-group.js'
import { type UpstreamEnvironment, type UpstreamOwner, UpstreamSide } from './upstream-side.js'
import type { Wire, WireReader } from './wire.js'

/** What all connections of a listener share. */
export interface ConnectionEnvironment
  extends UpstreamEnvironment, DownstreamEnvironment, NamingEnvironment, ObserverEnvironment {
  readonly log: Log
  /** Bytes of each side that the trace keeps of what detection looked at. */
  readonly traceBytes: number
  /** The filter that tells the server something before the client's first byte. */
  readonly prefacedBy?: Pick<ChainStep, 'name' | 'filter'>
  readonly idleTimeoutMs: number
  readonly halfCloseTimeoutMs: number
  /** Name of the chain's last filter: who refuses where the upstream is full. */
  readonly terminalFilter: string
  /** A deny reason as a metric label: `other` where the filter did not declare it. */
  denyLabel(filter: string, reason: string): string
  /** Protocol and destination are known, or it is certain that they will not be. At most once, before `onClosed`. */
  onDecided(connection: ProxiedConnection): void
  onClosed(connection: ProxiedConnection, summary: CloseSummary): void
}

/**
 * The connection as the core drives it: what happens when. Its two sides, its observers, its name and its end are parts of their own,
 * which know nothing of each other.
 */
export class ProxiedConnection implements Connection, DownstreamOwner, UpstreamOwner, RelayOwner {
  readonly id: number
  readonly peer: Address
  source: Address
  readonly originalDestination: Address | undefined
  readonly trace: Trace
  route: string | undefined
  /** Its place among the listener's connections. */
  slot = -1
  /** The filter whose verdict is awaited, or that has the connection. */
  currentFilter = ''
  readonly #environment: ConnectionEnvironment
  readonly #observers: ConnectionObservers
  readonly #downstream: DownstreamSide
  readonly #upstream: UpstreamSide
  #destination: UpstreamGroup | undefined
  #isRelaying = false
  /** A filter speaks with the client itself. */
  #isTakenOver = false
  /** Before the first byte it mostly has none. */
  #name: Naming | undefined
  /** The detection under way. */
  detecting: { conclude(): void } | undefined
  #values: Map<FactKey<unknown>, unknown> | undefined
  /** An open connection mostly has none. */
  #end: Ending | undefined
  #isAnnounced = false
  #isHalfClosed = false
  #idleSince: number
  #idleMark = 0

  constructor(
    environment: ConnectionEnvironment,
    id: number,
    downstream: AcceptedWire,
    route: { readonly destination: UpstreamGroup | undefined; readonly original: Address | undefined },
  ) {
    const { clock } = environment.dial
    this.#environment = environment
    this.id = id
    this.peer = this.source = downstream.peer
    this.originalDestination = route.original
    this.#destination = route.destination
    this.#idleSince = clock.now()
    this.trace = new Trace(clock, this.#idleSince)
    this.#upstream = new UpstreamSide(environment, this, this.trace)
    this.#observers = new ConnectionObservers(environment, this)
    this.#downstream = new DownstreamSide(environment, downstream, this.destinationPort, this)
  }

  // What filters see

  get downstream(): AcceptedWire {
    return this.#downstream.wire
  }

  get listener(): ListenerContext {
    return this.#environment.context
  }

  get log(): Log {
    return this.#environment.log
  }

  get destination(): UpstreamGroup | undefined {
    return this.#destination
  }

  set destination(group: UpstreamGroup | undefined) {
    if (group === this.#destination) return
    if (this.serverSpoke)
      throw new SluiceError(
        'SLUICE_STATE',
        `connection ${this.id}`,
        'the server has spoken: the destination can no longer change',
      )
    this.#destination = group
  }

  get destinationPort(): number {
    return this.originalDestination?.port ?? this.#destination?.port ?? this.listener.port
  }

  get detection(): DetectionResult | undefined {
    return this.#name?.result
  }

  get serverSpoke(): boolean {
    return this.#isRelaying || this.#isTakenOver || this.#upstream.spoke
  }

  get clientSpoke(): boolean {
    return this.#downstream.spoke
  }

  get isClosed(): boolean {
    return this.#end !== undefined && (this.#end.isOver || this.#end.hasReason)
  }

  peek(side: Side): PeekWindow {
    return this.window(side)
  }

  get<T>(key: FactKey<T>): T | undefined {
    return this.#values?.get(key) as T | undefined
  }

  set<T>(key: FactKey<T>, value: T): void {
    this.#values ??= new Map()
    this.#values.set(key, value)
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  onClose(callback: (summary: CloseSummary) => void): void {
    this.#ending.onClose(callback)
  }

  setTlsLabel(value: string): void {
    this.#downstream.setTls(value)
    this.#upstream.setTls(value)
  }

  nameByPort(protocol: string): void {
    const { detection } = this
    if (detection)
      throw new SluiceError('SLUICE_STATE', `connection ${this.id}`, `it is named already: ${detection.protocol}`)
    this.decided({ outcome: 'detected', protocol, decidedBy: 'port', bytes: { client: 0, server: 0 }, facts: NO_FACTS })
  }

  addFacts(facts: Facts): void {
    const { detection } = this
    if (detection?.protocol === undefined)
      throw new SluiceError(
        'SLUICE_STATE',
        `connection ${this.id}`,
        'it is not named: there is nothing to add facts to',
      )
    this.#naming.addFacts(detection, facts)
  }

  observe(observer: Observer | ObserverFactory, options?: { readonly protocol: string }): void {
    if (options === undefined || this.detection?.protocol === options.protocol) this.#observers.attach(observer)
    else if (this.detection === undefined) this.#observers.attachWhenNamed(options.protocol, observer)
  }

  dial(): Promise<Wire> {
    return new Promise((resolve, reject) => {
      this.#whenDialled((error) => (error ? reject(error) : resolve(this.#upstream.wire!)))
    })
  }

  forward(): void {
    this.#whenDialled((error) => {
      if (error) this.connectFailed(error)
      else this.relay(this.#upstream.wire!)
    })
  }

  relay(upstream: Wire): void {
    if (this.isClosed) return
    if (upstream !== this.#upstream.wire) this.#upstream.abandon()
    this.#isRelaying = true
    this.#announce()
    const isServerFirst = this.#upstream.spoke && !this.clientSpoke
    const [clientWindow, serverWindow] = [this.#downstream.takeWindow(), this.#upstream.takeWindow()]
    const toServer = new RelayDirection('client', this.downstream, upstream, this.#observers, this)
    if (upstream === this.downstream) return this.#handOver(this.downstream, clientWindow, toServer)
    const toClient = new RelayDirection('server', upstream, this.downstream, this.#observers, this)
    // In the order in which they spoke: observers are shown what the windows hold.
    if (isServerFirst) this.#handOver(upstream, serverWindow, toClient)
    this.#handOver(this.downstream, clientWindow, toServer)
    if (!isServerFirst) this.#handOver(upstream, serverWindow, toClient)
  }

  answer(answer: Uint8Array): void {
    if (this.isClosed) return
    this.downstream.write(answer)
    this.finish('answered')
    if (this.clientWindow?.ended) this.#isHalfClosed = true
  }

  takeOver(reader: WireReader): void {
    if (this.isClosed) return
    this.#isTakenOver = true
    this.#announce()
    this.#handOver(this.downstream, this.#downstream.takeWindow(), reader)
  }

  finish(reason: 'end' | 'answered' = 'end'): void {
    if (this.isClosed) return
    this.#upstream.abandon()
    if (reason === 'answered') this.#ending.begin(reason, 'proxy')
    else this.#ending.begin(reason)
    this.#downstream.finish()
    this.#announce()
  }

  deny(reason: string): void {
    this.denyBy(this.currentFilter, reason)
  }

  // What the core's own parts use

  window(side: Side): SideWindow {
    const window = side === 'client' ? this.clientWindow : this.serverWindow
    if (window) return window
    const reason = this.#isRelaying
      ? 'it is relayed already: observe() sees what passes'
      : 'the server is not dialled yet: await dial() first'
    throw new SluiceError('SLUICE_STATE', `connection ${this.id}`, reason)
  }

  /** What watches it. Who takes the connection over shows it what the two sides say, as the relay does. */
  get observers(): ObserverSet {
    return this.#observers
  }

  get environment(): ConnectionEnvironment {
    return this.#environment
  }

  /** The client's window, until the relay takes over. */
  get clientWindow(): SideWindow | undefined {
    return this.#downstream.window
  }

  /** Hands over what was dialled early, where it leads to the destination and the server has said nothing; else lets go of it. */
  surrenderUpstream(): TakenUpstream | TakenDial | undefined {
    return this.#upstream.surrender(this.#destination)
  }

  get isClientTold(): boolean {
    return this.#environment.dial.isSourcePreserved || this.#environment.prefacedBy !== undefined
  }

  /** The open upstream wire's window, once there is one. */
  get serverWindow(): SideWindow | undefined {
    return this.#upstream.window
  }

  get dialError(): SluiceError | undefined {
    return this.#upstream.error
  }

  /**
   * Dials before anything is decided, so that the server's greeting can decide. `onSettled` is called when the wire is open or
   * could not be opened. A tentative dial may be to another destination than the one that is chosen in the end.
   */
  dialEarly(kind: 'early' | 'tentative', onSettled: () => void): void {
    if (this.#destination && !this.isClosed) this.#upstream.dialEarly(this.#destination, kind, onSettled)
  }

  /** Detection has come to an end. Attaches the observers that wait for the protocol. */
  decided(result: DetectionResult): void {
    this.#named(result)
    this.#observers.named(result.protocol)
    this.#countOpens()
  }

  /** As `decided`, beside the relay: the observers get what has passed from `replay`; without it, they are not attached. */
  decidedBeside(result: DetectionResult, replay?: Replay): void {
    this.#named(result)
    this.#observers.namedBeside(result.protocol, replay)
    this.#countOpens()
  }

  /** Where detection notes what it looks at, so that it can be explained; undefined where nothing of it is kept. */
  lookedAt(plan: SnifferPlan, isWithheld: boolean): LookedAt | undefined {
    return this.trace.keepLooks(plan, this.#environment.traceBytes, isWithheld)
  }

  /** Facts that came after the name. Those that observers have added stay. */
  learned(result: DetectionResult): void {
    this.#naming.learned(result)
  }

  /** Looks on beside the relay, nothing is withheld for it: for the name, or where that is there, for the facts. */
  detectBeside(plan: SnifferPlan): void {
    const beside = new DetectBeside(this, plan, this.detection !== undefined)
    this.detecting = beside
    this.#observers.add(beside)
  }

  denyBy(filter: string, reason: string): void {
    if (this.isClosed) return
    const label = this.#environment.denyLabel(filter, reason)
    this.#ending.begin('denied', 'proxy', { denied: { filter, reason } })
    this.#environment.metrics.denied(this.listener.name, filter, label)
    this.trace.add('close', 'deny', `denied by ${filter}: ${reason}`)
    this.#resetBoth()
  }

  /** A bug in a filter or in the core: ends this connection and no other. */
  failed(error: unknown, filter: string): void {
    if (this.isClosed) return
    this.#environment.metrics.filterFailed(this.listener.name, filter)
    this.log.error(
      { connection: this.id, listener: this.listener.name, filter, err: error },
      'a connection was ended by a bug',
    )
    this.trace.add('close', 'error', `${filter} failed: ${errorText(error)}`)
    this.#breakOff('error', 'proxy', { error: 'SLUICE_FILTER_FAILED' })
  }

  /** The destination could not be connected. */
  connectFailed(error: SluiceError): void {
    if (this.isClosed) return
    if (error.code === 'SLUICE_UPSTREAM_FULL') return this.denyBy(this.#environment.terminalFilter, 'upstream-full')
    this.#environment.metrics.connectFailed(this.listener.name, error.code)
    this.trace.add('close', '', error.message)
    this.#breakOff('connect-failed', 'proxy', { error: error.code })
  }

  /** Cuts the connection now: at a stop, or when a bound was reached. */
  cut(reason: CloseReason): void {
    if (this.#end?.isOver) return
    if (this.#end?.hasReason) return this.#resetBoth()
    this.trace.add('close', '', reason)
    this.#breakOff(reason, 'proxy')
  }

  /** Called now and then: compares what has moved since. Costs a chunk nothing. */
  checkIdle(now: number): void {
    const moved = this.#downstream.moved + this.#upstream.moved
    if (moved !== this.#idleMark) {
      this.#idleMark = moved
      this.#idleSince = now
      return
    }
    const idleMs = now - this.#idleSince
    if (idleMs >= this.#environment.idleTimeoutMs) this.cut('idle-timeout')
    else if (this.#isHalfClosed && idleMs >= this.#environment.halfCloseTimeoutMs) this.cut('half-close-timeout')
  }

  /** Brings the byte counters up to date. */
  countBytes(): void {
    this.#downstream.countBytes()
    this.#upstream.countBytes()
  }

  noteFirstByte(): void {
    this.#naming.firstByteCame()
  }

  /** The connection as it stands; the close summary once it is over. */
  summary(): CloseSummary {
    const summary: SummaryDraft = {
      listener: this.listener.name,
      connection: this.id,
      source: formatAddress(this.source.host, this.source.port),
      facts: NO_FACTS,
      bytes: { client: this.#downstream.saidBytes, server: this.downstream.bytesWritten },
      durationMs: this.trace.elapsedMs,
      closedBy: 'proxy',
      reason: 'end',
    }
    if (this.source !== this.peer) summary.peer = formatAddress(this.peer.host, this.peer.port)
    if (this.#destination) summary.destination = this.#destination.label
    this.#upstream.describe(summary)
    if (this.#destination?.name !== undefined) summary.upstream = this.#destination.name
    if (this.route !== undefined) summary.route = this.route
    this.#name?.describe(summary)
    this.#end?.describe(summary)
    for (const [key, value] of this.#values ?? []) if (key.isInSummary) Object.assign(summary, { [key.name]: value })
    return summary
  }

  // What wires, windows and relays report

  windowBroke(side: Side, error: NodeJS.ErrnoException): void {
    this.relaySideBroke(side, error)
  }

  relaySideEnded(side: Side): void {
    this.#isHalfClosed = true
    this.#ending.sideEnded(side)
    this.#observers.sideEnded(side)
  }

  relaySideBroke(side: Side, error: NodeJS.ErrnoException): void {
    if (side === 'client') this.#downstream.errno = error.code ?? ''
    else this.#upstream.errno = error.code ?? ''
    if (this.isClosed) return
    if (error.code === undefined) {
      this.failed(error, this.currentFilter)
      return
    }
    if (side === 'server' && this.#upstream.isTentative && !this.#upstream.spoke) {
      // It may not be where the connection goes: the client's first words can still choose.
      this.trace.add('upstream', '', `lost before anything was said: ${error.code}`)
      this.#upstream.lose()
      return
    }
    this.trace.add('close', '', `${side} reset: ${error.code}`)
    this.#breakOff('reset', side)
  }

  /** Says to the server what the chain's last filter has to say first. False where it could not: the connection is ended then. */
  upstreamOpened(wire: Wire): boolean {
    const filter = this.#environment.prefacedBy
    if (filter === undefined) return true
    try {
      const preface = filter.filter.preface?.(this)
      if (preface) wire.write(preface)
      return true
    } catch (error) {
      this.failed(error, filter.name)
      return false
    }
  }

  downstreamClosed(): void {
    this.#finishIfOver()
  }

  upstreamClosed(): void {
    this.#finishIfOver()
  }

  #whenDialled(callback: (error?: SluiceError) => void): void {
    const problem = this.#isUndialable()
    if (problem) process.nextTick(() => callback(problem))
    else this.#upstream.whenDialled(this.#destination!, callback)
  }

  #isUndialable(): SluiceError | undefined {
    const source = `connection ${this.id}`
    if (this.isClosed) return new SluiceError('SLUICE_CONNECT_ABORTED', source, 'the connection is closed')
    return this.#destination
      ? undefined
      : new SluiceError('SLUICE_NO_DESTINATION', source, 'there is no destination to dial')
  }

  // Relaying and closing

  /** Moves a wire from its window to the relay: what the window holds goes first. */
  #handOver(wire: Wire, window: SideWindow | undefined, reader: WireReader): void {
    const held = window?.take()
    wire.read(reader)
    wire.resume()
    if (held && held.length > 0) reader.onChunk(held)
    if (window?.ended) reader.onEnd()
  }

  /** What has to do with its name. Made when first asked for. */
  get #naming(): Naming {
    return (this.#name ??= new Naming(this.#environment, this.trace))
  }

  #named(result: DetectionResult): void {
    this.#naming.decided(result)
    this.#announce()
  }

  /** After the observers are attached: they may still teach the labels. */
  #countOpens(): void {
    this.#downstream.countOpen()
    this.#upstream.countOpen()
  }

  #announce(): void {
    if (
      this.#isAnnounced ||
      this.detection === undefined ||
      !(this.#isRelaying || this.#isTakenOver || this.#end?.hasReason)
    )
      return
    this.#isAnnounced = true
    this.#environment.onDecided(this)
  }

  /** What has to do with its end. Made when first asked for. */
  get #ending(): Ending {
    return (this.#end ??= new Ending(this.log))
  }

  #breakOff(reason: CloseReason, closedBy: CloseSummary['closedBy'], details?: Pick<CloseSummary, 'error'>): void {
    this.#ending.begin(reason, closedBy, details)
    this.#resetBoth()
  }

  #resetBoth(): void {
    this.downstream.reset()
    if (this.#upstream.isOpen) this.#upstream.reset()
    else this.#upstream.abandon()
  }

  #finishIfOver(): void {
    if (!this.#downstream.isClosed || this.#end?.isOver) return
    if (this.#isRelaying && this.#upstream.isOpen) return
    // What nobody carries is not waited for.
    this.#upstream.abandon()
    this.#ending.wiresClosed()
    // It may only now name what it has: the summary is read after it.
    this.detecting?.conclude()
    const summary = this.summary()
    this.#ending.summarized(summary)
    this.#observers.onClose(summary)
    this.#downstream.close()
    this.#announceLast()
    this.#ending.tellAll()
    this.#environment.onClosed(this, summary)
  }

  #announceLast(): void {
    if (this.#isAnnounced) return
    this.#isAnnounced = true
    this.#environment.onDecided(this)
  }
}
