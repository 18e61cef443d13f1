import type { Address } from './address.js'
import type { SummaryDraft } from './close-summary.js'
import { deaf } from './deaf.js'
import type { DecisionMetrics } from './decision-metrics.js'
import { Dial, type DialEnvironment, type DialEvents } from './dial.js'
import { SluiceError } from './errors.js'
import type { ListenerContext } from './listener-context.js'
import { SideWindow, type WindowOwner } from './peek-window.js'
import type { SpareHolder } from './spare-holder.js'
import type { TakenDial, TakenUpstream } from './taken-upstream.js'
import { type TcpMetrics, WireMeter } from './tcp-metrics.js'
import type { Trace } from './trace.js'
import type { Endpoint } from './endpoint.js'
import type { UpstreamGroup } from './upstream-group.js'
import type { Wire } from './wire.js'

/** What the server's side of a connection needs of its surroundings: one for all connections of a listener. */
export interface UpstreamEnvironment {
  readonly context: ListenerContext
  readonly dial: DialEnvironment
  readonly tcpMetrics: TcpMetrics
  readonly metrics: DecisionMetrics
  readonly peekWindowBytes: number
}

/** Who is told when the server's wire breaks or is closed. */
export interface UpstreamOwner extends WindowOwner {
  /** The client. */
  readonly source: Address
  /** Servers learn who the client is, by its address or by what they are told first: its wires serve nobody else. */
  readonly isClientTold: boolean
  /** The wire is open, and nothing was said on it. False: the connection has been ended. */
  upstreamOpened(wire: Wire): boolean
  upstreamClosed(): void
}

/**
 * How a dial came about: `early`, so that the greeting of the only server there is can decide; `tentative`, to one of several, whose
 * loss teaches nothing; `wanted`, by who carries the connection. The first two are counted once: used, in vain, or failed.
 */
export type DialKind = 'early' | 'tentative' | 'wanted'

type EarlyDialOutcome = 'used' | 'in-vain' | 'failed'

type OnDialled = (error?: SluiceError) => void

/** The server's side of one connection: at most one dial and one wire at a time, and what they count as. */
export class UpstreamSide implements DialEvents, SpareHolder {
  readonly #environment: UpstreamEnvironment
  readonly #owner: UpstreamOwner
  readonly #trace: Trace
  #dial: Dial | undefined
  /** What was dialled last. */
  #group: UpstreamGroup | undefined
  #kind: DialKind = 'wanted'
  #onDialled: OnDialled[] | undefined
  #meter: WireMeter | undefined
  #tlsLabel: string | undefined
  #isOpenCounted = false
  #spareOf: Endpoint | undefined
  #isWireOpen = false
  #openedAt = 0
  /** Why the last dial failed. */
  error: SluiceError | undefined
  wire: Wire | undefined
  endpoint: Endpoint | undefined
  /** Until the relay has taken over. */
  window: SideWindow | undefined
  /** The error that broke the wire: `ECONNRESET`, or empty. */
  errno = ''

  constructor(environment: UpstreamEnvironment, owner: UpstreamOwner, trace: Trace) {
    this.#environment = environment
    this.#owner = owner
    this.#trace = trace
  }

  /** A byte or FIN of the server has arrived and nobody has taken it yet. */
  get spoke(): boolean {
    return this.window !== undefined && !this.window.isSilent
  }

  /** The wire is open, or was and has not been closed yet. */
  get isOpen(): boolean {
    return this.#isWireOpen
  }

  /** The connection may still go elsewhere. */
  get isTentative(): boolean {
    return this.#kind === 'tentative'
  }

  /** Bytes that have moved. */
  get moved(): number {
    return this.wire === undefined ? 0 : this.wire.bytesRead + this.wire.bytesWritten - this.wire.pendingBytes
  }

  /** The window, for who reads the wire from here on. */
  takeWindow(): SideWindow | undefined {
    const { window } = this
    this.window = undefined
    return window
  }

