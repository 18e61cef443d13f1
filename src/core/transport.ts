import type { Address } from './address.js'
import type { Wire } from './wire.js'

/** A wire that the listener accepted. */
export interface AcceptedWire extends Wire {
  /** The peer, read at accept and normalised. */
  readonly peer: Address
  /** The kernel's number for the socket, for what Node has no call for; undefined where there is none, or it is closed. */
  readonly descriptor?: number | undefined
}

export interface ListeningSocket {
  readonly host: string
  readonly port: number
  /** Stops accepting. Wires that were accepted stay open. Settles when the socket is closed. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  /** For `::`: IPv4 is somebody else's. */
  readonly ipv6Only: boolean
  readonly port: number
  readonly keepAliveMs: number
  /** It takes connections headed anywhere, as TPROXY rules bring them; their local address is where they were headed. */
  readonly isTransparent?: boolean
  /** A socket that somebody else has bound and listens on, in place of host and port. */
  readonly descriptor?: number
}

export interface ConnectOptions {
  /** An IP literal, or what `lookup` gave: names are resolved before. */
  readonly host: string
  readonly port: number
  readonly keepAliveMs: number
  /** Connect from this address, whoever's it is: an IP literal of the same family. */
  readonly from?: string | undefined
}

/** Called once, from a later turn than `connect`: without an error when the wire is open. */
export type OnConnected = (error?: NodeJS.ErrnoException) => void

/** Where wires come from. Wires have no-delay on and keep half-close. */
export interface Transport {
  /** Rejects with Node's error where the address cannot be bound. `onError` hears of failed accepts (out of descriptors). */
  listen(
    options: ListenOptions,
    onWire: (wire: AcceptedWire) => void,
    onError: (error: Error) => void,
  ): Promise<ListeningSocket>
  /** The wire is there at once, connecting; `reset()` or `close()` gives up, and `onConnected` is not called then. */
  connect(options: ConnectOptions, onConnected: OnConnected): Wire
  /** The addresses of a name, tried in their order. Absent: those that the machine knows. Rejects where there is none. */
  lookup?(name: string): Promise<readonly string[]>
}
