import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Address } from '../address.js'
import { deaf } from '../deaf.js'
import { READ_BUFFER_BYTES, takeBack } from '../read-buffer.js'
import { resetSocket } from '../reset-socket.js'
import { systemError } from '../system-error.js'
import type { OnConnected } from '../transport.js'
import type { Wire, WireReader } from '../wire.js'
import {
  BROKEN,
  HUNG_UP,
  PEER_ENDED,
  READABLE,
  type ReadySocket,
  type SocketPoller,
  TRY_AGAIN,
  URGENT,
  WRITABLE,
} from './socket-poller.js'
import { WriteQueue } from './write-queue.js'

/** Full reads of one socket before it is the next one's turn. */
const MAX_READS = 4

/** Where a wire is going that is not open yet. */
interface Opening {
  readonly address: Address
  readonly onConnected: OnConnected
}

/** A wire over a socket of the native transport: reads into the poller's buffer, writes at once, keeps what the kernel does not take. */
export class NativeWire implements Wire, ReadySocket {
  readonly #poller: SocketPoller
  #descriptor: number
  #opening: Opening | undefined
  #reader: WireReader = deaf
  #isPaused = false
  /** There may be more to read than the kernel will tell of by itself. */
  #isUnread = false
  #hasEnded = false
  /** `end` was called. */
  #isEnding = false
  /** FIN has been sent. */
  #isEndSent = false
  #isBlocked = false
  /** A write has failed: what has come is read before that is told. */
  #hasFailed = false
  #isOver = false
  #queue: WriteQueue | undefined
  #local: Address | undefined
  /** Closing and resetting still work once it has been given up. */
  #detached: Socket | undefined
  #onClosed: (() => void) | undefined
  bytesRead = 0
  bytesWritten = 0
  /** Set by the transport on accepted wires. */
  peer: Address | undefined

  /** Takes over the socket: one that was accepted, or one that is connecting. */
  constructor(poller: SocketPoller, descriptor: number, opening?: Opening) {
    this.#poller = poller
    this.#descriptor = descriptor
    this.#opening = opening
    if (descriptor >= 0) poller.watch(descriptor, this)
  }

