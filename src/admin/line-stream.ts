import type { IncomingMessage, ServerResponse } from 'node:http'
import { jsonLine } from './json-line.js'

/** What may wait for a reader that is slower than the requests come: some hundreds of lines. */
export const MAX_PENDING_BYTES = 256 * 1024
/** Streams that may be open at once. Each makes every request of its listeners cost a few microseconds more. */
export const MAX_STREAMS = 8

const CONTENT_TYPE = 'application/x-ndjson; charset=utf-8'

/** An answer that goes on: lines of JSON. */
export interface LineSource {
  /** Called once. Says its lines from now on, until the function that it returns is called. */
  start(sink: LineSink): () => void
}

export interface LineSink {
  /** False: the reader is too slow, and the line was dropped; it will be told how many were. */
  write(value: object): boolean
  /** There is no more to say. */
  end(): void
}

/** The streams that are open on one admin endpoint. A slow reader costs lines, never memory. */
export class LineStreams {
  readonly #open = new Set<LineStream>()

  get isFull(): boolean {
    return this.#open.size >= MAX_STREAMS
  }

  open(request: IncomingMessage, response: ServerResponse, source: LineSource): void {
    response.writeHead(200, {
      'content-type': CONTENT_TYPE,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    })
    if (request.method === 'HEAD') return void response.end()
    // Whoever asked knows from here on that nothing escapes it.
    response.flushHeaders()
    const stream = new LineStream(response)
    this.#open.add(stream)
    const stop = source.start(stream)
    response.once('close', () => {
      this.#open.delete(stream)
      stop()
    })
  }

  /** Ends them all, each with what has been said. */
  end(): void {
    for (const stream of this.#open) stream.end()
  }
}

class LineStream implements LineSink {
  readonly #response: ServerResponse
  #dropped = 0
  #isOver = false

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('drain', () => this.#tellDropped())
    // Silence is no reason to end a stream (that is what the endpoint's timeout would do); a reader that takes nothing is.
    response.on('timeout', () => {
      if (response.writableLength > 0) response.destroy()
    })
  }

  write(value: object): boolean {
    if (this.#isOver) return false
    if (this.#response.writableLength > MAX_PENDING_BYTES) {
      this.#dropped++
      return false
    }
    this.#tellDropped()
    this.#response.write(jsonLine(value))
    return true
  }

  end(): void {
    if (this.#isOver) return
    this.#tellDropped()
    this.#isOver = true
    this.#response.end()
  }

  #tellDropped(): void {
    if (this.#dropped === 0 || this.#isOver) return
    this.#response.write(jsonLine({ dropped: this.#dropped }))
    this.#dropped = 0
  }
}
