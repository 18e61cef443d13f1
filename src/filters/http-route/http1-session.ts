import type { CloseReason } from '../../core/close-summary.js'
import { GrowingBuffer } from '../../core/growing-buffer.js'
import type { ObserverSet } from '../../core/observer-set.js'
import type { ProxiedConnection } from '../../core/proxied-connection.js'
import type { Wire, WireReader } from '../../core/wire.js'
import { describeRequest } from '../../http/describe-request.js'
import { HttpExchange } from '../../http/http-exchange.js'
import type { ConnectionRecorder } from '../../http/http-recorder.js'
import { type Http1Handler, Http1Parser } from '../../protocols/http1-framing.js'
import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import { hostOfTarget } from './absolute-form.js'
import { checkRequest } from './check-request.js'
import type { EndpointConnection } from './endpoint-connection.js'
import type { FieldEdits } from './forward-head.js'
import type { GatherTarget } from './gather.js'
import { badRequest, type FixedAnswer, type Refusal, refusalAnswer } from './refusal.js'
import { requestFacts } from './request-facts.js'
import type { RequestSource } from './request-source.js'
import { RequestTrace } from './request-trace.js'
import { Http1RequestView, type RequestView } from './request-view.js'
import { RequestWriter } from './request-writer.js'
import { ResponseWriter } from './response-writer.js'
import type { RouteRule } from './route-rule.js'
import { RoutedRequest } from './routed-request.js'
import type { RouteServices } from './route-services.js'
import { carryTunnel } from './tunnel.js'

/**
 * A client's HTTP/1 connection: takes one request after the other, each by itself to an endpoint, and writes the responses in their
 * order. A request that comes before its turn waits unread, and the client with it.
 */
export class Http1Session implements WireReader, Http1Handler, RequestSource, GatherTarget {
  readonly #connection: ProxiedConnection
  readonly #services: RouteServices
  readonly #recorder: ConnectionRecorder
  readonly #wire: Wire
  readonly #toServer: RequestWriter
  readonly #toClient: ResponseWriter
  readonly #observers: ObserverSet
  readonly #parser: Http1Parser
  readonly #trace: RequestTrace
  readonly #onClosed: (session: Http1Session) => void
  /** What came before its turn. */
  #early: GrowingBuffer | undefined
  /** The request under way, from its first byte until its response is over. */
  #exchange: HttpExchange | undefined
  #request: RoutedRequest | undefined
  /** Found while the request was being read: acted on when the read is over. */
  #refusal: Refusal | undefined
  /** Likewise, by a rule. */
  #answer: FixedAnswer | undefined
  #rule: RouteRule | undefined
  #isReading = false
  #isRequestBlocked = false
  #isGoingOn = false
  /** The client has not read what it was answered. */
  #isClientSlow = false
  #isTunnel = false
  #isKeptAlive = true
  #isDraining = false
  /** Clients are not waited for. */
  #isDrainOver = false
  #hasClientEnded = false
  /** The client has reset the connection: what it said before is read for the error behind it. */
  #hasClientBroken = false
  #isOver = false
  #idleSince: number

  constructor(
    connection: ProxiedConnection,
    services: RouteServices,
    recorder: ConnectionRecorder,
    onClosed: (session: Http1Session) => void,
  ) {
    this.#connection = connection
    this.#services = services
    this.#recorder = recorder
    this.#wire = connection.downstream
    this.#toServer = new RequestWriter(services.out)
    this.#toClient = new ResponseWriter(services.out)
    this.#observers = connection.observers
    this.#trace = new RequestTrace(connection.trace)
    this.#onClosed = onClosed
    this.#idleSince = services.clock.now()
    this.#parser = new Http1Parser('request', this, { maxHeadBytes: services.maxHeadBytes, isOneByOne: true })
  }

  start(): void {
    this.#connection.onClose(({ reason }) => this.#closed(reason))
    this.#connection.takeOver(this)
  }

