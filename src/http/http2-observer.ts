import type { Observer, Watch } from '../core/observer.js'
import type { Side } from '../core/side.js'
import { Http2FrameReader } from '../protocols/http2/frame-reader.js'
import type { HttpExchange } from './http-exchange.js'
import type { ConnectionRecorder } from './http-recorder.js'
import { RequestHandler, ResponseHandler } from './http2-handlers.js'
import { Http2Streams } from './http2-streams.js'

export interface Http2ObserverOptions {
  /** Bytes of one header block, coded and decoded. */
  readonly maxHeadBytes: number
  /** Exchanges that may be open at once. */
  readonly maxStreams: number
}

/**
 * Writes down the exchanges of one HTTP/2 connection, frame by frame. Content is skipped; of gRPC only the prefixes of messages are
 * read. What cannot be followed for certain ends the observation, with a reason that is counted.
 */
export class Http2Observer implements Observer {
  readonly #recorder: ConnectionRecorder
  readonly #streams: Http2Streams
  readonly #client: Http2FrameReader
  readonly #server: Http2FrameReader
  readonly #skipped = { client: 0, server: 0 }
  #isDone = false

  constructor(recorder: ConnectionRecorder, options: Http2ObserverOptions) {
    this.#recorder = recorder
    this.#streams = new Http2Streams(recorder, options.maxStreams)
    this.#client = new Http2FrameReader(new RequestHandler(this.#streams), 'preface', options.maxHeadBytes)
    this.#server = new Http2FrameReader(new ResponseHandler(this.#streams), 'frame', options.maxHeadBytes)
  }

  /** RFC 7540 section 3.2: the HTTP/1 request that asked for the upgrade is answered on stream 1. */
  goOnWith(upgraded: HttpExchange): void {
    this.#streams.endRequest(this.#streams.begin(1, upgraded))
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    if (this.#isDone) return
    this.#recorder.beginTurn()
    const reader = side === 'client' ? this.#client : this.#server
    if (chunk.length === 0) reader.skip(this.#skipped[side])
    else reader.feed(chunk)
    const reason = reader.failure ?? (this.#streams.isTooMany ? 'streams-too-many' : undefined)
    if (reason !== undefined) return this.#stop(reason, watch)
    const { skippable } = reader
    if (skippable === 0) return
    this.#skipped[side] = skippable
    watch.skip(side, skippable)
  }

  onSkipCut(side: Side, missing: number): void {
    const reader = side === 'client' ? this.#client : this.#server
    reader.skip(this.#skipped[side] - missing)
  }

  onEnd(side: Side): void {
    if (this.#isDone || side === 'client') return
    this.#recorder.beginTurn()
    this.#server.end()
    this.#streams.settle()
  }

  onClose(): void {
    if (this.#isDone) return
    this.#recorder.beginTurn()
    this.#server.end()
    this.#client.end()
    this.#streams.close()
  }

  #stop(reason: string, watch: Watch): void {
    this.#isDone = true
    this.#recorder.stopped(reason)
    this.#streams.abandon()
    watch.done()
  }
}
