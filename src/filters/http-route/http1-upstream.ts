import type { TakenUpstream } from '../../core/taken-upstream.js'
import type { Wire, WireReader } from '../../core/wire.js'
import { type AnsweredMethod, type Http1Handler, Http1Parser } from '../../protocols/http1-framing.js'
import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import type { EndpointConnection, LossReason, ResponseSink } from './endpoint-connection.js'

/** Whose connection it is. */
export interface UpstreamOwner {
  /** It serves nobody and can be used again. */
  upstreamIdle(upstream: Http1Upstream, now: number): void
  /** It is closed. */
  upstreamClosed(upstream: Http1Upstream): void
}

/**
 * One HTTP/1 connection to an endpoint: one request at a time, answers framed strictly. What comes while no request is outstanding,
 * a byte or FIN, closes it, so that a 408 to nobody never answers somebody's next request.
 */
export class Http1Upstream implements EndpointConnection, WireReader, Http1Handler {
  readonly #taken: TakenUpstream
  readonly #owner: UpstreamOwner
  readonly #parser: Http1Parser
  #sink: ResponseSink | undefined
  #isKeptAlive = true
  #hasServed = false
  #hasBegun = false
  #isOver = false
  isReused: boolean
  /** Since when it serves nobody; monotonic milliseconds. */
  idleSince = 0
  /** The server says with its first answer how long it keeps an idle connection; Infinity where it does not. */
  keepAliveMs = Infinity

  /** `wasIdle`: it was opened before there was a request. */
  constructor(taken: TakenUpstream, owner: UpstreamOwner, maxHeadBytes: number, wasIdle: boolean) {
    this.#taken = taken
    this.#owner = owner
    this.#parser = new Http1Parser('response', this, { maxHeadBytes, isOneByOne: true })
    this.isReused = wasIdle
    taken.meter.countByItself()
    taken.wire.read(this)
    taken.wire.whenClosed(() => this.#closed())
  }

  get wire(): Wire {
    return this.#taken.wire
  }

  get isOver(): boolean {
    return this.#isOver
  }

  serve(sink: ResponseSink): void {
    this.#sink = sink
    this.#hasBegun = false
    this.#parser.resume()
  }

  write(bytes: Uint8Array): boolean {
    return this.#taken.wire.write(bytes)
  }

  pause(): void {
    this.#taken.wire.pause()
  }

  resume(): void {
    this.#taken.wire.resume()
  }

  abort(): void {
    this.#sink = undefined
    this.#isOver = true
    this.#taken.wire.reset()
  }

  /** Lets an idle one go. */
  close(): void {
    this.#isOver = true
    this.#taken.wire.close()
  }

  /** Whoever was served has sent all of the request and heard all of the answer. */
  release(now: number): void {
    this.isReused = true
    // It may have been paused for a client that has all of its answer by now.
    this.#taken.wire.resume()
    this.#owner.upstreamIdle(this, now)
  }

  onChunk(chunk: Uint8Array): void {
    const sink = this.#sink
    if (sink === undefined) return this.close()
    sink.chunkBegins()
    const taken = this.#parser.feed(chunk)
    const isTaken = sink.chunkEnds()
    if (this.#sink !== sink) return
    if (!isTaken) this.#taken.wire.pause()
    this.#goOn(sink, chunk, taken)
  }

  onEnd(): void {
    const sink = this.#sink
    if (sink === undefined) return this.close()
    this.#isKeptAlive = false
    sink.chunkBegins()
    this.#parser.end()
    sink.chunkEnds()
    if (this.#sink !== sink) return
    if (this.#parser.state === 'held') this.#finish(sink, false)
    else this.#lose('closed', this.#parser.failure ?? 'no response')
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#lose('reset', error.code ?? error.message)
  }

  onDrain(): void {
    this.#sink?.onUpstreamDrain()
  }

  onHeadStart(): void {
    this.#hasBegun = true
  }

  onHead(head: Http1Head): void {
    this.#isKeptAlive = head.isKeepAlive && !hasForbiddenContent(head)
    if (!this.#hasServed) this.keepAliveMs = keepAliveMsOf(head)
    this.#hasServed = true
    this.#sink?.onResponseHead(head)
  }

  onInterim(head: Http1Head): void {
    this.#sink?.onInterim(head)
  }

  onBody(chunk: Uint8Array, start: number, end: number): void {
    this.#sink?.onResponseBody(chunk, start, end)
  }

  onTrailers(trailers: Http1Fields): void {
    this.#sink?.onResponseTrailers(trailers)
  }

  onMessageEnd(): void {
    this.#sink?.onResponseEnd(this.#parser.bodyBytes)
  }

  answeredMethod(): AnsweredMethod {
    return this.#sink?.answeredMethod ?? 'other'
  }

  #goOn(sink: ResponseSink, chunk: Uint8Array, taken: number): void {
    switch (this.#parser.state) {
      case 'failed':
        return this.#lose('invalid-response', this.#parser.failure!)
      case 'tunnel':
        this.#sink = undefined
        return sink.onTunnel(chunk.subarray(taken))
      case 'held':
        // What follows an answer was asked by nobody.
        return this.#finish(sink, this.#isKeptAlive && taken === chunk.length)
      default:
    }
  }

  #finish(sink: ResponseSink, isReusable: boolean): void {
    this.#sink = undefined
    sink.responseOver(isReusable)
  }

  #lose(reason: LossReason, detail: string): void {
    const sink = this.#sink
    this.#sink = undefined
    this.#isOver = true
    this.#taken.wire.reset()
    sink?.lost({ reason, detail, hasBegun: this.#hasBegun })
  }

  #closed(): void {
    this.#isOver = true
    this.#taken.meter.close('')
    this.#taken.release()
    const sink = this.#sink
    this.#sink = undefined
    sink?.lost({ reason: 'closed', detail: 'no response', hasBegun: this.#hasBegun })
    this.#owner.upstreamClosed(this)
  }
}

/** RFC 9112 section 6.3: a 204 has no content. A server that announces some may send it, too, and it would answer the next request. */
function hasForbiddenContent(head: Http1Head): boolean {
  if (head.status !== 204) return false
  return (head.contentLength ?? 0) > 0 || head.get('transfer-encoding') !== undefined
}

/** For what was sent before the server closed and arrives after it; of a short time half, or nothing would be left of it. */
const KEEP_ALIVE_MARGIN_MS = 1_000

/** Not standardised and widely sent: `Keep-Alive: timeout=5`, in seconds. We stop a second before the server does. */
function keepAliveMsOf(head: Http1Head): number {
  const value = head.get('keep-alive')
  const seconds = value === undefined ? undefined : /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(value)?.[1]
  if (seconds === undefined) return Infinity
  const keptMs = Number(seconds) * 1000
  return keptMs - Math.min(KEEP_ALIVE_MARGIN_MS, keptMs / 2)
}
