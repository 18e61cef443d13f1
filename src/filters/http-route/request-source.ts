import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import type { EndpointConnection } from './endpoint-connection.js'
import type { Refusal } from './refusal.js'

/**
 * Who brought a request, and gets what becomes of it: a client's HTTP/1 connection; later a stream of one in HTTP/2.
 *
 * Told in order: any number of `respondInterim`, `respondHead`, any number of `respondBody`, at most one `respondTrailers`,
 * `respondEnd`; or `refuse`; or, at any time, `breakOff`. What is handed over is borrowed until the call returns. Between
 * `beginChunk` and `endChunk` lies what one read of the server brought.
 */
export interface RequestSource {
  /** When what is being read came: the clock is asked once between `beginChunk` and `endChunk`. */
  now(): number
  beginChunk(): void
  /** False: the client reads slowly, `RoutedRequest.sourceDrained` says when to go on. */
  endChunk(): boolean
  respondInterim(head: Http1Head): void
  respondHead(head: Http1Head): void
  respondBody(chunk: Uint8Array, start: number, end: number): void
  respondTrailers(trailers: Http1Fields): void
  respondEnd(bodyBytes: number): void
  /** After `endChunk`, and with the connection to the endpoint given back: the next request may come. */
  exchangeOver(): void
  /** Nothing was answered yet, and no server will. */
  refuse(refusal: Refusal): void
  /** The response cannot be completed: the client must not take it for complete. */
  breakOff(error: NodeJS.ErrnoException): void
  /** The server has agreed to a change of protocol: from here on both are carried as they are. `rest` came with its answer. */
  becomeTunnel(upstream: EndpointConnection, rest: Uint8Array): void
  /** The endpoint takes more of the request's content. */
  resumeRequest(): void
}
