import type { Duplex } from 'node:stream'
import type { Address } from '../core/address.js'
import { deaf } from '../core/deaf.js'
import type { AcceptedWire } from '../core/transport.js'
import type { WireReader } from '../core/wire.js'
import { WireDuplex } from './wire-duplex.js'

/** A wire takes so many bytes that its peer has not read; from there on `write` says false. Small, so that tests reach it. */
export const WIRE_CAPACITY_BYTES = 16 * 1024

/** What a chunk becomes when `onChunk` has returned: who kept it, finds this. */
const POISON = 0xa5

/**
 * One end of a connection that lives in memory. Keeps the contract of `Wire` to the letter: everything arrives in a later turn of the
 * event loop, each write as one chunk, and a chunk is overwritten as soon as its callback has returned. Until it is given a reader it
 * keeps what arrives.
 */
export class MemoryWire implements AcceptedWire {
  readonly peer: Address
  readonly localHost: string
  readonly localPort: number
  bytesRead = 0
  bytesWritten = 0
  #other!: MemoryWire
  #reader: WireReader | undefined
  /** Written by the other end, not read yet. */
  readonly #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #isEndNext = false
  #isPaused = false
  #isTurnAsked = false
  #isBlocked = false
  #hasEnded = false
  #hasHeardEnd = false
  #isOver = false
  #isClosed = false
  #onClosed: (() => void) | undefined

  constructor(local: Address, peer: Address) {
    this.peer = peer
    this.localHost = local.host
    this.localPort = local.port
  }

  /** Makes `one` and `other` the two ends of one connection. */
  static join(one: MemoryWire, other: MemoryWire): void {
    one.#other = other
    other.#other = one
  }

  whenClosed(callback: () => void): void {
    this.#onClosed = callback
  }

  /** Nothing more comes, and nothing that is written arrives: both halves have ended, or it was reset or closed. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** What lies beyond the capacity of the other end: a kernel would not have taken it. */
  get pendingBytes(): number {
    return Math.max(0, this.#other.#inboxBytes - WIRE_CAPACITY_BYTES)
  }

  read(reader: WireReader): void {
    this.#reader = reader
    this.#askForTurn()
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || this.#hasEnded) return true
    this.bytesWritten += chunk.length
    const isTaken = this.#other.#take(chunk)
    if (!isTaken) this.#isBlocked = true
    return isTaken
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#askForTurn()
  }

  end(): void {
    if (this.#isOver || this.#hasEnded) return
    this.#hasEnded = true
    this.#other.#takeEnd()
    this.#closeIfBothEnded()
  }

  reset(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#forget()
    this.#other.#takeReset()
    this.#closeSoon()
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#forget()
    if (!this.#hasEnded) this.#other.#takeEnd()
    this.#closeSoon()
  }

  detach(): Duplex {
    const held = this.#reader?.onDetach?.()
    const duplex = new WireDuplex(this)
    this.#isPaused = true
    if (held && held.length > 0) duplex.push(Buffer.from(held))
    this.read(duplex.reader)
    return duplex
  }

  /** The other end has written. False: no more, until this end has read. */
  #take(chunk: Uint8Array): boolean {
    if (this.#isOver) {
      this.#other.#takeReset() // as a kernel answers what comes for a closed socket
      return true
    }
    if (chunk.length === 0) return true
    this.#inbox.push(Uint8Array.from(chunk))
    this.#inboxBytes += chunk.length
    this.#askForTurn()
    return this.#inboxBytes <= WIRE_CAPACITY_BYTES
  }

  #takeEnd(): void {
    this.#isEndNext = true
    this.#askForTurn()
  }

  /** A reset overtakes what was not read. */
  #takeReset(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#forget()
    setImmediate(() => {
      this.#reader?.onError(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }))
      this.#close()
    })
  }

  #askForTurn(): void {
    if (this.#isTurnAsked || this.#reader === undefined || this.#isPaused) return
    this.#isTurnAsked = true
    setImmediate(() => {
      this.#isTurnAsked = false
      this.#deliver()
    })
  }

  #deliver(): void {
    if (this.#isOver || this.#isPaused || this.#reader === undefined) return
    const chunk = this.#inbox.shift()
    if (chunk !== undefined) {
      this.#inboxBytes -= chunk.length
      this.bytesRead += chunk.length
      this.#call((reader) => reader.onChunk(chunk))
      chunk.fill(POISON)
      if (this.#inboxBytes === 0) this.#other.#drained()
      this.#askForTurn()
    } else if (this.#isEndNext && !this.#hasHeardEnd) {
      this.#hasHeardEnd = true
      this.#call((reader) => reader.onEnd())
      this.#closeIfBothEnded()
    }
  }

  #drained(): void {
    if (!this.#isBlocked || this.#isOver) return
    this.#isBlocked = false
    this.#call((reader) => reader.onDrain())
  }

  /** A throw ends this connection, as it does on a socket. */
  #call(tell: (reader: WireReader) => void): void {
    const reader = this.#reader ?? deaf
    try {
      tell(reader)
    } catch (error) {
      this.reset()
      reader.onError(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #closeIfBothEnded(): void {
    if (!this.#hasEnded || !this.#hasHeardEnd || this.#isOver) return
    this.#isOver = true
    this.#closeSoon()
  }

  #closeSoon(): void {
    setImmediate(() => this.#close())
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const onClosed = this.#onClosed
    this.#reader = deaf
    this.#onClosed = undefined
    onClosed?.()
  }

  #forget(): void {
    this.#inbox.length = 0
    this.#inboxBytes = 0
  }
}
