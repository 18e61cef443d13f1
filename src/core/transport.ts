import type { Address } from './address.js'
import type { Wire } from './wire.js'

/** A wire that the listener accepted. */
export interface AcceptedWire extends Wire {
  /** The peer, read at accept and normalised. */
  readonly peer: Address
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
}

export interface ConnectOptions {
  /** An IP literal, or what `lookup` gave: names are resolved before. */
  readonly host: string
  readonly port: number
  readonly keepAliveMs: number
}

/** Called once, from a later turn than `connect`: without an error when the wire is open. */
export type OnConnected = (error?: NodeJS.ErrnoException) => void

/** Where wires come from. Node's sockets now, a native transport later. Wires have no-delay on and keep half-close. */
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