  /** Calls back when a wire to `group` is open, at once where it is; a dial to another group is given up first. */
  whenDialled(group: UpstreamGroup, callback: OnDialled): void {
    this.#giveUpOther(group)
    this.#count('used')
    if (this.wire) {
      callback()
      return
    }
    this.#dialFor(group, callback)
  }

  /** Dials before anything is decided. */
  dialEarly(group: UpstreamGroup, kind: 'early' | 'tentative', onSettled: OnDialled): void {
    this.#giveUpOther(group)
    this.#kind = kind
    this.#dialFor(group, onSettled)
    this.#beSpareOf(this.#dial?.endpoint)
  }

  /** Lets everything go that nobody carries, with word to those who wait for it. */
  abandon(): void {
    this.#count('in-vain')
    if (this.#isWireOpen) this.#drop()
    this.#dial?.cancel()
    this.#dial = undefined
    this.#abort()
  }

  /**
   * Hands over the wire to `group` on which the server has said nothing, or the dial that is to open it; whatever else there is, is
   * let go. Give the wire a reader, and a `whenClosed`, in this turn.
   */
  surrender(group: UpstreamGroup | undefined): TakenUpstream | TakenDial | undefined {
    const dial = this.#dial
    if (dial === undefined || dial.endpoint === undefined || dial.group !== group || this.spoke) {
      this.abandon()
      return undefined
    }
    return this.#isWireOpen ? this.#surrenderWire(dial) : this.#surrenderDial(dial, dial.endpoint)
  }

  /** The client has said nothing yet: whoever has asked something needs the wire more. */
  lend(): TakenUpstream | TakenDial | undefined {
    if (this.#owner.isClientTold || this.spoke || this.#dial?.endpoint === undefined) return undefined
    this.#trace.add('upstream', '', 'given to a request that waits: its endpoint is full')
    return this.surrender(this.#group)
  }

  letGo(): boolean {
    if (this.spoke || this.#dial === undefined) return false
    this.#trace.add('upstream', '', 'closed for a request that waits: its endpoint is full')
    this.abandon()
    return true
  }

  #surrenderWire(dial: Dial): TakenUpstream {
    this.#count('used')
    const taken = {
      wire: this.wire!,
      endpoint: this.endpoint!,
      openedAt: this.#openedAt,
      meter: this.#meter!,
      release: () => dial.release(),
    }
    this.#isWireOpen = false
    this.wire = this.endpoint = this.window = this.#meter = this.#dial = undefined
    return taken
  }

  #surrenderDial(dial: Dial, endpoint: Endpoint): TakenDial {
    const count = this.#countLater()
    this.#dial = undefined
    this.#abort()
    return {
      endpoint,
      goOn: (target, events) => {
        dial.handOver(target, {
          dialOpened: (wire, opened) => {
            count('used')
            events.dialOpened(wire, opened)
          },
          dialFailed: (error) => {
            count('failed')
            events.dialFailed(error)
          },
          dialAttemptFailed: (failed, error) => events.dialAttemptFailed(failed, error),
        })
        return dial
      },
    }
  }

  /** An early wire broke before its server had said anything: it has taught nothing. */
  lose(): void {
    this.#count('failed')
    this.#drop()
  }

  /** The wire is to be reset with the connection. */
  reset(): void {
    this.#count('in-vain')
    this.wire?.reset()
  }

  #wireClosed(wire: Wire): void {
    // One that was dropped is nobody's any more.
    if (wire !== this.wire) return
    this.#closed()
    this.#owner.upstreamClosed()
  }

  #closed(): void {
    if (!this.#isWireOpen) return
    this.#isWireOpen = false
    this.#beSpareOf(undefined)
    this.#meter?.close(this.errno)
    this.#dial?.release()
    this.#dial = undefined
  }

  setTls(label: string): void {
    this.#tlsLabel = label
    this.#meter?.setTls(label)
  }

  /** The labels are known from here on. */
  countOpen(): void {
    this.#isOpenCounted = true
    this.#meter?.countOpen()
  }

  countBytes(): void {
    this.#meter?.countBytes()
  }

  /** Adds where the connection goes, and what the server said. */
  describe(summary: SummaryDraft): void {
    if (this.endpoint) summary.destination = this.endpoint.label
    if (this.wire) summary.bytes = { client: summary.bytes.client, server: this.wire.bytesRead }
  }

  dialOpened(wire: Wire, endpoint: Endpoint): void {
    const { context, dial, tcpMetrics, peekWindowBytes } = this.#environment
    this.wire = wire
    this.endpoint = endpoint
    this.#isWireOpen = true
    this.#openedAt = dial.clock.now()
    if (this.#kind !== 'wanted') this.#beSpareOf(endpoint)
    this.#meter = new WireMeter(tcpMetrics, wire, context.direction, 'dst', endpoint.port)
    if (this.#tlsLabel !== undefined) this.#meter.setTls(this.#tlsLabel)
    if (this.#isOpenCounted) this.#meter.countOpen()
    this.#trace.add('upstream', '', `connected ${endpoint.label}`)
    this.window = new SideWindow(wire, 'server', peekWindowBytes, this.#owner)
    wire.read(this.window)
    wire.whenClosed(() => this.#wireClosed(wire))
    if (this.#owner.upstreamOpened(wire)) this.#settle()
  }

  dialFailed(error: SluiceError): void {
    this.#dial = undefined
    this.error = error
    this.#count('failed')
    this.#trace.add('upstream', '', error.message)
    this.#settle(error)
  }

  dialAttemptFailed(endpoint: Endpoint, error: NodeJS.ErrnoException): void {
    this.#beSpareOf(undefined)
    this.#trace.add('upstream', '', `${endpoint.label} failed: ${error.code ?? error.message}`)
  }

  #giveUpOther(group: UpstreamGroup): void {
    if (this.#dial && this.#dial.group !== group) this.abandon()
  }

  #dialFor(group: UpstreamGroup, callback: OnDialled): void {
    this.error = undefined
    this.#onDialled ??= []
    this.#onDialled.push(callback)
    this.#group = group
    this.#dial ??= new Dial(group, this.#environment.dial, this, this.#owner.source)
  }

  /** Every connection comes by here when it closes: an error costs more than all else that happens then. */
  #abort(): void {
    if (this.#onDialled === undefined) return
    const reason = 'the connection was closed before its destination was connected'
    this.#settle(new SluiceError('SLUICE_CONNECT_ABORTED', this.#environment.context.name, reason))
  }

  #settle(error?: SluiceError): void {
    const callbacks = this.#onDialled
    this.#onDialled = undefined
    for (const callback of callbacks ?? []) callback(error)
  }

  /** Lets the wire go: it has carried nothing. */
  #drop(): void {
    const { wire } = this
    wire?.read(deaf)
    // Before its place is somebody else's: the server is not to see one connection more than it may have.
    wire?.close()
    this.#closed()
    this.wire = this.endpoint = this.window = this.#meter = undefined
  }

  /** Whoever needs a connection to `endpoint` more may have it. */
  #beSpareOf(endpoint: Endpoint | undefined): void {
    if (endpoint === this.#spareOf) return
    this.#spareOf?.spareHolders.delete(this)
    this.#spareOf = endpoint
    endpoint?.spareHolders.add(this)
  }

  #count(outcome: EarlyDialOutcome): void {
    if (this.#kind !== 'wanted') this.#countLater()(outcome)
  }

  /** What becomes of an early dial is for somebody else to say; it is none of this connection's any more. */
  #countLater(): (outcome: EarlyDialOutcome) => void {
    const { metrics, context } = this.#environment
    const isEarly = this.#kind !== 'wanted'
    this.#kind = 'wanted'
    this.#beSpareOf(undefined)
    return (outcome) => {
      if (isEarly) metrics.earlyDial(context.name, outcome)
    }
  }
}
