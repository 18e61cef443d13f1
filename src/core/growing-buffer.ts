const NOTHING = new Uint8Array(0)

/** Bytes that arrive at the end and leave at the start. Owned: what is appended is copied. Doubles, so that byte by byte stays linear. */
export class GrowingBuffer {
  #buffer: Uint8Array = NOTHING
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** Bytes that it holds memory for. */
  get capacity(): number {
    return this.#buffer.length
  }

  /** The first `limit` bytes. Borrowed: valid until the next call that changes the buffer. */
  first(limit: number): Uint8Array {
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + limit))
  }

  append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length)
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  consume(count: number): void {
    if (count > this.length) throw new RangeError(`consume(${count}) of ${this.length} bytes`)
    this.#start += count
    if (this.#start === this.#end) this.#start = this.#end = 0
  }

  /** Forgets everything, and keeps the memory. */
  clear(): void {
    this.#start = this.#end = 0
  }

  /** Everything, handed over: the buffer is empty afterwards. */
  take(): Uint8Array {
    const held = this.#buffer.subarray(this.#start, this.#end)
    this.#buffer = NOTHING
    this.#start = this.#end = 0
    return held
  }

  /** Moves what is held to the beginning, of a larger buffer where this one is too small or mostly full. */
  #makeRoom(count: number): void {
    const { length } = this
    const needed = length + count
    const isRoomy = needed <= this.#buffer.length && this.#start >= this.#buffer.length / 2
    // Most connections say what decides in one chunk: then the copy is exact.
    const target = isRoomy ? this.#buffer : Buffer.allocUnsafe(length === 0 ? needed : Math.max(needed, 2 * length))
    target.set(this.#buffer.subarray(this.#start, this.#end))
    this.#buffer = target
    this.#start = 0
    this.#end = length
  }
}
