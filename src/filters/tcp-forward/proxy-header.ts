import { type Address, normalizeHost } from '../../core/address.js'
import { CLIENT_DESTINATION, type Connection } from '../../core/connection.js'
import { encodeProxyV1, encodeProxyV2 } from '../../protocols/proxy-protocol.js'

/**
 * Says who the client is and where it connected to: as the proxy before us says; else where an intercepted connection was headed;
 * else our own side of its socket.
 */
export function proxyHeader(connection: Connection, version: 'v1' | 'v2'): Uint8Array {
  const destination = connection.get(CLIENT_DESTINATION) ?? connection.originalDestination ?? ownSide(connection)
  const encode = version === 'v1' ? encodeProxyV1 : encodeProxyV2
  return encode(withoutZone(connection.source), withoutZone(destination))
}

function ownSide({ downstream, listener }: Connection): Address {
  return {
    // A socket that is closed under us has no address any more, and nobody will read this header.
    host: normalizeHost(downstream.localHost ?? '0.0.0.0'),
    port: downstream.localPort ?? listener.port,
  }
}

/** Link-local addresses have a zone (RFC 4007 section 11), which means something on this machine only. */
function withoutZone({ host, port }: Address): Address {
  return { host: host.split('%')[0]!, port }
}
