import { once } from 'node:events'
import { createServer, type Server, type Socket, type SocketConstructorOpts } from 'node:net'
import { type Address, normalizeHost } from './address.js'
import { NodeWire } from './node-wire.js'
import type {
  AcceptedWire,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  OnConnected,
  Transport,
} from './transport.js'
import type { Wire } from './wire.js'

/** Connections that the kernel completes before we accept them. It caps this with net.core.somaxconn, 4096 since Linux 5.4. */
const BACKLOG = 4096

/** What is undocumented of Node's server, and used here alone. */
interface ServerHandle {
  onconnection?: (status: number, client?: TcpHandle) => void
}
type TcpHandle = NonNullable<SocketConstructorOpts['handle' & keyof SocketConstructorOpts]>

/** How accepted sockets are taken over: by their handle, so that they read into the shared buffer; or as Node made them. */
export type AcceptMode = 'handle' | 'data'

/** Wires over Node's sockets. */
export class NodeTransport implements Transport {
  readonly #acceptMode: AcceptMode

  constructor(options: { readonly acceptMode?: AcceptMode } = {}) {
    this.#acceptMode = options.acceptMode ?? 'handle'
  }

  async listen(
    options: ListenOptions,
    onWire: (wire: AcceptedWire) => void,
    onError: (error: Error) => void,
  ): Promise<ListeningSocket> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    const accept = (wire: NodeWire): void => {
      const accepted = acceptedWire(wire, options.keepAliveMs)
      if (accepted) onWire(accepted)
    }
    server.on('connection', (socket: Socket) => accept(new NodeWire(socket)))
    server.listen({ host: options.host, port: options.port, backlog: BACKLOG })
    await once(server, 'listening')
    server.on('error', onError)
    if (this.#acceptMode === 'handle') adoptHandles(server, accept, onError)
    return listeningSocket(server)
  }

  connect(options: ConnectOptions, onConnected: OnConnected): Wire {
    const wire = new NodeWire({})
    const socket = wire.socket
    // Node begins to read when connected, unless it is paused by then.
    socket.pause()
    wire.read({
      onChunk: () => {},
      onEnd: () => {},
      onDrain: () => {},
      onError: onConnected,
    })
    socket.once('connect', () => {
      socket.setKeepAlive(true, options.keepAliveMs)
      onConnected()
    })
    socket.connect({ host: options.host, port: options.port, noDelay: true, autoSelectFamily: false })
    return wire
  }
}

/**
 * Takes the kernel's connections before Node wraps them: a socket made by the server has no `onread`, so each would have to be
 * wrapped twice. Undocumented, seen to work on Node 20 to 24; where it is not there, the server's 'connection' event serves.
 */
function adoptHandles(server: Server, accept: (wire: NodeWire) => void, onError: (error: Error) => void): void {
  const serverHandle = (server as unknown as { _handle?: ServerHandle })._handle
  if (typeof serverHandle?.onconnection !== 'function') return
  serverHandle.onconnection = (status, client) => {
    if (status !== 0 || client === undefined) {
      onError(new Error(`accept failed with status ${status}`))
      return
    }
    accept(new NodeWire({ handle: client, pauseOnCreate: true } as SocketConstructorOpts))
  }
}

/** Undefined where the peer has gone before it could be asked for its address. */
function acceptedWire(wire: NodeWire, keepAliveMs: number): AcceptedWire | undefined {
  const { remoteAddress, remotePort } = wire.socket
  if (remoteAddress === undefined || remotePort === undefined) {
    wire.close()
    return undefined
  }
  wire.socket.setNoDelay(true)
  wire.socket.setKeepAlive(true, keepAliveMs)
  const peer: Address = { host: normalizeHost(remoteAddress), port: remotePort }
  return Object.assign(wire, { peer })
}

function listeningSocket(server: Server): ListeningSocket {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('not a TCP server')
  return {
    host: bound.address,
    port: bound.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
