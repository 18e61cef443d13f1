import { Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Address } from './address.js'
import { deaf } from './deaf.js'
import { LastWordsSocket } from './last-words-socket.js'
import { READ_BUFFER_BYTES, takeBack } from './read-buffer.js'
import { resetSocket } from './reset-socket.js'
import type { OnConnected } from './transport.js'
import type { Wire, WireReader } from './wire.js'
import { giveBlockBack, takeBlock } from './write-blocks.js'

const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)

/**
 * What is written is copied here first and a view of it handed to Node, because libuv keeps a pointer to what the kernel did not take:
 * a view of the read buffer would be overwritten under it. When something is left, the scratch is lent to the wire and a new one taken.
 */
let scratch = takeBlock()

const WIRE = Symbol('wire')
interface WireSocket extends Socket {
  [WIRE]: NodeWire
}

// Shared by all sockets: a listener of Node's emitters is called with the socket as `this`.
function onEnd(this: Socket): void {
  ;(this as WireSocket)[WIRE].ended()
}
function onError(this: Socket, error: NodeJS.ErrnoException): void {
  ;(this as WireSocket)[WIRE].broke(error)
}
function onDrain(this: Socket): void {
  ;(this as WireSocket)[WIRE].drained()
}
function onConnect(this: Socket): void {
  ;(this as WireSocket)[WIRE].connected()
}
function onClose(this: Socket): void {
  ;(this as WireSocket)[WIRE].wasClosed()
}
function onData(this: Socket, chunk: Uint8Array): void {
  ;(this as WireSocket)[WIRE].received(chunk)
}

/** A wire over one of Node's sockets: reads into the shared buffer, hands out borrowed chunks, copies before it writes. */
export class NodeWire implements Wire {
  readonly #socket: Socket
  #reader: WireReader = deaf
  #isPaused = false
  #hasEnded = false
  #isBlocked = false
  #isOver = false
  #isDetached = false
  /** What Node still writes from, back when it has drained. */
  #lentScratch: Uint8Array | undefined
  #onConnected: OnConnected | undefined
  #onClosed: (() => void) | undefined
  bytesRead = 0
  bytesWritten = 0
  /** Set by the transport on accepted wires. */
  peer: Address | undefined

  /**
   * `options` are those of a new socket, which will read into the shared buffer; or an existing socket, from which bytes come as
   * 'data' events (the documented way, for a Node where adopting a handle does not work).
   */
  constructor(options: SocketConstructorOpts | Socket) {
    if (options instanceof Socket) {
      this.#socket = options
      options.on('data', onData)
      options.resume()
    } else {
      const received = (length: number): boolean => this.#receivedInBuffer(length)
      // @types/node knows `onread` for connect() only; the socket's constructor takes it, and keeps it.
      this.#socket = new LastWordsSocket({
        ...options,
        allowHalfOpen: true,
        onread: { buffer: readBuffer, callback: received },
      } as SocketConstructorOpts)
    }
    ;(this.#socket as WireSocket)[WIRE] = this
    this.#socket.on('end', onEnd)
    this.#socket.on('error', onError)
    this.#socket.on('drain', onDrain)
    this.#socket.on('close', onClose)
  }

  /** The socket underneath, for the transport that made it. */
  get socket(): Socket {
    return this.#socket
  }

  /** The socket is about to connect: `callback` hears of it, or of the error. */
  whenConnected(callback: OnConnected): void {
    this.#onConnected = callback
    this.#socket.on('connect', onConnect)
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  get localHost(): string | undefined {
    return this.#socket.localAddress
  }

  get localPort(): number | undefined {
    return this.#socket.localPort
  }

  /** Undocumented, and there on Linux and macOS since long; without it nobody can ask the kernel about the socket. */
  get descriptor(): number | undefined {
    const fd = (this.#socket as unknown as { _handle?: { readonly fd?: number } | null })._handle?.fd
    return fd === undefined || fd < 0 ? undefined : fd
  }

  whenClosed(callback: () => void): void {
    this.#onClosed = callback
  }

  read(reader: WireReader): void {
    this.#reader = reader
  }

  write(chunk: Uint8Array): boolean {
    const socket = this.#socket
    if (this.#isOver || socket.writableEnded) return true
    this.bytesWritten += chunk.length
    if (socket.connecting || socket.writableLength > 0 || chunk.length > READ_BUFFER_BYTES) {
      socket.write(Buffer.from(chunk))
    } else {
      scratch.set(chunk)
      socket.write(scratch.subarray(0, chunk.length))
      if (socket.writableLength > 0) this.#lendScratch()
    }
    // Node asks to pause by size alone, also where the kernel took all of it.
    if (socket.writableLength === 0 || !socket.writableNeedDrain) return true
    this.#isBlocked = true
    return false
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  end(): void {
    if (this.#isOver) return
    // With nothing left to read or write, closing sends the same FIN and saves the shutdown.
    if (this.#hasEnded && this.#socket.writableLength === 0) this.close()
    else this.#socket.end()
  }

  reset(): void {
    if (this.#isOver) return
    this.#isOver = true
    resetSocket(this.#socket)
  }

  close(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  detach(): Duplex {
    const socket = this.#socket
    socket.pause()
    const held = this.#reader.onDetach?.()
    this.#isDetached = true
    this.#reader = deaf
    socket.off('end', onEnd).off('error', onError).off('drain', onDrain)
    if (held && held.length > 0) socket.unshift(Buffer.from(held))
    return socket
  }

  /** Node says 'drain' only after a write that filled its high-water mark: what a smaller one left is not heard of and stays lent. */
  #lendScratch(): void {
    // What stayed lent is free: a scratch is written from only where nothing waits.
    const free = this.#lentScratch ?? takeBlock()
    this.#lentScratch = scratch
    scratch = free
  }

  #receivedInBuffer(length: number): boolean {
    const chunk = readBuffer.subarray(0, length)
    if (this.#isDetached) return this.#socket.push(Buffer.from(chunk))
    this.received(chunk)
    takeBack(chunk)
    return true
  }

  received(chunk: Uint8Array): void {
    this.bytesRead += chunk.length
    try {
      this.#reader.onChunk(chunk)
    } catch (error) {
      this.#fail(error)
    }
  }

  ended(): void {
    if (this.#isOver) return
    this.#hasEnded = true
    try {
      this.#reader.onEnd()
    } catch (error) {
      this.#fail(error)
    }
  }

  drained(): void {
    if (this.#lentScratch !== undefined) {
      giveBlockBack(this.#lentScratch)
      this.#lentScratch = undefined
    }
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#reader.onDrain()
  }

  connected(): void {
    const onConnected = this.#onConnected
    this.#onConnected = undefined
    onConnected?.()
  }

  broke(error: NodeJS.ErrnoException): void {
    if (this.#isOver) return
    this.#isOver = true
    const onConnected = this.#onConnected
    this.#onConnected = undefined
    if (onConnected) onConnected(error)
    else this.#reader.onError(error)
  }

  wasClosed(): void {
    this.#isOver = true
    const onClosed = this.#onClosed
    // Node's handle lives on for a while: what it leads to need not.
    this.#onClosed = undefined
    this.#reader = deaf
    onClosed?.()
  }

  /** A throw in a socket's callback would end the process and leave the connection alive: end the connection instead. */
  #fail(error: unknown): void {
    const reader = this.#reader
    this.reset()
    // Without a code of its own: it is no error of the peer's.
    reader.onError(new Error(error instanceof Error ? error.message : String(error), { cause: error }))
  }
}
