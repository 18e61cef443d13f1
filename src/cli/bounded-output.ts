import type { Output } from './cli-io.js'

/** What may wait for a reader that is slower than we write: some thousands of lines. */
const MAX_PENDING_BYTES = 1024 * 1024

/** The part of a process's stream that is needed here. */
export interface PendingStream {
  readonly writableLength: number
  write(text: string, callback?: () => void): boolean
}

/** Standard output or error. A slow reader costs lines, never memory: what was dropped is counted and said. */
export class BoundedOutput implements Output {
  readonly #stream: PendingStream
  readonly #maxPendingBytes: number
  readonly #describeDrops: (count: number) => string
  #dropped = 0

  constructor(stream: PendingStream, describeDrops: (count: number) => string, maxPendingBytes = MAX_PENDING_BYTES) {
    this.#stream = stream
    this.#describeDrops = describeDrops
    this.#maxPendingBytes = maxPendingBytes
  }

  write(text: string): void {
    if (this.#stream.writableLength > this.#maxPendingBytes) {
      this.#dropped++
      return
    }
    if (this.#dropped > 0) {
      this.#stream.write(this.#describeDrops(this.#dropped))
      this.#dropped = 0
    }
    this.#stream.write(text)
  }

  /** Settles when everything has been written. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#stream.write('', () => resolve()))
  }
}
