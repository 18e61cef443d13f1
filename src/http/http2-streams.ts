import { http2ErrorName } from '../protocols/http2/error-codes.js'
import { GrpcMessages } from './grpc-messages.js'
import { grpcStatusOfHttp } from './grpc-status.js'
import type { HttpExchange } from './http-exchange.js'
import type { ConnectionRecorder } from './http-recorder.js'

/** An exchange on an HTTP/2 stream. */
export interface Http2Stream {
  readonly id: number
  readonly exchange: HttpExchange
  /** Of gRPC calls. */
  readonly requestMessages: GrpcMessages | undefined
  readonly responseMessages: GrpcMessages | undefined
  isRequestOver: boolean
  /** The exchange has been written down. */
  isResponseOver: boolean
  /** Bytes of the request's content when it was. */
  writtenRequestBytes: number
}

/** What a server that goes away did with streams that it did not get to: RFC 9113 section 6.8. */
const REFUSED_STREAM = 7

/** The exchanges that are open on one HTTP/2 connection. */
export class Http2Streams {
  /** More were open than may be. */
  isTooMany = false
  readonly #recorder: ConnectionRecorder
  readonly #maxStreams: number
  readonly #open = new Map<number, Http2Stream>()
  #newest = 0
  /** The server has said that it answers none behind this one. */
  #lastAnswered = Infinity

  constructor(recorder: ConnectionRecorder, maxStreams: number) {
    this.#recorder = recorder
    this.#maxStreams = maxStreams
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id)
  }

  /**
   * A request of this stream would be its first. RFC 9113 section 5.1.1: a client's streams are odd, and each is higher than those
   * before; fields on a lower one are trailers, also where the stream is over for the server already.
   */
  isNew(id: number): boolean {
    return id > this.#newest && id % 2 === 1
  }

  now(): number {
    return this.#recorder.now()
  }

  /** A request's head is complete. */
  begin(id: number, exchange: HttpExchange): Http2Stream {
    if (exchange.cells === undefined) this.#recorder.requestHead(exchange)
    const { isGrpc } = exchange
    const stream: Http2Stream = {
      id,
      exchange,
      requestMessages: isGrpc ? new GrpcMessages() : undefined,
      responseMessages: isGrpc ? new GrpcMessages() : undefined,
      isRequestOver: false,
      isResponseOver: false,
      writtenRequestBytes: 0,
    }
    this.#newest = id
    this.#open.set(id, stream)
    if (id > this.#lastAnswered) this.reset(id, REFUSED_STREAM)
    else if (this.#open.size > this.#maxStreams) this.isTooMany = true
    return stream
  }

  endRequest(stream: Http2Stream): void {
    stream.isRequestOver = true
    this.#forgetIfOver(stream)
  }

  responseHead({ exchange }: Http2Stream, status: number): void {
    this.#recorder.responseHead(exchange, status)
  }

  responseBytes({ exchange }: Http2Stream, bytes: number): void {
    exchange.responseBytes += bytes
    if (bytes > 0 && exchange.status !== 0) this.#recorder.responseContent(exchange)
  }

  endResponse(stream: Http2Stream): void {
    const { exchange } = stream
    // An end without a head is malformed (RFC 9113 section 8.1): no client takes it for a response.
    if (exchange.status === 0) this.#end(stream, 'unclassified')
    else {
      this.#recorder.responseContent(exchange)
      if (exchange.isGrpc) exchange.grpcStatus ??= grpcStatusOfHttp(exchange.status)
      this.#end(stream, '')
    }
    this.#forgetIfOver(stream)
  }

  /** From here on the stream carries something else than content: a 2xx to CONNECT (RFC 9113 section 8.5, RFC 8441). */
  becomeTunnel(stream: Http2Stream): void {
    this.#recorder.tunnel('connect')
    this.endResponse(stream)
    this.#forget(stream)
  }

  reset(id: number, errorCode: number): void {
    const stream = this.#open.get(id)
    if (stream === undefined) return
    if (!stream.isResponseOver) this.#end(stream, `h2(${http2ErrorName(errorCode)})`)
    this.#forget(stream)
  }

  /** The server will not answer requests behind `lastStream`, those that are under way to it neither. */
  goAway(lastStream: number): void {
    this.#lastAnswered = Math.min(this.#lastAnswered, lastStream)
    for (const id of this.#open.keys()) if (id > lastStream) this.reset(id, REFUSED_STREAM)
  }

  push(): void {
    this.#recorder.push()
  }

  /** No response will come any more. What the client goes on to send is still counted. */
  settle(): void {
    for (const stream of this.#open.values()) {
      if (stream.isResponseOver) continue
      this.#end(stream, 'unclassified')
      this.#forgetIfOver(stream)
    }
  }

  /** The connection is over. */
  close(): void {
    this.settle()
    for (const stream of this.#open.values()) this.#forget(stream)
  }

  /** What comes cannot be followed any more. */
  abandon(): void {
    for (const stream of this.#open.values()) {
      if (stream.isResponseOver) this.#forget(stream)
      else this.#recorder.abandon(stream.exchange)
    }
    this.#open.clear()
  }

  #end(stream: Http2Stream, error: string): void {
    const { exchange, requestMessages, responseMessages } = stream
    stream.isResponseOver = true
    stream.writtenRequestBytes = exchange.requestBytes
    exchange.requestMessages = requestMessages?.count ?? 0
    exchange.responseMessages = responseMessages?.count ?? 0
    this.#recorder.end(exchange, error)
  }

  #forgetIfOver(stream: Http2Stream): void {
    if (stream.isRequestOver && stream.isResponseOver) this.#forget(stream)
  }

  /** What the client sent after the exchange was written down is still counted. */
  #forget({ id, exchange, requestMessages, writtenRequestBytes }: Http2Stream): void {
    if (!this.#open.delete(id)) return
    exchange.cells?.countBytes('client', exchange.requestBytes - writtenRequestBytes)
    if (requestMessages === undefined) return
    exchange.cells?.countMessages('client', requestMessages.count - exchange.requestMessages)
  }
}