  /** A wire that never opens: whoever asked for it hears so from a later turn, as of any other. */
  static failing(poller: SocketPoller, error: NodeJS.ErrnoException, onConnected: OnConnected): NativeWire {
    const wire = new NativeWire(poller, -1)
    poller.later(() => {
      if (wire.#isOver) return wire.wasClosed()
      wire.#isOver = true
      onConnected(error)
      wire.wasClosed()
    })
    return wire
  }

  get pendingBytes(): number {
    return this.#queue?.length ?? 0
  }

  get localHost(): string | undefined {
    return this.#localAddress()?.host
  }

  get localPort(): number | undefined {
    return this.#localAddress()?.port
  }

  get descriptor(): number | undefined {
    return this.#descriptor < 0 ? undefined : this.#descriptor
  }

  whenClosed(callback: () => void): void {
    this.#onClosed = callback
  }

  read(reader: WireReader): void {
    this.#reader = reader
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || this.#isEnding || this.#hasFailed || chunk.length === 0) return true
    this.bytesWritten += chunk.length
    let sent = 0
    if (this.#opening === undefined && this.pendingBytes === 0) {
      sent = this.#poller.sockets.send(this.#descriptor, chunk)
      if (sent === chunk.length) return true
      if (sent < 0) {
        if (sent !== TRY_AGAIN) {
          this.#writeFailed(sent)
          return true
        }
        sent = 0
      }
    }
    this.#queue ??= new WriteQueue()
    this.#queue.push(sent === 0 ? chunk : chunk.subarray(sent))
    this.#isBlocked = true
    return false
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (!this.#isUnread || this.#isOver) return
    this.#isUnread = false
    this.#poller.watchAgain(this.#descriptor)
  }

  end(): void {
    if (this.#isOver || this.#isEnding) return
    this.#isEnding = true
    if (this.#opening === undefined && this.pendingBytes === 0) this.#sendEnd()
  }

  reset(): void {
    if (this.#detached !== undefined) resetSocket(this.#detached)
    if (this.#isOver) return
    if (this.#opening !== undefined || this.#descriptor < 0) return this.close()
    this.#over()
    this.#poller.reset(this.#descriptor)
    this.#forgetDescriptor()
  }

  close(): void {
    this.#detached?.destroy()
    if (this.#isOver) return
    this.#over()
    // One that never opened is told of by whoever made it.
    if (this.#descriptor < 0) return
    this.#poller.close(this.#descriptor)
    this.#forgetDescriptor()
  }

  detach(): Duplex {
    const held = this.#reader.onDetach?.()
    // As of Node's own: whoever gets it sees that it is closed.
    if (this.#isOver) return new Socket().destroy()
    this.#isOver = true
    this.#reader = deaf
    const fd = this.#descriptor
    this.#localAddress()
    this.#poller.unwatch(fd)
    this.#descriptor = -1
    const socket = new Socket({ fd, allowHalfOpen: true, manualStart: true } as never)
    this.#detached = socket
    socket.pause()
    while (this.pendingBytes > 0) {
      const bytes = Buffer.from(this.#queue!.first)
      this.#queue!.shift(bytes.length)
      socket.write(bytes)
    }
    if (this.#isEnding) socket.end()
    if (held && held.length > 0) socket.unshift(Buffer.from(held))
    if (this.#hasEnded) socket.push(null)
    socket.on('close', () => this.wasClosed())
    return socket
  }

  onReady(flags: number): void {
    if (this.#opening !== undefined) this.#opened(this.#opening, (flags & (BROKEN | HUNG_UP)) !== 0)
    if (this.#isOver) return
    // The kernel ends a read before an urgent byte, whatever is behind it.
    const hasMore = (flags & (PEER_ENDED | BROKEN | HUNG_UP | URGENT)) !== 0
    if (hasMore || (flags & READABLE) !== 0) this.#readable(hasMore)
    if (this.#isOver) return
    if (this.#isPaused && !this.#hasFailed && (flags & BROKEN) !== 0) this.#reader.onBreak?.()
    if (this.pendingBytes > 0 && (flags & (WRITABLE | BROKEN | HUNG_UP)) !== 0) this.#flush()
  }

  wasClosed(): void {
    const onClosed = this.#onClosed
    this.#onClosed = undefined
    this.#reader = deaf
    onClosed?.()
  }

  #opened({ address, onConnected }: Opening, hasFailed: boolean): void {
    this.#opening = undefined
    const errno = hasFailed ? this.#poller.sockets.connectError(this.#descriptor) : 0
    if (errno < 0) {
      this.close()
      return onConnected(systemError('connect', errno, address))
    }
    onConnected()
    if (this.#isOver) return
    if (this.pendingBytes > 0) this.#flush()
    else if (this.#isEnding && !this.#isEndSent) this.#sendEnd()
  }

  /** `hasMore`: something may stand behind what one read brings. */
  #readable(hasMore: boolean): void {
    if (this.#hasEnded || this.#hasFailed) return
    if (this.#isPaused) {
      this.#isUnread = true
      return
    }
    for (let reads = 0; reads < MAX_READS; reads++) {
      const length = this.#poller.sockets.receive(this.#descriptor)
      if (length <= 0) return this.#readNothing(length)
      this.#received(length)
      if (this.#isOver) return
      // Less than was asked for is all there was: what comes next is told of.
      const isAll = length < READ_BUFFER_BYTES && !hasMore
      if (this.#isPaused) this.#isUnread = !isAll
      if (this.#isPaused || isAll) return
    }
    this.#poller.watchAgain(this.#descriptor)
  }

  #readNothing(result: number): void {
    if (result === 0) this.#ended()
    else if (result !== TRY_AGAIN) this.#broke(systemError('read', result))
  }

  #received(length: number): void {
    const chunk = this.#poller.readBuffer.subarray(0, length)
    this.bytesRead += length
    try {
      this.#reader.onChunk(chunk)
    } catch (error) {
      this.#fail(error)
    }
    takeBack(chunk)
  }

  #ended(): void {
    this.#hasEnded = true
    try {
      this.#reader.onEnd()
    } catch (error) {
      this.#fail(error)
    }
    if (this.#isEndSent) this.close()
  }

  #flush(): void {
    const queue = this.#queue!
    while (queue.length > 0) {
      const { first } = queue
      const sent = this.#poller.sockets.send(this.#descriptor, first)
      if (sent === TRY_AGAIN) return
      if (sent < 0) return this.#writeFailed(sent)
      queue.shift(sent)
      if (sent < first.length) return
    }
    if (this.#isEnding) this.#sendEnd()
    if (!this.#isBlocked) return
    this.#isBlocked = false
    if (!this.#isEnding) this.#reader.onDrain()
  }

  #sendEnd(): void {
    this.#isEndSent = true
    // With nothing left to read or write, closing sends the same FIN and saves the shutdown.
    if (this.#hasEnded) this.close()
    else this.#poller.sockets.endWriting(this.#descriptor)
  }

  /**
   * A server may answer a request that it does not read to its end (a 413) and close: the kernel then resets the connection and the next
   * write fails. Linux still gives what has come to who reads: so it is read before the error is told, if reading is not paused.
   */
  #writeFailed(errno: number): void {
    this.#hasFailed = true
    this.#queue?.clear()
    this.#poller.later(() => this.#lastWords(systemError('write', errno)))
  }

  #lastWords(error: NodeJS.ErrnoException): void {
    while (!this.#isOver && !this.#isPaused && !this.#hasEnded) {
      const length = this.#poller.sockets.receive(this.#descriptor)
      // An end behind a reset is none to go by.
      if (length <= 0) break
      this.#received(length)
    }
    if (!this.#isOver) this.#broke(error)
  }

  #broke(error: NodeJS.ErrnoException): void {
    const reader = this.#reader
    this.close()
    reader.onError(error)
  }

  /** A throw in a reader ends its connection, and no other. */
  #fail(error: unknown): void {
    const reader = this.#reader
    this.reset()
    // Without a code of its own: it is no error of the peer's.
    reader.onError(new Error(error instanceof Error ? error.message : String(error), { cause: error }))
  }

  #over(): void {
    this.#isOver = true
    this.#queue?.clear()
  }

  #forgetDescriptor(): void {
    this.#descriptor = -1
    this.#poller.later(() => this.wasClosed())
  }

  #localAddress(): Address | undefined {
    if (this.#local === undefined && this.#descriptor >= 0)
      this.#local = this.#poller.sockets.localAddress(this.#descriptor)
    return this.#local
  }
}
