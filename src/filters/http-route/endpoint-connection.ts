import type { Wire } from '../../core/wire.js'
import type { AnsweredMethod } from '../../protocols/http1-framing.js'
import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'

/** Why no response, or only a part of one, came. */
export type LossReason =
  | 'closed' // the server ended its half
  | 'reset'
  | 'invalid-response' // what came cannot be framed for certain

export interface Loss {
  readonly reason: LossReason
  /** What is wrong with the response, or the error of the socket. */
  readonly detail: string
  /** At least one byte of a response had come. */
  readonly hasBegun: boolean
}

/** Who asked, and hears what the endpoint answers. Nothing is told after `responseOver` or `lost`. */
export interface ResponseSink {
  readonly answeredMethod: AnsweredMethod
  /** One read of the server begins. */
  chunkBegins(): void
  onInterim(head: Http1Head): void
  onResponseHead(head: Http1Head): void
  onResponseBody(chunk: Uint8Array, start: number, end: number): void
  onResponseTrailers(trailers: Http1Fields): void
  onResponseEnd(bodyBytes: number): void
  /** All that this read brought has been told. False: it is to pause. */
  chunkEnds(): boolean
  /** The response is complete. The connection may serve another request, if this one has been sent to its end. */
  responseOver(isReusable: boolean): void
  /** The connection speaks another protocol from here on; `rest` came with the answer. */
  onTunnel(rest: Uint8Array): void
  lost(loss: Loss): void
  /** What `write` had to keep has left. */
  onUpstreamDrain(): void
}

/** One connection to an endpoint. Has at most one request at a time in HTTP/1; a stream of a shared one in HTTP/2, later. */
export interface EndpointConnection {
  readonly wire: Wire
  /** It has served a request before, or was opened before there was one: its server may be about to close it. */
  readonly isReused: boolean
  /** The request's bytes follow. */
  serve(sink: ResponseSink): void
  /** False: pause until `onUpstreamDrain`. */
  write(bytes: Uint8Array): boolean
  pause(): void
  resume(): void
  /** The request has been sent to its end, and its answer heard: it may serve another. `now` is the clock's. */
  release(now: number): void
  /** It is to serve no other request. */
  close(): void
  /** Gives the connection up, with what is outstanding on it. */
  abort(): void
}
