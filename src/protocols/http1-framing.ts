import { BodyFraming } from './http1-body-framing.js'
import { ChunkedCoding } from './http1-chunked-coding.js'
import { CR, LF } from './http1-characters.js'
import type { Http1Failure } from './http1-failure.js'
import { type Http1Content, Http1Fields, Http1Head } from './http1-head.js'
import { Http1SectionReader, SECTION_FAILED } from './http1-section-reader.js'

export type Http1Direction = 'request' | 'response'

/** What the method of a request means for the length of its response. */
export type AnsweredMethod = 'HEAD' | 'CONNECT' | 'other'

/**
 * Is told what one side of an HTTP/1 connection says, in its order: for each message `onHeadStart`, `onHead`, any number of
 * `onBody`, at most one `onTrailers`, `onMessageEnd`. All that is handed over is borrowed: valid until the callback returns.
 */
export interface Http1Handler {
  /** The first byte of a head has come. */
  onHeadStart(): void
  /** A head is complete: a request, or a final response. With content `tunnel` no `onMessageEnd` follows, but foreign bytes. */
  onHead(head: Http1Head): void
  /** An interim response (1xx, not 101) is complete. The response itself is still to come, beginning with `onHeadStart`. */
  onInterim?(head: Http1Head): void
  /** Content, without its chunked framing: from `start` up to `end` of the chunk that was fed. What was skipped is left out. */
  onBody(chunk: Uint8Array, start: number, end: number): void
  /** The trailers of a chunked message; not called where there are none. They are not read: none of them changes framing. */
  onTrailers?(trailers: Http1Fields): void
  onMessageEnd(): void
  /** To which method this response answers: asked for each, when its head is complete. Absent: `other`. */
  answeredMethod?(): AnsweredMethod
}

export type Http1State =
  | 'idle' // between messages
  | 'head'
  | 'body'
  | 'trailers'
  | 'held' // a message is complete, and the next one waits for resume(): see `isOneByOne`
  | 'awaiting-answer' // a request that may turn the connection into a tunnel is complete: see resume()
  | 'tunnel'
  | 'failed'

export interface Http1ParserOptions {
  /** Bytes of one head or trailer section, start line and empty line included. */
  readonly maxHeadBytes?: number
  /** Stops behind each message, in the state `held`: for who answers requests one after the other. */
  readonly isOneByOne?: boolean
}

/** Bytes of a head, by default: four times what nginx, Apache and node:http take, so that whoever refuses it, it is not we. */
export const DEFAULT_MAX_HEAD_BYTES = 64 * 1024

/** Empty lines before a start line: RFC 9112 section 2.2 asks to ignore at least one, which old clients send after a body. */
export const MAX_EMPTY_LINES = 16

/**
 * Frames one direction of an HTTP/1 connection: RFC 9112, and HTTP/1.0 as its appendix C has it. Knows no connection and no time.
 *
 * Resumable: fed with borrowed chunks cut anywhere, it tells its handler the same. Strict: what two readers could frame in two
 * ways ends it with a `failure`; an observer stops then, a proxy answers 400. Content is never looked at and need not be fed:
 * `skippable` says how many bytes may be passed by with `skip`. Nothing is copied but a head that a chunk's end cuts, and nothing
 * is decoded but what the handler asks for.
 */
export class Http1Parser {
  readonly #direction: Http1Direction
  readonly #handler: Http1Handler
  readonly #framing = new BodyFraming()
  readonly #head = new Http1Head()
  readonly #reader: Http1SectionReader
  #chunked: ChunkedCoding | undefined
  #trailers: Http1Fields | undefined
  #state: Http1State = 'idle'
  /** The state at the end of this message. */
  #stateAfter: 'idle' | 'held' | 'awaiting-answer' = 'idle'
  readonly #isOneByOne: boolean
  #failure: Http1Failure | undefined
  #emptyLines = 0
  #hasCr = false
  #content: Http1Content = 'none'
  #remaining = 0
  #bodyBytes = 0

  constructor(direction: Http1Direction, handler: Http1Handler, options: Http1ParserOptions = {}) {
    this.#direction = direction
    this.#handler = handler
    this.#isOneByOne = options.isOneByOne ?? false
    this.#reader = new Http1SectionReader(this.#head, this.#framing, options.maxHeadBytes ?? DEFAULT_MAX_HEAD_BYTES)
  }

