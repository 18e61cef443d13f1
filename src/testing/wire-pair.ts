import type { Address } from '../core/address.js'
import { MemoryWire } from './memory-wire.js'

/** The two ends of one connection: what one of them writes, the other reads. */
export interface WirePair {
  /** The end that a client holds. */
  readonly client: MemoryWire
  /** The end that a server, or a listener, has accepted. */
  readonly server: MemoryWire
}

export interface WirePairOptions {
  readonly client?: Address
  readonly server?: Address
}

/** Addresses of RFC 5737 section 3, which nobody has. */
export const CLIENT_ADDRESS: Address = { host: '192.0.2.1', port: 50_000 }
export const SERVER_ADDRESS: Address = { host: '192.0.2.2', port: 7_000 }

/** A connection in memory, without a socket: half-close, reset and back-pressure as on a real one. */
export function wirePair({ client = CLIENT_ADDRESS, server = SERVER_ADDRESS }: WirePairOptions = {}): WirePair {
  const pair = { client: new MemoryWire(client, server), server: new MemoryWire(server, client) }
  MemoryWire.join(pair.client, pair.server)
  return pair
}
