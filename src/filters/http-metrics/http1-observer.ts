import type { Clock } from '../../core/clock.js'
import { GrowingBuffer } from '../../core/growing-buffer.js'
import type { Observer, Watch } from '../../core/observer.js'
import type { Side } from '../../core/side.js'
import { type AnsweredMethod, type Http1Handler, Http1Parser } from '../../protocols/http1-framing.js'
import type { Http1Head } from '../../protocols/http1-head.js'
import { Exchanges } from './exchanges.js'
import type { HttpMetricCells, StopReason } from './http-metric-cells.js'
import type { HttpSeen } from './http-seen.js'

/**
 * Bytes of a client that are kept while it is open whether its request makes a tunnel of the connection. A client that waits for
 * the answer, as it must, sends none; a replayed peek window holds at most as many.
 */
export const MAX_EARLY_BYTES = 16 * 1024

export interface Http1ObserverOptions {
  readonly maxHeadBytes: number
  /** Requests that may wait for their responses. */
  readonly maxPipelined: number
}

/**
 * Counts the requests and responses of one HTTP/1 connection.
 *
 * It must see the bytes of a side in their order, and a request before its response; with that it may be shown any number at
 * once, as in a replay. Content is skipped. What cannot be followed for certain ends the observation, with a reason that is
 * counted; requests that wait for a response then are not counted as failed.
 */
export class Http1Observer implements Observer {
  readonly #cells: HttpMetricCells
  readonly #exchanges: Exchanges
  readonly #requests: Http1Parser
  readonly #responses: Http1Parser
  #early: GrowingBuffer | undefined
  #stopReason: StopReason | undefined
  #isDone = false
  #skippedClient = 0
  #skippedServer = 0

  constructor(cells: HttpMetricCells, targetPort: number, seen: HttpSeen, clock: Clock, options: Http1ObserverOptions) {
    this.#cells = cells
    this.#exchanges = new Exchanges(cells, targetPort, seen, clock, options.maxPipelined, () => this.#resumeRequests())
    this.#requests = new Http1Parser('request', new RequestSide(this.#exchanges), options)
    this.#responses = new Http1Parser('response', new ResponseSide(this.#exchanges), options)
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    this.#exchanges.beginTurn()
    if (side === 'client') this.#onClientBytes(chunk)
    else this.#onServerBytes(chunk)
    if (this.#isOver()) watch.done()
    else this.#skipContent(side, watch)
  }

  onEnd(side: Side): void {
    // A client that has said all it had still gets its answers.
    if (side === 'client') return
    this.#exchanges.beginTurn()
    this.#responses.end()
    this.#exchanges.settle()
  }

  onClose(): void {
    if (!this.#isDone) this.#exchanges.settle()
  }

  #onClientBytes(chunk: Uint8Array): void {
    if (chunk.length === 0) this.#requests.skip(this.#skippedClient)
    else this.#feedRequests(chunk)
  }

  #onServerBytes(chunk: Uint8Array): void {
    if (chunk.length === 0) this.#responses.skip(this.#skippedServer)
    else this.#responses.feed(chunk)
  }

  #feedRequests(chunk: Uint8Array): void {
    const taken = this.#requests.feed(chunk)
    if (taken < chunk.length && this.#requests.state === 'awaiting-answer') this.#keepEarly(chunk.subarray(taken))
  }

  /** Foreign bytes, or requests that come before their time: the answer tells, and then these bytes are looked at, or are not. */
  #keepEarly(bytes: Uint8Array): void {
    this.#early ??= new GrowingBuffer()
    if (this.#early.length + bytes.length > MAX_EARLY_BYTES) this.#stopReason = 'early-bytes-too-many'
    else this.#early.append(bytes)
  }

  #resumeRequests(): void {
    this.#requests.resume()
    const early = this.#early?.take()
    this.#early = undefined
    if (early !== undefined) this.#feedRequests(early)
  }

  #isOver(): boolean {
    this.#stopReason ??= this.#exchanges.isTooDeep
      ? 'pipeline-too-deep'
      : (this.#requests.failure ?? this.#responses.failure)
    if (this.#stopReason !== undefined) this.#cells.countStopped(this.#stopReason)
    else if (this.#exchanges.tunnel !== undefined) this.#cells.countTunnel(this.#exchanges.tunnel)
    else return false
    this.#isDone = true
    return true
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
  readonly #exchanges: Exchanges

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges
  }

  onHeadStart(): void {
    this.#exchanges.requestStarts()
  }

  onHead(head: Http1Head): void {
    this.#exchanges.requestHead(head)
  }

  onBody(): void {}

  onMessageEnd(): void {}
}

class ResponseSide implements Http1Handler {
  readonly #exchanges: Exchanges

  constructor(exchanges: Exchanges) {
    this.#exchanges = exchanges
  }

  onHeadStart(): void {}

  onHead(head: Http1Head): void {
    this.#exchanges.responseHead(head)
  }

  onBody(): void {
    this.#exchanges.responseContent()
  }

  onMessageEnd(): void {
    this.#exchanges.responseEnds()
  }

  answeredMethod(): AnsweredMethod {
    return this.#exchanges.answeredMethod
  }
}
