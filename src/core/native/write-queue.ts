import { giveBlockBack, takeBlock } from '../write-blocks.js'

/** What is left of a smaller write is copied by itself: a block would be mostly empty. */
const MIN_BLOCK_BYTES = 16 * 1024

interface Piece {
  readonly bytes: Uint8Array
  start: number
  end: number
  readonly isBlock: boolean
}

/** Bytes that the kernel did not take, in their order. */
export class WriteQueue {
  readonly #pieces: Piece[] = []
  length = 0

  /** Copies: the chunk is the caller's again. */
  push(chunk: Uint8Array): void {
    this.length += chunk.length
    let rest = chunk
    const last = this.#pieces.at(-1)
    if (last?.isBlock) rest = rest.subarray(fill(last, rest))
    while (rest.length > 0) {
      const isBlock = rest.length >= MIN_BLOCK_BYTES
      const bytes = isBlock ? takeBlock() : Buffer.from(rest)
      const piece = { bytes, start: 0, end: isBlock ? 0 : rest.length, isBlock }
      this.#pieces.push(piece)
      if (!isBlock) return
      rest = rest.subarray(fill(piece, rest))
    }
  }

  /** Some of the bytes that leave next, as many as are in one place. Borrowed until `shift` or `push`. */
  get first(): Uint8Array {
    const { bytes, start, end } = this.#pieces[0]!
    return bytes.subarray(start, end)
  }

  /** So many of `first` have left. */
  shift(count: number): void {
    const piece = this.#pieces[0]!
    piece.start += count
    this.length -= count
    if (piece.start === piece.end) this.#drop()
  }

  clear(): void {
    this.length = 0
    while (this.#pieces.length > 0) this.#drop()
  }

  #drop(): void {
    const { bytes, isBlock } = this.#pieces.shift()!
    if (isBlock) giveBlockBack(bytes)
  }
}

/** How many bytes had room. */
function fill(piece: Piece, chunk: Uint8Array): number {
  const count = Math.min(chunk.length, piece.bytes.length - piece.end)
  piece.bytes.set(count === chunk.length ? chunk : chunk.subarray(0, count), piece.end)
  piece.end += count
  return count
}
