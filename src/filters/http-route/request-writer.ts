import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import { gatherRequestHead, gatherTrailers, type RequestEdits } from './forward-head.js'
import type { Gather } from './gather.js'

/** Writes the requests of one client, in their order, each framed as it came. */
export class RequestWriter {
  readonly #out: Gather
  #isChunked = false
  #hasTrailers = false
  #leftOut: readonly string[] | undefined

  constructor(out: Gather) {
    this.#out = out
  }

  head(head: Http1Head, edits: RequestEdits): void {
    this.#isChunked = head.content === 'chunked'
    this.#hasTrailers = false
    this.#leftOut = edits.fields?.leftOut
    gatherRequestHead(this.#out, head, edits)
  }

  body(chunk: Uint8Array, start: number, end: number): void {
    if (this.#isChunked) this.#out.chunkSize(end - start)
    this.#out.bytes(chunk, start, end)
    if (this.#isChunked) this.#out.text('\r\n')
  }

  trailers(trailers: Http1Fields): void {
    this.#hasTrailers = true
    gatherTrailers(this.#out, trailers, this.#leftOut)
  }

  end(): void {
    if (this.#isChunked && !this.#hasTrailers) this.#out.text('0\r\n\r\n')
  }
}
