import type { Address } from './address.js'
import type { CloseSummary, SummaryExtras } from './close-summary.js'
import type { DetectionResult } from './detection-result.js'
import type { ListenerContext } from './listener-context.js'
import type { Log } from './log.js'
import type { Observer } from './observer.js'
import type { Side } from './side.js'
import type { Facts } from './sniffer.js'
import type { Trace } from './trace.js'
import type { UpstreamGroup } from './upstream-group.js'
import type { Wire, WireReader } from './wire.js'

declare const holds: unique symbol

/** Names a fact of type `T` that filters share about a connection. Equal by identity: export it from one place. */
export interface FactKey<T> {
  readonly name: string
  /** The fact stands in the connection's summary, under the key's name. */
  readonly isInSummary: boolean
  readonly [holds]?: T
}

/** Makes a key for facts that stay between filters. */
export function factKey<T>(name: string): FactKey<T> {
  return { name, isInSummary: false }
}

/** Makes a key for a fact that stands in the summary too: declare its name and type by merging with `SummaryExtras`. */
export function summaryKey<N extends keyof SummaryExtras>(name: N): FactKey<NonNullable<SummaryExtras[N]>> {
  return { name, isInSummary: true }
}

/** The client has said nothing for as long as a route's `clientSilent`: the destination that it names stands. Set by detection. */
export const CLIENT_WAS_SILENT = factKey<boolean>('client-was-silent')

/** Where the client connected to, as the proxy before us says. Says nothing of where the connection goes. */
export const CLIENT_DESTINATION: FactKey<Address> = factKey('client-destination')

/** What a side has said and nobody has taken yet: at most the listener's `limits.peekWindow` bytes are shown. */
export interface PeekWindow {
  /** Borrowed: valid until the next `more` or `consume`. */
  readonly bytes: Uint8Array
  /** The side has ended its half: no more will come. */
  readonly ended: boolean
  /** The window shows all that it ever will while nothing is consumed. */
  readonly full: boolean
  /**
   * Settles when there are more bytes than now, or the side has ended, or the window is full; at once where that is so already.
   * Rejects when the connection breaks. One waiter at a time.
   */
  more(): Promise<void>
  /** Takes the first `count` bytes out: they are not relayed and nobody sees them again. For filters before `detect`. */
  consume(count: number): void
}

/**
 * One accepted connection, from accept to close, as filters see it.
 *
 * A filter gets it in `onConnection` and may use it until `onClose`.
 */
export interface Connection {
  /** Counted from 1 in this instance. */
  readonly id: number
  readonly listener: ListenerContext
  /** Who is at the other end of our socket: read at accept and normalised. */
  readonly peer: Address
  /**
   * The client, for routes, limits, logs and the summary: the peer, until a filter that knows better sets it (`proxy-protocol`). A
   * filter before that one sees the peer.
   */
  source: Address
  /** Where an intercepted connection was headed. */
  readonly originalDestination: Address | undefined
  /** The port that names things: of the original destination; else of the destination, if it has one; else of the listener. */
  readonly destinationPort: number
  /** Where it goes; undefined where the listener leaves it to its filters. Setting it after the server has spoken throws. */
  destination: UpstreamGroup | undefined
  /** Name of the route that chose the destination: for summary, log and trace. */
  route: string | undefined
  /** Our socket to the client. */
  readonly downstream: Wire
  /**
   * Connects to the destination: picks an endpoint, connects, takes the next one on refusal, each once, all within the connect
   * timeout. Asked twice, answered once: an early dial is found here by who carries the connection. Rejects with a SluiceError.
   */
  dial(): Promise<Wire>
  /** True once a byte or FIN of the server arrived on the dialled wire. */
  readonly serverSpoke: boolean
  /**
   * Dials the destination and carries both sides: what `tcp-forward` does, in one call. Where no endpoint can be connected, the
   * connection ends (`connect-failed`), or is denied with the reason `upstream-full`. Returns at once.
   */
  forward(): void
  /**
   * Says `answer` to the client in the server's place, ends our half and reads the client out for a bounded time, so that the
   * answer is not reset away. For terminal filters, once.
   */
  answer(answer: Uint8Array): void
  /**
   * From here on the filter speaks with the client itself: `reader` hears what the client says, what its window holds first, and
   * `downstream` is written to. Nothing is relayed, and observers see only what the filter shows them: `http-route` shows them what the
   * client says and what it is answered. For filters that `takesOver` names, once, and in the turn of their verdict.
   */
  takeOver(reader: WireReader): void
  /** Says no more to the client, after `takeOver`: ends our half and reads the client out for a bounded time. */
  finish(): void
  /** Refuses the connection after its filter has said `handled`; `reason` is one that the filter declared. */
  deny(reason: string): void
  /**
   * Carries both sides from here on, what the windows hold first. For terminal filters, once. With `downstream` itself, the client
   * hears itself.
   */
  relay(upstream: Wire): void
  peek(side: Side): PeekWindow
  /** Where a filter needs the name, it is there; else undefined until it is known. */
  readonly detection: DetectionResult | undefined
  /**
   * Adds to the facts of a connection that is named, as an observer learns them: for summary, log and `explain`. They come too late
   * for routes. One that is there already is replaced.
   */
  addFacts(facts: Facts): void
  /** Names the protocol without looking at bytes. Throws where it is named already. */
  nameByPort(protocol: string): void
  get<T>(key: FactKey<T>): T | undefined
  set<T>(key: FactKey<T>, value: T): void
  /**
   * Attaches an observer: at once; or, with `protocol`, when that protocol is detected, with the bytes from the first one on. A
   * function is called then to make it (and may return nothing): connections of another protocol cost no observer.
   */
  observe(
    observer: Observer | ((connection: Connection) => Observer | undefined),
    options?: { readonly protocol: string },
  ): void
  /** The label `tls` of the connection's TCP metrics: `opaque` for TLS that is carried as it is; `disabled` until set. */
  setTlsLabel(value: string): void
  readonly trace: Trace
  /** Aborts when the connection closes. Made when first asked for. */
  readonly signal: AbortSignal
  readonly log: Log
  onClose(callback: (summary: CloseSummary) => void): void
}
