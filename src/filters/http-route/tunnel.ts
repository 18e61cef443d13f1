import type { ProxiedConnection } from '../../core/proxied-connection.js'
import { RelayDirection } from '../../core/relay.js'
import type { Wire } from '../../core/wire.js'

/** What the two sides have said before the tunnel was one. */
export interface TunnelBeginning {
  /** Of the server: it came with the answer. */
  readonly rest: Uint8Array
  /** Of the client, which observers have been shown. */
  readonly early: Uint8Array | undefined
  readonly hasClientEnded: boolean
}

/** Carries both sides of a connection that was taken over as they are, until both are done. */
export function carryTunnel(
  connection: ProxiedConnection,
  upstream: Wire,
  { rest, early, hasClientEnded }: TunnelBeginning,
): void {
  const { downstream, observers } = connection
  const toServer = new RelayDirection('client', downstream, upstream, observers, connection)
  const toClient = new RelayDirection('server', upstream, downstream, observers, connection)
  upstream.read(toClient)
  if (rest.length > 0) toClient.onChunk(rest)
  downstream.read(toServer)
  downstream.resume()
  if (early !== undefined && early.length > 0 && !upstream.write(early)) downstream.pause()
  if (hasClientEnded) upstream.end()
}