  /**
   * The next response, or the one under way, is the last one. A client that has been idle since before `idleSince` is closed; any other
   * may have its next request on the way to us: it is waited for until `endDrain`.
   */
  drain(idleSince: number): void {
    this.#isDraining = true
    if (this.#isIdle && this.#idleSince <= idleSince) this.#finish()
  }

  /** No new request is waited for any more; one under way gets its response. */
  endDrain(): void {
    this.#isDrainOver = true
    if (this.#isIdle) this.#finish()
  }

  /** Now and then: whether something takes too long. */
  check(now: number): void {
    if (this.#isOver) return
    const { headerTimeoutMs, idleTimeoutMs } = this.#services
    this.#recorder.beginTurn()
    if (this.#request !== undefined) this.#request.check(now)
    else if (this.#exchange === undefined) {
      if (now - this.#idleSince >= idleTimeoutMs) this.#finish()
    } else if (this.#parser.state === 'head' && now - this.#exchange.startedAt >= headerTimeoutMs) {
      const message = `the head has not come within ${headerTimeoutMs / 1000} s`
      this.refuse({ status: 408, reason: 'header-timeout', message })
    }
  }

  // What the client says

  onChunk(chunk: Uint8Array): void {
    if (this.#hasClientBroken) return
    this.#recorder.beginTurn()
    if (this.#observers.isLooking) this.#observers.onBytes('client', chunk)
    const taken = this.#canRead ? this.#read(chunk) : 0
    if (this.#isOver) return
    if (taken < chunk.length) {
      this.#early ??= new GrowingBuffer()
      this.#early.append(taken === 0 ? chunk : chunk.subarray(taken))
    }
    this.#goOn()
  }

  onEnd(): void {
    if (this.#hasClientBroken) return this.onError(brokenBehindEnd())
    this.#recorder.beginTurn()
    this.#hasClientEnded = true
    if (this.#observers.isLooking) this.#observers.onEnd('client')
    this.#connection.relaySideEnded('client')
    this.#goOn()
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#connection.relaySideBroke('client', error)
  }

  /** Nobody waits for an answer any more, whatever the server does, which the client was paused for. */
  onBreak(): void {
    this.#hasClientBroken = true
    this.#updatePause()
  }

  onDrain(): void {
    this.#isClientSlow = false
    this.#request?.sourceDrained()
    this.#goOn()
  }

  onHeadStart(): void {
    this.#exchange = new HttpExchange(this.#recorder.now())
    this.#toClient.requestBegins()
    this.#rule = undefined
  }

  onHead(head: Http1Head): void {
    const exchange = this.#exchange!
    if (this.#recorder.isDetailed || this.#trace.isWanted) describeRequest(exchange, head)
    this.#toClient.answers(head)
    // What a client says behind a CONNECT is meant for a tunnel, also where it gets none.
    this.#isKeptAlive = head.isKeepAlive && !head.isConnect
    this.#refusal = checkRequest(head)
    const { rules } = this.#services
    const view = this.#refusal === undefined && rules.length > 0 ? new Http1RequestView(head) : undefined
    if (view !== undefined) this.#rule = rules.find((rule) => rule.matches(view))
    exchange.route = this.#rule?.name
    this.#recorder.requestHead(exchange)
    if (this.#rule?.needsHost && view?.host === '') this.#refusal = badRequest('host-missing')
    else this.#answer = view && this.#rule?.answer(view)
    if (this.#refusal === undefined && this.#answer === undefined) this.#route(head, exchange, view)
  }

  onBody(chunk: Uint8Array, start: number, end: number): void {
    if (this.#request !== undefined) this.#toServer.body(chunk, start, end)
  }

  onTrailers(trailers: Http1Fields): void {
    if (this.#request !== undefined) this.#toServer.trailers(trailers)
  }

  onMessageEnd(): void {
    this.#exchange!.requestBytes = this.#parser.bodyBytes
    if (this.#request === undefined) return
    this.#toServer.end()
    this.#request.requestEnds()
  }

  // What is answered

  take(bytes: Uint8Array): boolean {
    if (this.#observers.isLooking) this.#observers.onBytes('server', bytes)
    if (this.#wire.write(bytes)) return true
    this.#isClientSlow = true
    return false
  }

  now(): number {
    return this.#recorder.now()
  }

  beginChunk(): void {
    this.#recorder.beginTurn()
    this.#services.out.begin(this)
  }

  endChunk(): boolean {
    return this.#services.out.end()
  }

  respondInterim(head: Http1Head): void {
    this.#toClient.interim(head)
  }

  respondHead(head: Http1Head): void {
    this.#recorder.responseHead(this.#exchange!, head.status)
    const edits = this.#rule?.responseEdits
    if (this.#willEnd) this.#toClient.lastHead(head, edits)
    else this.#toClient.head(head, edits)
  }

  respondBody(chunk: Uint8Array, start: number, end: number): void {
    this.#recorder.responseContent(this.#exchange!)
    this.#toClient.body(chunk, start, end)
  }

  respondTrailers(trailers: Http1Fields): void {
    this.#toClient.trailers(trailers)
  }

  respondEnd(bodyBytes: number): void {
    this.#toClient.end()
    this.#record(bodyBytes, '')
  }

  exchangeOver(): void {
    this.#request = this.#exchange = undefined
    this.#idleSince = this.#recorder.now()
    if (this.#toClient.isLast || this.#parser.state !== 'held') return this.#finish()
    this.#parser.resume()
    this.#isRequestBlocked = false
    this.#goOn()
  }

  refuse(refusal: Refusal): void {
    if (this.#isReading) {
      this.#refusal = refusal
      this.#request = undefined
      return
    }
    this.#services.counts.refused(refusal.reason)
    if (this.#exchange) this.#exchange.refused = refusal.reason
    const isBad = refusal.status < 500 && refusal.status !== 404
    this.#answerOurselves(refusalAnswer(refusal), isBad || refusal.status === 501 || this.#willEnd)
  }

  breakOff(error: NodeJS.ErrnoException): void {
    this.#request = undefined
    this.#connection.relaySideBroke('server', error)
  }

  resumeRequest(): void {
    this.#isRequestBlocked = false
    this.#updatePause()
  }

  becomeTunnel(upstream: EndpointConnection, rest: Uint8Array): void {
    const isConnect = this.#exchange!.status !== 101
    this.#recorder.tunnel(isConnect ? 'connect' : 'upgrade')
    this.#recorder.responseContent(this.#exchange!)
    this.#record(0, '')
    this.#exchange = undefined
    this.#isTunnel = true
    // What came early was shown to observers when it came, and so was the end.
    const early = this.#early?.take()
    carryTunnel(this.#connection, upstream.wire, { rest, early, hasClientEnded: this.#hasClientEnded })
  }

  // Inside

  #route(head: Http1Head, exchange: HttpExchange, view: RequestView | undefined): void {
    const { pools, out, load, forwarding } = this.#services
    const rule = this.#rule
    const destination = rule?.group() ?? this.#connection.destination
    if (destination === undefined) {
      this.#refusal = { status: 404, reason: 'no-route', message: 'there is no destination for this request' }
      return
    }
    if (load.count >= load.max) {
      const message = `${load.max} requests are under way, as many as may`
      this.#refusal = { status: 503, reason: 'too-many-requests', message }
      return
    }
    const group = pools.shared(destination)
    const { source } = this.#connection
    const facts = requestFacts(head, group, source)
    const edits = rule?.requestEdits
    const request = new RoutedRequest(this.#services, this, exchange, facts)
    this.#request = request
    out.begin(request)
    this.#toServer.head(head, {
      isUpgrade: facts.isUpgrade,
      host: group.label,
      newHost: rule?.host ?? hostOfTarget(head),
      target: view && rule?.target(view),
      fields: bothEdits(forwarding?.(head, { source, minorVersion: head.minorVersion }, edits?.leftOut), edits),
    })
    request.begin()
  }

  #answerOurselves(answer: FixedAnswer, isLast: boolean): void {
    this.#request = this.#refusal = this.#answer = undefined
    const { bytes, bodyBytes } = this.#toClient.own(answer, { isLast })
    this.take(bytes)
    const exchange = this.#exchange
    if (exchange?.cells !== undefined) {
      this.#recorder.responseHead(exchange, answer.status)
      this.#record(bodyBytes, '')
    } else if (exchange !== undefined) {
      exchange.status = answer.status
      exchange.responseBytes = bodyBytes
      this.#recorder.headRefused(exchange)
      this.#trace.add(exchange, this.#rule?.name, this.#recorder.now())
    }
    this.exchangeOver()
  }

  /** Bytes of the chunk that were taken: all, or up to the end of a request. */
  #read(chunk: Uint8Array): number {
    const { out } = this.#services
    this.#isReading = true
    if (this.#request !== undefined) out.begin(this.#request)
    const taken = this.#parser.feed(chunk)
    const isTaken = this.#request === undefined || out.end()
    this.#isReading = false
    this.#isRequestBlocked = !isTaken && this.#parser.state !== 'held'
    if (this.#refusal !== undefined) this.refuse(this.#refusal)
    else if (this.#answer !== undefined) this.#answerOurselves(this.#answer, this.#willEnd)
    else if (this.#parser.state === 'failed') this.#failed()
    return taken
  }

  #failed(): void {
    const hasAnswer = this.#request?.hasAnswer ?? false
    this.#request?.sourceGone()
    if (this.#exchange) this.#exchange.requestBytes = this.#parser.bodyBytes
    if (hasAnswer) this.breakOff(Object.assign(new Error(this.#parser.failure), { code: 'EPROTO' }))
    else this.refuse(badRequest(this.#parser.failure!))
  }

  /** Reads what came before its turn, one request after the other; no deeper for many. */
  #goOn(): void {
    if (this.#isReading || this.#isGoingOn) return
    this.#isGoingOn = true
    const early = this.#early
    while (early !== undefined && early.length > 0 && this.#canRead)
      early.consume(this.#read(early.first(early.length)))
    if (early?.length === 0) this.#early = undefined
    this.#isGoingOn = false
    if (this.#isOver) return
    if (this.#hasClientEnded && this.#early === undefined && this.#parser.state !== 'held') this.#clientLeft()
    // A drain may have ended behind the head that said otherwise.
    else if (this.#isDrainOver && this.#isIdle) this.#finish()
    else this.#updatePause()
  }

  /** A client that does not read its answers gets no others. */
  get #canRead(): boolean {
    const { state } = this.#parser
    return !this.#isOver && state !== 'held' && state !== 'failed' && !(this.#isClientSlow && state === 'idle')
  }

  #updatePause(): void {
    if (!this.#hasClientBroken && (this.#isRequestBlocked || this.#early !== undefined)) this.#wire.pause()
    else this.#wire.resume()
  }

  /** The client has said all that it will, and the request that was begun is not complete, or none was. */
  #clientLeft(): void {
    const hasAnswer = this.#request?.hasAnswer ?? false
    this.#request?.sourceGone()
    this.#request = undefined
    if (this.#exchange?.cells !== undefined) this.#abandonExchange()
    if (hasAnswer) this.breakOff(Object.assign(new Error('the client ended in its request'), { code: 'ECONNRESET' }))
    else this.#finish()
  }

  /** The connection ends with this response. */
  get #willEnd(): boolean {
    const isIncomplete = this.#parser.state !== 'held'
    const isLastRequest = this.#hasClientEnded && (this.#early === undefined || this.#early.length === 0)
    return isIncomplete || isLastRequest || this.#isDraining || !this.#isKeptAlive
  }

  #record(responseBytes: number, error: string): void {
    const exchange = this.#exchange
    if (exchange === undefined || exchange.isOver) return
    exchange.requestBytes = this.#parser.bodyBytes
    exchange.responseBytes = responseBytes
    this.#recorder.responseContent(exchange)
    this.#writeDown(exchange, error)
  }

  #abandonExchange(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    if (exchange?.cells === undefined || exchange.isOver) return
    exchange.requestBytes = this.#parser.bodyBytes
    this.#writeDown(exchange, 'unclassified')
  }

  #writeDown(exchange: HttpExchange, error: string): void {
    this.#recorder.end(exchange, error)
    this.#trace.add(exchange, this.#rule?.name, this.#recorder.now())
  }

  /** Between two requests, the next of which has not come. */
  get #isIdle(): boolean {
    return this.#exchange === undefined && this.#early === undefined && !this.#isTunnel
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#observers.isLooking) this.#observers.onEnd('server')
    this.#connection.finish()
  }

  #closed(reason: CloseReason): void {
    this.#isOver = true
    this.#recorder.beginTurn()
    if (this.#isTunnel && reason === 'end') this.#request?.tunnelEnded()
    else this.#request?.sourceGone()
    this.#request = undefined
    this.#abandonExchange()
    this.#onClosed(this)
  }
}

function brokenBehindEnd(): NodeJS.ErrnoException {
  return Object.assign(new Error('the client has reset the connection'), { code: 'ECONNRESET' })
}

function bothEdits(one: FieldEdits | undefined, other: FieldEdits | undefined): FieldEdits | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { leftOut: [...one.leftOut, ...other.leftOut], added: one.added + other.added }
}
