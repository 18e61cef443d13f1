const NOTHING = new Uint8Array(0)

/** Bytes that arrive at the end and leave at the start. Owned: what is appended is copied. Doubles, so that byte by byte stays linear. */
export class GrowingBuffer {
  #buffer: Uint8Array = NOTHING
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** The first `limit` bytes. Borrowed: valid until the next call that changes the buffer. */
  first(limit: number): Uint8Array {
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + limit))
  }

  append(chunk: Uint8Array): void {
    const needed = this.#end + chunk.length
    if (needed > this.#buffer.length) {
      // Most connections say what decides in one chunk: then the copy is exact.
      const grown = Buffer.allocUnsafe(this.#end === 0 ? needed : Math.max(needed, 2 * this.#buffer.length))
      grown.set(this.#buffer.subarray(0, this.#end))
      this.#buffer = grown
    }
    this.#buffer.set(chunk, this.#end)
    this.#end = needed
  }

  consume(count: number): void {
    if (count > this.length) throw new RangeError(`consume(${count}) of ${this.length} bytes`)
    this.#start += count
  }

  /** Everything, handed over: the buffer is empty afterwards. */
  take(): Uint8Array {
    const held = this.#buffer.subarray(this.#start, this.#end)
    this.#buffer = NOTHING
    this.#start = this.#end = 0
    return held
  }
}
