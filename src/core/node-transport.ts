import { createServer, type Server, type Socket, type SocketConstructorOpts } from 'node:net'
import { type Address, normalizeHost } from './address.js'
import { NodeWire } from './node-wire.js'
import { startListening } from './start-listening.js'
import { noTransparentSockets, type TransparentSockets } from './transparent-sockets.js'
import type {
  AcceptedWire,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  OnConnected,
  Transport,
} from './transport.js'
import type { Wire } from './wire.js'

/** What is undocumented of Node's server, and used here alone. */
interface ServerHandle {
  onconnection?: (status: number, client?: TcpHandle) => void
  setNoDelay?(isOn: boolean): number
  setKeepAlive?(isOn: boolean, delaySeconds: number): number
}
type TcpHandle = NonNullable<SocketConstructorOpts['handle' & keyof SocketConstructorOpts]>

/** How accepted sockets are taken over: by their handle, so that they read into the shared buffer; or as Node made them. */
export type AcceptMode = 'handle' | 'data'

/** Wires over Node's sockets. */
export class NodeTransport implements Transport {
  readonly #acceptMode: AcceptMode
  readonly #transparentSockets: TransparentSockets

  constructor(
    options: { readonly acceptMode?: AcceptMode; readonly transparentSockets?: TransparentSockets | undefined } = {},
  ) {
    this.#acceptMode = options.acceptMode ?? 'handle'
    this.#transparentSockets = options.transparentSockets ?? noTransparentSockets
  }

  async listen(
    options: ListenOptions,
    onWire: (wire: AcceptedWire) => void,
    onError: (error: Error) => void,
  ): Promise<ListeningSocket> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    const accept = (wire: NodeWire): void => {
      const accepted = acceptedWire(wire)
      if (accepted) onWire(accepted)
    }
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, options.keepAliveMs)
      accept(new NodeWire(socket))
    })
    const address = await startListening(server, options, this.#transparentSockets)
    server.on('error', onError)
    if (this.#acceptMode === 'handle') adoptHandles(server, options.keepAliveMs, accept, onError)
    return listeningSocket(server, address)
  }

  connect({ host, port, keepAliveMs, from }: ConnectOptions, onConnected: OnConnected): Wire {
    // Here and not in connect(): only the socket's constructor hears of them.
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
    // Without manualStart it would be read from before it is connected.
    let source: { readonly fd: number; readonly manualStart: true } | undefined
    try {
      source = from === undefined ? undefined : { fd: this.#transparentSockets.source(from), manualStart: true }
    } catch (error) {
      return failingWire(error as NodeJS.ErrnoException, onConnected)
    }
    const wire = new NodeWire({ ...options, ...source })
    wire.whenConnected(onConnected)
    wire.socket.connect({ host, port, autoSelectFamily: false })
    return wire
  }
}

/** A wire that never opens: whoever asked for it hears so from a later turn, as of any other. */
function failingWire(error: NodeJS.ErrnoException, onConnected: OnConnected): Wire {
  const wire = new NodeWire({})
  wire.whenConnected(onConnected)
  wire.socket.destroy(error)
  return wire
}

/**
 * Takes the kernel's connections before Node wraps them: a socket made by the server has no `onread`, so each would have to be
 * wrapped twice. Undocumented, seen to work on Node 20 to 24; where it is not there, the server's 'connection' event serves.
 */
function adoptHandles(
  server: Server,
  keepAliveMs: number,
  accept: (wire: NodeWire) => void,
  onError: (error: Error) => void,
): void {
  const serverHandle = (server as unknown as { _handle?: ServerHandle })._handle
  if (typeof serverHandle?.onconnection !== 'function') return
  // What is set on a listening socket, the accepted ones inherit: five system calls less for each.
  const isInherited =
    serverHandle.setNoDelay?.(true) === 0 && serverHandle.setKeepAlive?.(true, Math.ceil(keepAliveMs / 1000)) === 0
  serverHandle.onconnection = (status, client) => {
    if (status !== 0 || client === undefined) {
      onError(new Error(`accept failed with status ${status}`))
      return
    }
    const wire = new NodeWire({ handle: client } as SocketConstructorOpts)
    if (!isInherited) {
      wire.socket.setNoDelay(true)
      wire.socket.setKeepAlive(true, keepAliveMs)
    }
    accept(wire)
  }
}

/** Undefined where the peer has gone before it could be asked for its address. */
function acceptedWire(wire: NodeWire): AcceptedWire | undefined {
  const { remoteAddress, remotePort } = wire.socket
  if (remoteAddress === undefined || remotePort === undefined) {
    wire.close()
    return undefined
  }
  const peer: Address = { host: normalizeHost(remoteAddress), port: remotePort }
  wire.peer = peer
  return wire as AcceptedWire & NodeWire
}

function listeningSocket(server: Server, { host, port }: Address): ListeningSocket {
  return {
    host,
    port,
    // The server's own callback may wait for its connections, which go on. Its handle is gone two turns after close().
    close: () =>
      new Promise((resolve) => {
        server.close()
        setImmediate(() => setImmediate(resolve))
      }),
  }
}
