const LINE_FEED = 0x0a

/** One line of a stream, counted from 1, without its line feed. `bytes` is undefined where it was longer than the bound. */
export interface BoundedLine {
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

/** Cuts a stream into lines as they come; the last one may lack its line feed. Holds no more than one line of `maxBytes`. */
export async function* boundedLines(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<BoundedLine> {
  const line = new LineUnderWay(maxBytes)
  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end))
      yield line.take()
      start = end + 1
    }
    line.add(chunk.subarray(start))
  }
  if (!line.isEmpty) yield line.take()
}

class LineUnderWay {
  readonly #maxBytes: number
  #pieces: Uint8Array[] = []
  #size = 0
  #number = 1

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  add(piece: Uint8Array): void {
    this.#size += piece.length
    if (this.#size > this.#maxBytes) this.#pieces = []
    else this.#pieces.push(piece)
  }

  take(): BoundedLine {
    const bytes = this.#size > this.#maxBytes ? undefined : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#size = 0
    return { number: this.#number++, bytes }
  }
}
