import type { Dial, DialEvents, DialTarget } from './dial.js'
import type { Endpoint } from './endpoint.js'
import type { WireMeter } from './tcp-metrics.js'
import type { Wire } from './wire.js'

/** A wire that was dialled for one connection and is somebody else's from now on, with what it counts as. */
export interface TakenUpstream {
  readonly wire: Wire
  readonly endpoint: Endpoint
  /** Since when it is open; monotonic milliseconds. */
  readonly openedAt: number
  /** The wire's bytes; to be closed with it. */
  readonly meter: WireMeter
  /** The endpoint has one connection less. To be called when the wire is closed. */
  release(): void
}

/** A dial under way, of one connection, that is somebody else's from now on. */
export interface TakenDial {
  readonly endpoint: Endpoint
  /** To be called in this turn: `events` hears how it comes out, and `target` says what is tried where it fails. */
  goOn(target: DialTarget, events: DialEvents): Dial
}
