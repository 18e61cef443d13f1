import { GrowingBuffer } from '../../core/growing-buffer.js'

/** Buffers that wait for the next request: as many as are under way at once in a busy moment. */
const MAX_SPARE = 64
/** A larger one is let go: most requests are a few hundred bytes. */
const MAX_SPARE_BYTES = 4 * 1024

/** Where requests under way are kept, so that they can be sent, or sent again. Buffers are used anew. */
export class KeptRequests {
  readonly #spare: GrowingBuffer[] = []

  take(): GrowingBuffer {
    return this.#spare.pop() ?? new GrowingBuffer()
  }

  /** Nobody may use the buffer afterwards. */
  giveBack(buffer: GrowingBuffer): void {
    if (this.#spare.length >= MAX_SPARE || buffer.capacity > MAX_SPARE_BYTES) return
    buffer.clear()
    this.#spare.push(buffer)
  }
}
