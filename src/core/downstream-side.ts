import type { Timer } from './clock.js'
import { deaf } from './deaf.js'
import type { DialEnvironment } from './dial.js'
import type { ListenerContext } from './listener-context.js'
import { SideWindow, type WindowOwner } from './peek-window.js'
import { type TcpMetrics, WireMeter } from './tcp-metrics.js'
import type { AcceptedWire } from './transport.js'

/** What the client's side of a connection needs of its surroundings: one for all connections of a listener. */
export interface DownstreamEnvironment {
  readonly context: ListenerContext
  readonly dial: DialEnvironment
  readonly tcpMetrics: TcpMetrics
  readonly peekWindowBytes: number
}

/** Who is told when the client's wire breaks or is closed. */
export interface DownstreamOwner extends WindowOwner {
  downstreamClosed(): void
}

/** How long a client may take to read an answer of ours before the connection is closed under it. Enough for a slow link. */
const ANSWER_LINGER_MS = 5_000

/** The client's side of one connection: its wire, what it has said and nobody has taken yet, and what it counts as. */
export class DownstreamSide {
  readonly #environment: DownstreamEnvironment
  readonly #meter: WireMeter
  #window: SideWindow | undefined
  /** Of what the client said: taken out by filters, as the header of a proxy before us. */
  #consumedBytes = 0
  #linger: Timer | undefined
  readonly wire: AcceptedWire
  /** Both directions of the wire are over. */
  isClosed = false
  /** The error that broke the wire: `ECONNRESET`, or empty. */
  errno = ''

  /** `targetPort` is the label of its metrics. */
  constructor(environment: DownstreamEnvironment, wire: AcceptedWire, targetPort: number, owner: DownstreamOwner) {
    const { context, tcpMetrics, peekWindowBytes } = environment
    this.#environment = environment
    this.wire = wire
    this.#meter = new WireMeter(tcpMetrics, wire, context.direction, 'src', targetPort)
    this.#window = new SideWindow(wire, 'client', peekWindowBytes, owner)
    wire.read(this.#window)
    wire.whenClosed(() => {
      this.isClosed = true
      owner.downstreamClosed()
    })
  }

  /** Until somebody reads the wire. */
  get window(): SideWindow | undefined {
    return this.#window
  }

  /** A byte or FIN of the client has arrived. */
  get spoke(): boolean {
    return this.#window === undefined || !this.#window.isSilent
  }

  /** Bytes that the client said, without what filters took out. */
  get saidBytes(): number {
    return this.wire.bytesRead - (this.#window?.consumedBytes ?? this.#consumedBytes)
  }

  /** Bytes that have moved. */
  get moved(): number {
    return this.wire.bytesRead + this.wire.bytesWritten - this.wire.pendingBytes
  }

  /** The window, for who reads the wire from here on. An idle connection keeps no more than it needs. */
  takeWindow(): SideWindow | undefined {
    const window = this.#window
    this.#consumedBytes = window?.consumedBytes ?? 0
    this.#window = undefined
    return window
  }

  /** Ends our half, and reads the client out for a bounded time. */
  finish(): void {
    this.#lingerOn(this.wire.pendingBytes)
    // What it still says is thrown away, so that closing does not reset the answer.
    this.wire.read(deaf)
    this.wire.resume()
    this.wire.end()
  }

  setTls(label: string): void {
    this.#meter.setTls(label)
  }

  /** The labels are known from here on. */
  countOpen(): void {
    this.#meter.countOpen()
  }

  countBytes(): void {
    this.#meter.countBytes()
  }

  /** The connection is over: who waits for more hears so. */
  close(): void {
    this.#linger?.cancel()
    this.#window?.abort()
    this.#meter.close(this.errno)
  }

  /** The client's time to read runs anew as long as it reads: closing would throw away what the kernel has not taken. */
  #lingerOn(pendingBytes: number): void {
    const { wire } = this
    this.#linger = this.#environment.dial.clock.setTimer(ANSWER_LINGER_MS, () => {
      if (wire.pendingBytes === 0 || wire.pendingBytes === pendingBytes) wire.close()
      else this.#lingerOn(wire.pendingBytes)
    })
  }
}
