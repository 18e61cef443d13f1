import { http2ErrorName } from '../protocols/http2/error-codes.js'
import { GrpcMessages } from './grpc-messages.js'
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
  isResponseOver: boolean
}

/** UNKNOWN: what a client takes a call without a status for (gRPC, "Status codes and their use"). */
const GRPC_UNKNOWN = 2
/** What a server that goes away did with streams that it did not get to: RFC 9113 section 6.8. */
const REFUSED_STREAM = 7

/** The exchanges that are open on one HTTP/2 connection. */
export class Http2Streams {
  /** More were open than may be. */
  isTooMany = false
  readonly #recorder: ConnectionRecorder
  readonly #maxStreams: number
  readonly #open = new Map<number, Http2Stream>()

  constructor(recorder: ConnectionRecorder, maxStreams: number) {
    this.#recorder = recorder
    this.#maxStreams = maxStreams
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id)
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
    }
    this.#open.set(id, stream)
    if (this.#open.size > this.#maxStreams) this.isTooMany = true
    return stream
  }

  requestBytes({ exchange, isResponseOver }: Http2Stream, bytes: number): void {
    // The exchange has been written down already.
    if (isResponseOver) exchange.cells?.countBytes('client', bytes)
    else exchange.requestBytes += bytes
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
    if (bytes > 0) this.#recorder.responseContent(exchange)
  }

  endResponse(stream: Http2Stream): void {
    const { exchange } = stream
    this.#recorder.responseContent(exchange)
    if (exchange.isGrpc) exchange.grpcStatus ??= GRPC_UNKNOWN
    this.#end(stream, '')
    this.#forgetIfOver(stream)
  }

  /** From here on the stream carries something else than content: a 2xx to CONNECT (RFC 9113 section 8.5, RFC 8441). */
  becomeTunnel(stream: Http2Stream): void {
    this.#recorder.tunnel('connect')
    this.endResponse(stream)
    this.#open.delete(stream.id)
  }

  reset(id: number, errorCode: number): void {
    const stream = this.#open.get(id)
    if (stream === undefined) return
    this.#open.delete(id)
    if (!stream.isResponseOver) this.#end(stream, `h2(${http2ErrorName(errorCode)})`)
  }

  /** The server will not answer requests behind `lastStream`. */
  goAway(lastStream: number): void {
    for (const id of this.#open.keys()) if (id > lastStream) this.reset(id, REFUSED_STREAM)
  }

  push(): void {
    this.#recorder.push()
  }

  /** No response will come any more. */
  settle(): void {
    for (const stream of this.#open.values()) if (!stream.isResponseOver) this.#end(stream, 'unclassified')
    this.#open.clear()
  }

  /** What comes cannot be followed any more. */
  abandon(): void {
    for (const stream of this.#open.values()) if (!stream.isResponseOver) this.#recorder.abandon(stream.exchange)
    this.#open.clear()
  }

  #end(stream: Http2Stream, error: string): void {
    const { exchange, requestMessages, responseMessages } = stream
    stream.isResponseOver = true
    exchange.requestMessages = requestMessages?.count ?? 0
    exchange.responseMessages = responseMessages?.count ?? 0
    this.#recorder.end(exchange, error)
  }

  #forgetIfOver(stream: Http2Stream): void {
    if (stream.isRequestOver && stream.isResponseOver) this.#open.delete(stream.id)
  }
}
