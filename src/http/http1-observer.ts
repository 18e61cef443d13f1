import { GrowingBuffer } from '../core/growing-buffer.js'
import type { Observer, Watch } from '../core/observer.js'
import type { Side } from '../core/side.js'
import { type AnsweredMethod, type Http1Handler, Http1Parser } from '../protocols/http1-framing.js'
import type { Http1Head } from '../protocols/http1-head.js'
import type { Http1Failure } from '../protocols/http1-failure.js'
import type { ConnectionRecorder } from './http-recorder.js'
import { Http1Exchanges } from './http1-exchanges.js'
import { Http2Observer } from './http2-observer.js'

/**
 * Bytes of a client that are kept while it is open whether its request makes a tunnel of the connection. A client that waits for
 * the answer, as it must, sends none; a replayed peek window holds at most as many.
 */
export const MAX_EARLY_BYTES = 16 * 1024

export interface Http1ObserverOptions {
  readonly maxHeadBytes: number
  /** Requests that may wait for their responses. */
  readonly maxPipelined: number
  /** Of a connection that goes on as HTTP/2: exchanges that may be open at once. */
  readonly maxStreams: number
}

/**
 * Writes down the exchanges of one HTTP/1 connection, also when it goes on as HTTP/2 (h2c).
 *
 * It must see the bytes of a side in their order, and a request before its response; with that it may be shown any number at
 * once, as in a replay. Content is skipped. What cannot be followed for certain ends the observation, with a reason that is
 * counted; requests that wait for a response then are not counted as failed.
 */
export class Http1Observer implements Observer {
  readonly #recorder: ConnectionRecorder
  readonly #options: Http1ObserverOptions
  readonly #exchanges: Http1Exchanges
  readonly #requests: Http1Parser
  readonly #responses: Http1Parser
  #early: GrowingBuffer | undefined
  #stopReason: string | undefined
  #isDone = false
  #hasServerEnded = false
  #skippedClient = 0
  #skippedServer = 0
  /** Once the connection has gone on as HTTP/2. */
  #http2: Http2Observer | undefined

