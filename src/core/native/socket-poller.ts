import { constants } from 'node:os'
import { READ_BUFFER_BYTES } from '../read-buffer.js'
import { systemError } from '../system-error.js'
import type { NativeSockets } from './native-sockets.js'

/** Of Linux's `sys/epoll.h`. */
export const READABLE = 0x1
export const URGENT = 0x2
export const WRITABLE = 0x4
export const BROKEN = 0x8
export const HUNG_UP = 0x10
export const PEER_ENDED = 0x2000

/** Negated, as the native calls give it. */
export const TRY_AGAIN = -constants.errno.EAGAIN

/** As many sockets as one call tells of, and how much it says of each. */
const MAX_READY = 256
const READY_NUMBERS = 3

/** Whoever has a socket that is watched. */
export interface ReadySocket {
  /**
   * Called on all sockets of a turn before `onReady` is on any: a listening socket takes what waits, so that nobody in this turn is
   * taken for a client whom somebody in this turn has connected to us.
   */
  beforeReady?(): void
  /** What has changed, as flags. A hint: another socket's owner may have acted in between. */
  onReady(flags: number): void
}

interface Watched {
  readonly socket: ReadySocket
  readonly generation: number
}

/** Tells sockets of one process what is ready, many in one turn. There is one in a process. */
export class SocketPoller {
  readonly sockets: NativeSockets
  /** What `receive` reads into: handed on before the next socket is read. */
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
  readonly #ready = new Int32Array(MAX_READY * READY_NUMBERS)
  /** By descriptor: small numbers, used again by the kernel as soon as they are free. */
  readonly #watched: (Watched | undefined)[] = []
  #count = 0
  #generation = 0
  /** Closed in this turn: told so in a later one, whoever closed them. */
  #closed: (() => void)[] = []

  /** Throws the system's error where there can be none. */
  constructor(sockets: NativeSockets) {
    this.sockets = sockets
    const result = sockets.openPoller(this.readBuffer, this.#ready, (count) => this.#tell(count))
    if (result < 0) throw systemError('epoll_create', result)
  }

  /** Takes over the socket. Throws the system's error where it cannot be watched: the descriptor is the caller's then. */
  watch(descriptor: number, socket: ReadySocket): void {
    // Within 31 bits: it comes back as a signed number.
    this.#generation = (this.#generation + 1) & 0x7fffffff
    const result = this.sockets.watch(descriptor, this.#generation)
    if (result < 0) throw systemError('epoll_ctl', result)
    while (this.#watched.length <= descriptor) this.#watched.push(undefined)
    this.#watched[descriptor] = { socket, generation: this.#generation }
    if (this.#count++ === 0) this.sockets.keepAlive(true)
  }

  /** Tells in a later turn what is so by then, whether it has changed or not. */
  watchAgain(descriptor: number): void {
    const watched = this.#watched[descriptor]
    if (watched !== undefined) this.sockets.watchAgain(descriptor, watched.generation)
  }

  /** The socket is not told of any more; the descriptor stays open. */
  unwatch(descriptor: number): void {
    this.sockets.unwatch(descriptor)
    this.#forget(descriptor)
  }

  close(descriptor: number): void {
    this.#forget(descriptor)
    this.sockets.closeSocket(descriptor)
  }

  /** Closes it with RST. */
  reset(descriptor: number): void {
    this.#forget(descriptor)
    this.sockets.resetSocket(descriptor)
  }

  /** Calls in a later turn, before timers and sockets of the one after it. */
  later(callback: () => void): void {
    if (this.#closed.push(callback) === 1) setImmediate(() => this.#runLater())
  }

  #runLater(): void {
    const callbacks = this.#closed
    this.#closed = []
    for (const callback of callbacks) runSafely(callback)
  }

  #forget(descriptor: number): void {
    if (this.#watched[descriptor] === undefined) return
    this.#watched[descriptor] = undefined
    if (--this.#count === 0) this.sockets.keepAlive(false)
  }

  #tell(count: number): void {
    const ready = this.#ready
    for (let at = 0; at < count * READY_NUMBERS; at += READY_NUMBERS) this.#watched[ready[at]!]?.socket.beforeReady?.()
    for (let at = 0; at < count * READY_NUMBERS; at += READY_NUMBERS) {
      const watched = this.#watched[ready[at]!]
      // A descriptor that was closed in this turn may be another socket's by now.
      if (watched === undefined || watched.generation !== ready[at + 1]) continue
      try {
        watched.socket.onReady(ready[at + 2]!)
      } catch (error) {
        throwLater(error)
        // It may not have done all there was to do, and would not be told of it again.
        this.watchAgain(ready[at]!)
      }
    }
  }
}

function runSafely(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    throwLater(error)
  }
}

/** As an uncaught exception, once the other sockets have been told: nobody would tell them again. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