  get state(): Http1State {
    return this.#state
  }

  /** Why the state is `failed`. */
  get failure(): Http1Failure | undefined {
    return this.#failure
  }

  /** Bytes of content of this message before the ones that `onBody` shows, skipped ones too, without chunked framing. */
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /**
   * Takes the next bytes of this direction. Gives how many it has taken: fewer than all where the state has become
   * `held`, `awaiting-answer`, `tunnel` or `failed`; the rest is the caller's.
   */
  feed(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length) {
      switch (this.#state) {
        case 'idle':
          at = this.#readEmptyLines(chunk, at)
          break
        case 'head':
          at = this.#readHead(chunk, at)
          break
        case 'body':
          at = this.#readBody(chunk, at)
          break
        case 'trailers':
          at = this.#readTrailers(chunk, at)
          break
        case 'held':
        case 'awaiting-answer':
        case 'tunnel':
        case 'failed':
          return at
      }
    }
    return at
  }

  /** The side has ended its half: the end of a message that has no other; otherwise a failure, unless between messages. */
  end(): void {
    if (this.#state === 'head') this.#fail('ended-in-head')
    else if (this.#state === 'trailers') this.#fail('ended-in-body')
    else if (this.#state === 'body') {
      if (this.#content === 'until-close') this.#endMessage()
      else this.#fail('ended-in-body')
    }
  }

  /**
   * How many of the next bytes are content and need not be fed. 0 until the first byte of content was fed, so that its coming is
   * never missed; without bound where the content ends with the connection.
   */
  get skippable(): number {
    if (this.#state !== 'body' || this.#bodyBytes === 0) return 0
    if (this.#content === 'chunked') return this.#chunked!.remaining
    return this.#content === 'length' ? this.#remaining : Number.MAX_SAFE_INTEGER
  }

  /** That many bytes have passed without being fed: at most `skippable`. */
  skip(count: number): void {
    if (count > this.skippable) throw new RangeError(`cannot skip ${count} bytes of ${this.skippable}`)
    if (count > 0) this.#takeContent(count)
  }

  /** The answer made no tunnel of the connection, or the next message may come: requests go on. */
  resume(): void {
    if (this.#state === 'awaiting-answer' || this.#state === 'held') this.#state = 'idle'
  }

  #readEmptyLines(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (this.#hasCr && byte !== LF) return this.#fail('bare-cr')
      this.#hasCr = byte === CR
      if (byte === LF) {
        if (++this.#emptyLines > MAX_EMPTY_LINES) return this.#fail('too-many-empty-lines')
      } else if (byte !== CR) {
        this.#beginHead()
        return at
      }
    }
    return chunk.length
  }

  #beginHead(): void {
    this.#emptyLines = 0
    this.#state = 'head'
    this.#reader.begin(this.#direction === 'request' ? 'request-head' : 'response-head')
    this.#handler.onHeadStart()
  }

  #readHead(chunk: Uint8Array, from: number): number {
    const next = this.#reader.read(chunk, from, this.#head)
    if (next < 0) return next === SECTION_FAILED ? this.#fail(this.#reader.failure!) : chunk.length
    const head = this.#head
    const failure = this.#direction === 'request' ? this.#frameRequest(head) : this.#frameResponse(head)
    if (failure !== undefined) return this.#fail(failure)
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      this.#state = 'idle'
      this.#handler.onInterim?.(head)
      return next
    }
    this.#beginContent(head)
    return next
  }

  /** RFC 9112 section 6.3, for requests; a CONNECT has no content that anyone could mean (RFC 9110 section 9.3.6). */
  #frameRequest(head: Http1Head): Http1Failure | undefined {
    const framing = this.#framing
    this.#describe(head)
    head.asksUpgrade = head.minorVersion === 1 && framing.hasUpgrade && framing.connectionUpgrade
    head.content = 'none'
    if (framing.hasTransferEncoding) {
      if (!framing.isChunked) return 'chunked-not-last'
      head.content = 'chunked'
    } else if (framing.contentLength !== undefined && framing.contentLength > 0) head.content = 'length'
    if (head.content !== 'none' && head.isConnect) return 'content-with-connect'
    return this.#findAmbiguity(head)
  }

  /** RFC 9112 section 6.3, for responses: status and method first, since they overrule the fields. */
  #frameResponse(head: Http1Head): Http1Failure | undefined {
    const framing = this.#framing
    const status = head.status
    this.#describe(head)
    head.asksUpgrade = false
    head.content = 'none'
    if (status === 101) head.content = 'tunnel'
    if (status < 200) return undefined
    const answered = this.#handler.answeredMethod?.() ?? 'other'
    if (answered === 'CONNECT' && status < 300) head.content = 'tunnel'
    if (head.content === 'tunnel' || answered === 'HEAD' || status === 204 || status === 304) return undefined
    if (framing.hasTransferEncoding) head.content = framing.isChunked ? 'chunked' : 'until-close'
    else if (framing.contentLength === undefined) head.content = 'until-close'
    else if (framing.contentLength > 0) head.content = 'length'
    if (head.content === 'until-close') head.isKeepAlive = false
    return this.#findAmbiguity(head)
  }

  #describe(head: Http1Head): void {
    const framing = this.#framing
    head.contentLength = framing.contentLength
    head.isKeepAlive = !framing.connectionClose && (head.minorVersion === 1 || framing.connectionKeepAlive)
    head.hosts = framing.hosts
    head.hasForeignCoding = framing.hasForeignCoding
    head.namesHopFields = framing.connectionNamesFields
  }

  /** RFC 9112 section 6.1: both fields, or a transfer coding in HTTP/1.0, are how requests are smuggled. */
  #findAmbiguity(head: Http1Head): Http1Failure | undefined {
    if (!this.#framing.hasTransferEncoding) return undefined
    if (this.#framing.contentLength !== undefined) return 'content-length-with-transfer-encoding'
    return head.minorVersion === 0 ? 'transfer-encoding-in-http-1.0' : undefined
  }

  #beginContent(head: Http1Head): void {
    this.#content = head.content
    this.#bodyBytes = 0
    this.#remaining = head.contentLength ?? 0
    this.#state = head.content === 'tunnel' ? 'tunnel' : 'body'
    if (head.content === 'chunked') {
      this.#chunked ??= new ChunkedCoding()
      this.#chunked.begin()
    }
    const mayBecomeTunnel = this.#direction === 'request' && (head.asksUpgrade || head.isConnect)
    this.#stateAfter = this.#isOneByOne ? 'held' : mayBecomeTunnel ? 'awaiting-answer' : 'idle'
    this.#handler.onHead(head)
    if (head.content === 'none') this.#endMessage()
  }

  #readBody(chunk: Uint8Array, from: number): number {
    let at = from
    let available = chunk.length - from
    if (this.#content === 'chunked') {
      const chunked = this.#chunked!
      at = chunked.read(chunk, from)
      if (chunked.failure !== undefined) return this.#fail(chunked.failure)
      if (chunked.isLast) {
        this.#state = 'trailers'
        this.#reader.begin('trailers')
        return at
      }
      available = Math.min(chunk.length - at, chunked.remaining)
    } else if (this.#content === 'length') available = Math.min(available, this.#remaining)
    if (available === 0) return at
    this.#handler.onBody(chunk, at, at + available)
    this.#takeContent(available)
    return at + available
  }

  #takeContent(count: number): void {
    this.#bodyBytes += count
    if (this.#content === 'chunked') this.#chunked!.take(count)
    else if (this.#content === 'length') {
      this.#remaining -= count
      if (this.#remaining === 0) this.#endMessage()
    }
  }

  #readTrailers(chunk: Uint8Array, from: number): number {
    this.#trailers ??= new Http1Fields()
    const next = this.#reader.read(chunk, from, this.#trailers)
    if (next < 0) return next === SECTION_FAILED ? this.#fail(this.#reader.failure!) : chunk.length
    const isEmpty = this.#trailers.end - this.#trailers.start <= 2
    if (!isEmpty) this.#handler.onTrailers?.(this.#trailers)
    this.#endMessage()
    return next
  }

  #endMessage(): void {
    this.#state = this.#stateAfter
    this.#handler.onMessageEnd()
  }

  /** Gives where the caller's loop goes on: it looks at the state first, which says that it does not. */
  #fail(failure: Http1Failure): number {
    this.#state = 'failed'
    this.#failure = failure
    return 0
  }
}