  constructor(recorder: ConnectionRecorder, options: Http1ObserverOptions) {
    this.#recorder = recorder
    this.#options = options
    this.#exchanges = new Http1Exchanges(recorder, options.maxPipelined, () => this.#resumeRequests())
    this.#requests = new Http1Parser(
      'request',
      new RequestSide(this.#exchanges, () => this.#requests.bodyBytes),
      options,
    )
    this.#responses = new Http1Parser(
      'response',
      new ResponseSide(
        this.#exchanges,
        () => this.#responses.bodyBytes,
        () => this.#requests.bodyBytes,
      ),
      options,
    )
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    if (this.#http2) return this.#http2.onBytes(side, chunk, watch)
    this.#recorder.beginTurn()
    const taken = side === 'client' ? this.#onClientBytes(chunk) : this.#onServerBytes(chunk)
    if (this.#exchanges.tunnel === 'http/2') this.#goOnAsHttp2(chunk.subarray(taken), watch)
    else if (this.#isOver()) watch.done()
    else this.#skipContent(side, watch)
  }

  onSkipCut(side: Side, missing: number): void {
    if (this.#http2) return this.#http2.onSkipCut(side, missing)
    if (side === 'client') this.#requests.skip(this.#skippedClient - missing)
    else this.#responses.skip(this.#skippedServer - missing)
  }

  onEnd(side: Side): void {
    if (this.#http2) return this.#http2.onEnd(side)
    // A client that has said all it had still gets its answers.
    if (side === 'client') return
    this.#recorder.beginTurn()
    this.#hasServerEnded = true
    this.#responses.end()
    this.#exchanges.settle(this.#responses.bodyBytes, this.#requests.bodyBytes)
  }

  onClose(): void {
    if (this.#http2) return this.#http2.onClose()
    if (this.#isDone) return
    this.#recorder.beginTurn()
    this.#exchanges.settle(this.#responses.bodyBytes, this.#requests.bodyBytes)
  }

  /** Bytes of the chunk that were looked at. */
  #onClientBytes(chunk: Uint8Array): number {
    if (chunk.length > 0) return this.#feedRequests(chunk)
    this.#requests.skip(this.#skippedClient)
    return 0
  }

  #onServerBytes(chunk: Uint8Array): number {
    if (chunk.length > 0) return this.#responses.feed(chunk)
    this.#responses.skip(this.#skippedServer)
    return 0
  }

  #feedRequests(chunk: Uint8Array): number {
    const taken = this.#requests.feed(chunk)
    if (taken < chunk.length && this.#requests.state === 'awaiting-answer') this.#keepEarly(chunk.subarray(taken))
    return taken
  }

  /** Foreign bytes, or requests that come before their time: the answer tells, and then these bytes are looked at, or are not. */
  #keepEarly(bytes: Uint8Array): void {
    this.#early ??= new GrowingBuffer()
    if (this.#early.length + bytes.length > MAX_EARLY_BYTES) this.#stopReason = 'early-bytes-too-many'
    else this.#early.append(bytes)
  }

  #resumeRequests(): void {
    this.#requests.resume()
    const early = this.#takeEarly()
    if (early !== undefined) this.#feedRequests(early)
  }

  #takeEarly(): Uint8Array | undefined {
    const early = this.#early?.take()
    this.#early = undefined
    return early
  }

  /** The server has agreed to h2c: `rest` is what it says behind its 101; the client may have said its preface already. */
  #goOnAsHttp2(rest: Uint8Array, watch: Watch): void {
    this.#recorder.tunnel('upgrade')
    const { maxHeadBytes, maxStreams } = this.#options
    const http2 = (this.#http2 = new Http2Observer(this.#recorder, { maxHeadBytes, maxStreams }))
    http2.goOnWith(this.#exchanges.takeUpgraded())
    const early = this.#takeEarly()
    if (early !== undefined) http2.onBytes('client', early, watch)
    if (rest.length > 0) http2.onBytes('server', rest, watch)
  }

  #isOver(): boolean {
    this.#stopReason ??= this.#exchanges.isTooDeep
      ? 'pipeline-too-deep'
      : (this.#requests.failure ?? this.#responseFailure)
    if (this.#stopReason !== undefined) {
      this.#recorder.stopped(this.#stopReason)
      this.#exchanges.abandon()
    } else if (this.#exchanges.tunnel === undefined) return false
    else this.#recorder.tunnel(this.#exchanges.tunnel === 'connect' ? 'connect' : 'upgrade')
    this.#isDone = true
    return true
  }

  /** A server that has ended in the middle of a response has broken it, which is counted there; it has been followed to its end. */
  get #responseFailure(): Http1Failure | undefined {
    return this.#hasServerEnded ? undefined : this.#responses.failure
  }

  #skipContent(side: Side, watch: Watch): void {
    const skippable = side === 'client' ? this.#requests.skippable : this.#responses.skippable
    if (skippable === 0) return
    if (side === 'client') this.#skippedClient = skippable
    else this.#skippedServer = skippable
    watch.skip(side, skippable)
  }
}

class RequestSide implements Http1Handler {
  readonly #exchanges: Http1Exchanges
  readonly #bodyBytes: () => number

  constructor(exchanges: Http1Exchanges, bodyBytes: () => number) {
    this.#exchanges = exchanges
    this.#bodyBytes = bodyBytes
  }

  onHeadStart(): void {
    this.#exchanges.requestStarts()
  }

  onHead(head: Http1Head): void {
    this.#exchanges.requestHead(head)
  }

  onBody(): void {}

  onMessageEnd(): void {
    this.#exchanges.requestEnds(this.#bodyBytes())
  }
}

class ResponseSide implements Http1Handler {
  readonly #exchanges: Http1Exchanges
  readonly #bodyBytes: () => number
  readonly #requestBodyBytes: () => number

  constructor(exchanges: Http1Exchanges, bodyBytes: () => number, requestBodyBytes: () => number) {
    this.#exchanges = exchanges
    this.#bodyBytes = bodyBytes
    this.#requestBodyBytes = requestBodyBytes
  }

  onHeadStart(): void {}

  onHead(head: Http1Head): void {
    this.#exchanges.responseHead(head)
  }

  onBody(): void {
    this.#exchanges.responseContent()
  }

  onMessageEnd(): void {
    this.#exchanges.responseEnds(this.#bodyBytes(), this.#requestBodyBytes())
  }

  answeredMethod(): AnsweredMethod {
    return this.#exchanges.answeredMethod
  }
}
