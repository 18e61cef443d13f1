import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import { type ConnectionOption, type FieldEdits, gatherResponseHead, gatherTrailers } from './forward-head.js'
import type { Gather } from './gather.js'
import { encodeAnswer, type FixedAnswer } from './refusal.js'

/** How the response under way is framed for the client. */
type Framing = 'as-it-came' | 'chunked'

/** Writes the responses of one client, in their order, as its requests want them: for HTTP/1.0, for HEAD, as the last one. */
export class ResponseWriter {
  readonly #out: Gather
  #framing: Framing = 'as-it-came'
  #isHead = false
  #isHttp10 = false
  #hasTrailers = false
  #isLast = false
  #edits: FieldEdits | undefined

  constructor(out: Gather) {
    this.#out = out
  }

  /** The connection ends with the response under way. */
  get isLast(): boolean {
    return this.#isLast
  }

  /** A request begins. Whatever the one before was: a head that fails is answered before it is known. */
  requestBegins(): void {
    this.#isHead = this.#isHttp10 = this.#isLast = false
  }

  /** What is written next answers this request. */
  answers(request: Http1Head): void {
    this.#isHead = request.isHead
    this.#isHttp10 = request.minorVersion === 0
  }

  interim(head: Http1Head): void {
    // RFC 9110 section 15.2: HTTP/1.0 has no interim responses.
    if (!this.#isHttp10) gatherResponseHead(this.#out, head, { isChunked: false, connection: undefined })
  }

  head(head: Http1Head, edits: FieldEdits | undefined): void {
    this.#isLast = false
    this.#gatherHead(head, edits)
  }

  /** As `head`; nothing follows this response, unless it makes a tunnel. */
  lastHead(head: Http1Head, edits: FieldEdits | undefined): void {
    this.#isLast = head.content !== 'tunnel'
    this.#gatherHead(head, edits)
  }

  body(chunk: Uint8Array, start: number, end: number): void {
    if (this.#framing === 'chunked') this.#out.chunkSize(end - start)
    this.#out.bytes(chunk, start, end)
    if (this.#framing === 'chunked') this.#out.text('\r\n')
  }

  trailers(trailers: Http1Fields): void {
    if (this.#framing !== 'chunked') return
    this.#hasTrailers = true
    gatherTrailers(this.#out, trailers, this.#edits?.leftOut)
  }

  end(): void {
    if (this.#framing === 'chunked' && !this.#hasTrailers) this.#out.text('0\r\n\r\n')
  }

  /** An answer of ours, complete, and how much of it is content. */
  own(
    answer: FixedAnswer,
    { isLast }: { readonly isLast: boolean },
  ): { readonly bytes: Uint8Array; readonly bodyBytes: number } {
    this.#isLast = isLast
    const bytes = encodeAnswer(answer, { isHead: this.#isHead, isClosing: isLast, isHttp10: this.#isHttp10 })
    return { bytes, bodyBytes: this.#isHead ? 0 : answer.body.length }
  }

  #gatherHead(head: Http1Head, edits: FieldEdits | undefined): void {
    const hasNoLength = head.content === 'chunked' || head.content === 'until-close'
    this.#framing = hasNoLength && !this.#isHttp10 ? 'chunked' : 'as-it-came'
    this.#hasTrailers = false
    this.#edits = edits
    if (hasNoLength && this.#isHttp10) this.#isLast = true
    gatherResponseHead(this.#out, head, {
      isChunked: this.#framing === 'chunked',
      fields: edits,
      connection: head.content === 'tunnel' ? tunnelOption(head) : this.#connectionOption(head),
    })
  }

  #connectionOption({ status }: Http1Head): ConnectionOption | undefined {
    // RFC 9110 section 15.5.22: it says which protocol is wanted, and has to.
    if (status === UPGRADE_REQUIRED && !this.#isHttp10) return this.#isLast ? 'close, upgrade' : 'upgrade'
    if (this.#isLast) return 'close'
    return this.#isHttp10 ? 'keep-alive' : undefined
  }
}

const UPGRADE_REQUIRED = 426

function tunnelOption({ status }: Http1Head): ConnectionOption | undefined {
  return status === 101 ? 'upgrade' : undefined
}
