import { createServer, type Server } from 'node:net'
import { type Address, normalizeHost } from '../address.js'
import { startListening } from '../start-listening.js'
import { systemError } from '../system-error.js'
import { noTransparentSockets, type TransparentSockets } from '../transparent-sockets.js'
import type {
  AcceptedWire,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  OnConnected,
  Transport,
} from '../transport.js'
import type { Wire } from '../wire.js'
import { NativeWire } from './native-wire.js'
import { type ReadySocket, type SocketPoller, throwLater, TRY_AGAIN } from './socket-poller.js'

/** Connections that one listening socket brings before it is the next socket's turn. */
const MAX_ACCEPTS = 64
/** How long a listening socket waits where the process or the machine has no descriptors left. */
const ACCEPT_PAUSE_MS = 100

/** Wires over sockets that are read and written past Node's streams. */
export class NativeTransport implements Transport {
  readonly #poller: SocketPoller
  readonly #transparentSockets: TransparentSockets

  constructor(poller: SocketPoller, transparentSockets: TransparentSockets = noTransparentSockets) {
    this.#poller = poller
    this.#transparentSockets = transparentSockets
  }

  /** Node binds and listens, with all its errors and ways of saying where; then its socket is taken over. */
  async listen(
    options: ListenOptions,
    onWire: (wire: AcceptedWire) => void,
    onError: (error: Error) => void,
  ): Promise<ListeningSocket> {
    const server = createServer()
    const address = await startListening(server, options, this.#transparentSockets)
    try {
      const listener = takeOver(this.#poller, server, secondsOf(options.keepAliveMs), { onWire, onError })
      return { ...address, close: () => listener.close() }
    } finally {
      server.close()
    }
  }

  connect({ host, port, keepAliveMs, from }: ConnectOptions, onConnected: OnConnected): Wire {
    const address = { host, port }
    let source: number
    try {
      source = from === undefined ? -1 : this.#transparentSockets.source(from)
    } catch (error) {
      return NativeWire.failing(this.#poller, error as NodeJS.ErrnoException, onConnected)
    }
    const { sockets } = this.#poller
    const descriptor = sockets.connect(host, port, source, secondsOf(keepAliveMs))
    if (descriptor < 0)
      return NativeWire.failing(this.#poller, systemError('connect', descriptor, address), onConnected)
    try {
      return new NativeWire(this.#poller, descriptor, { address, onConnected })
    } catch (error) {
      sockets.closeDescriptor(descriptor)
      return NativeWire.failing(this.#poller, error as NodeJS.ErrnoException, onConnected)
    }
  }
}

interface ListenerEvents {
  onWire(wire: AcceptedWire): void
  onError(error: Error): void
}

/** Node's own descriptor can be closed then: the socket goes on listening. */
function takeOver(
  poller: SocketPoller,
  server: Server,
  keepAliveSeconds: number,
  events: ListenerEvents,
): NativeListener {
  const descriptor = poller.sockets.shareListener(descriptorOf(server), keepAliveSeconds)
  if (descriptor < 0) throw systemError('dup', descriptor)
  try {
    return new NativeListener(poller, descriptor, events)
  } catch (error) {
    poller.sockets.closeDescriptor(descriptor)
    throw error
  }
}

/** Undocumented, and there on Linux since long. */
function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1
}

interface Accepted {
  readonly descriptor: number
  /** Undefined where it has gone already. */
  readonly peer: Address | undefined
}

/** A listening socket. */
class NativeListener implements ReadySocket {
  readonly #poller: SocketPoller
  readonly #descriptor: number
  readonly #events: ListenerEvents
  /** In this turn. */
  #accepted: Accepted[] = []
  /** Of an accept that failed in this turn. */
  #errno = 0
  #isClosed = false

  constructor(poller: SocketPoller, descriptor: number, events: ListenerEvents) {
    this.#poller = poller
    this.#descriptor = descriptor
    this.#events = events
    poller.watch(descriptor, this)
  }

  beforeReady(): void {
    const { sockets } = this.#poller
    for (let accepts = 0; accepts < MAX_ACCEPTS; accepts++) {
      const descriptor = sockets.accept(this.#descriptor)
      if (descriptor === TRY_AGAIN) return
      if (descriptor >= 0) this.#accepted.push({ descriptor, peer: sockets.acceptedPeer() })
      else this.#errno = descriptor
    }
    // Whoever came meanwhile is not told of again.
    if (this.#errno === 0) this.#goOn()
  }

  onReady(): void {
    const accepted = this.#accepted
    this.#accepted = []
    if (this.#errno !== 0) {
      const error = systemError('accept', this.#errno)
      this.#errno = 0
      // Nothing tells when there are descriptors again.
      setTimeout(() => this.#goOn(), ACCEPT_PAUSE_MS).unref()
      this.#events.onError(error)
    }
    for (const one of accepted) {
      try {
        this.#take(one)
      } catch (error) {
        throwLater(error)
      }
    }
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      // One that was passed in lives on in other processes: we would be woken for their connections.
      this.#poller.unwatch(this.#descriptor)
      this.#poller.sockets.closeDescriptor(this.#descriptor)
    }
    this.#isClosed = true
    for (const { descriptor } of this.#accepted) this.#poller.sockets.closeDescriptor(descriptor)
    this.#accepted = []
    return new Promise((resolve) => this.#poller.later(resolve))
  }

  #take({ descriptor, peer }: Accepted): void {
    const { sockets } = this.#poller
    if (this.#isClosed || peer === undefined) return sockets.closeDescriptor(descriptor)
    let wire: NativeWire
    try {
      wire = new NativeWire(this.#poller, descriptor)
    } catch (error) {
      sockets.closeDescriptor(descriptor)
      return this.#events.onError(error as Error)
    }
    wire.peer = { host: normalizeHost(peer.host), port: peer.port }
    this.#events.onWire(wire as AcceptedWire & NativeWire)
  }

  #goOn(): void {
    if (!this.#isClosed) this.#poller.watchAgain(this.#descriptor)
  }
}

function secondsOf(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}
