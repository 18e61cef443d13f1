import { CR, HEX_VALUE, isBlank, LF, SEMICOLON, SPACE, TAB } from './http1-characters.js'
import type { Http1Failure } from './http1-failure.js'

/** Bytes of extensions in one chunk's line: nothing known sends more than a signature of 100; nginx and node:http stop at 16 KiB. */
export const MAX_CHUNK_EXTENSION_BYTES = 4096

/** Digits of a chunk's size: as many as 64 bits have. Zeros before it count, or a client could send them for ever. */
export const MAX_CHUNK_SIZE_DIGITS = 16

type Step =
  | 'size-first' // at least one digit
  | 'size'
  | 'blank' // blanks after the size, then an extension
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'

/**
 * The chunked transfer coding, RFC 9112 section 7.1: chunk-size [chunk-ext] CRLF chunk-data CRLF, until a size of 0. Keeps numbers
 * only, whatever the cut. Line ends are CRLF and nothing else: here a lone LF is how two readers come to differ.
 */
export class ChunkedCoding {
  failure: Http1Failure | undefined
  /** Data bytes of this chunk that are still to come; 0 while its framing is read. */
  remaining = 0
  /** The last chunk's line has been read: trailers follow. */
  isLast = false
  #step: Step = 'size-first'
  #size = 0
  #digits = 0
  #extensionBytes = 0

  begin(): void {
    this.isLast = false
    this.remaining = 0
    this.#step = 'size-first'
  }

  /** Reads framing from `from` on: up to where data or trailers begin, or the chunk ends, or a failure. */
  read(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length && this.#step !== 'data' && !this.isLast) {
      this.failure = this.#readByte(chunk[at]!)
      if (this.failure !== undefined) return at
      at++
    }
    return at
  }

  /** That many bytes of data have passed. */
  take(count: number): void {
    this.remaining -= count
    if (this.remaining === 0) this.#step = 'data-cr'
  }

  #readByte(byte: number): Http1Failure | undefined {
    switch (this.#step) {
      case 'size-first':
        this.#size = this.#digits = this.#extensionBytes = 0
        this.#step = 'size'
        return HEX_VALUE[byte] === 255 ? 'invalid-chunk-size' : this.#readSize(byte)
      case 'size':
        return this.#readSize(byte)
      case 'blank':
      case 'extension':
        return this.#readExtension(byte)
      case 'size-lf':
        if (byte !== LF) return 'invalid-chunk-size'
        this.remaining = this.#size
        this.isLast = this.#size === 0
        this.#step = 'data'
        return undefined
      case 'data-cr':
        this.#step = 'data-lf'
        return byte === CR ? undefined : 'invalid-chunk-end'
      case 'data-lf':
        this.#step = 'size-first'
        return byte === LF ? undefined : 'invalid-chunk-end'
      case 'data':
        return undefined
    }
  }

  #readSize(byte: number): Http1Failure | undefined {
    const digit = HEX_VALUE[byte]!
    if (digit !== 255) {
      this.#size = this.#size * 16 + digit
      if (this.#size > Number.MAX_SAFE_INTEGER) return 'chunk-size-too-large'
      return ++this.#digits > MAX_CHUNK_SIZE_DIGITS ? 'chunk-size-too-long' : undefined
    }
    if (byte === CR) this.#step = 'size-lf'
    else if (byte === SEMICOLON) this.#step = 'extension'
    else if (isBlank(byte)) this.#step = 'blank'
    else return 'invalid-chunk-size'
    return undefined
  }

  /** RFC 9112 section 7.1.1. Extensions are passed over; blanks may stand before one, but not before the line's end. */
  #readExtension(byte: number): Http1Failure | undefined {
    if (++this.#extensionBytes > MAX_CHUNK_EXTENSION_BYTES) return 'chunk-extension-too-long'
    if (this.#step === 'blank') {
      if (byte === SEMICOLON) this.#step = 'extension'
      else if (!isBlank(byte)) return 'invalid-chunk-size'
    } else if (byte === CR) this.#step = 'size-lf'
    else if ((byte < SPACE && byte !== TAB) || byte === 0x7f) return 'invalid-chunk-extension'
    return undefined
  }
}
