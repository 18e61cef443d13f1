/** Takes what was gathered. The bytes are borrowed. False: whoever brings more should pause. */
export interface GatherTarget {
  take(bytes: Uint8Array): boolean
}

/** As much as leaves in one write: a head with the content that came with it. Larger pieces go by themselves, uncopied. */
const GATHER_BYTES = 64 * 1024
/** A call of a native method costs as much as so many characters in a loop. */
const MAX_LOOPED_CHARACTERS = 48
/** Beyond this a piece of content is not worth a copy. */
const MAX_COPIED_BYTES = 16 * 1024

/**
 * Puts small pieces together, so that a message which came in one read leaves in one write. One for the whole process is enough: what
 * is gathered is handed over before the callback that brought it returns.
 */
export class Gather {
  readonly #buffer = Buffer.allocUnsafeSlow(GATHER_BYTES)
  #length = 0
  #target: GatherTarget | undefined
  #isTaken = true

  begin(target: GatherTarget): void {
    this.#target = target
    this.#length = 0
    this.#isTaken = true
  }

  bytes(chunk: Uint8Array, start: number, end: number): void {
    const count = end - start
    if (count > MAX_COPIED_BYTES || this.#length + count > GATHER_BYTES) this.#flush()
    if (count > MAX_COPIED_BYTES) this.#hand(chunk.subarray(start, end))
    else if (count > 0) {
      this.#buffer.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#length)
      this.#length += count
    }
  }

  /** Characters up to U+00FF, each as the byte of its number. */
  text(text: string): void {
    const count = text.length
    if (this.#length + count > GATHER_BYTES) this.#flush()
    if (count > GATHER_BYTES) this.#hand(Buffer.from(text, 'latin1'))
    else if (count > MAX_LOOPED_CHARACTERS) this.#length += this.#buffer.write(text, this.#length, 'latin1')
    else for (let i = 0; i < count; i++) this.#buffer[this.#length++] = text.charCodeAt(i)
  }

  /** RFC 9112 section 7.1: the size of a chunk, and its line's end. */
  chunkSize(size: number): void {
    if (this.#length + MAX_SIZE_LINE > GATHER_BYTES) this.#flush()
    let digits = 1
    for (let rest = size; rest > 15; rest = Math.floor(rest / 16)) digits++
    let rest = size
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      this.#buffer[at] = HEX.charCodeAt(rest % 16)
      rest = Math.floor(rest / 16)
    }
    this.#buffer[this.#length + digits] = 0x0d
    this.#buffer[this.#length + digits + 1] = 0x0a
    this.#length += digits + 2
  }

  /** Hands over the rest. False where something of all this was not taken at once. */
  end(): boolean {
    this.#flush()
    this.#target = undefined
    return this.#isTaken
  }

  #flush(): void {
    if (this.#length === 0) return
    const gathered = new Uint8Array(this.#buffer.buffer, 0, this.#length)
    this.#length = 0
    this.#hand(gathered)
  }

  #hand(bytes: Uint8Array): void {
    if (this.#target?.take(bytes) === false) this.#isTaken = false
  }
}

const HEX = '0123456789abcdef'
const MAX_SIZE_LINE = 16
