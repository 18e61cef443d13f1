import type { GrowingBuffer } from '../../core/growing-buffer.js'
import type { Endpoint } from '../../core/endpoint.js'
import type { SluiceError } from '../../core/errors.js'
import type { HttpExchange } from '../../http/http-exchange.js'
import type { AnsweredMethod } from '../../protocols/http1-framing.js'
import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import type { EndpointConnection, Loss, LossReason, ResponseSink } from './endpoint-connection.js'
import type { ConnectionWaiter, EndpointPool } from './endpoint-pool.js'
import type { GatherTarget } from './gather.js'
import type { Refusal, RefusalReason } from './refusal.js'
import type { RequestFacts } from './request-facts.js'
import type { RequestSource } from './request-source.js'
import type { RetryReason, RouteServices } from './route-services.js'

/** Bytes of a request, head and framing included, that are kept so that it can be sent again. */
const MAX_KEPT_BYTES = 64 * 1024
/** A connection that was idle may be about to be closed by its server; so often a request is sent again because of that. */
const MAX_STALE = 3

/**
 * One request on its way: finds an endpoint and a connection, is sent, and hands what is answered to who brought it. Knows neither
 * how the client speaks nor what a pool does.
 */
export class RoutedRequest implements ResponseSink, ConnectionWaiter, GatherTarget {
  readonly #services: RouteServices
  readonly #source: RequestSource
  readonly #exchange: HttpExchange
  readonly #facts: RequestFacts
  /** The request as it is sent, from its first byte on, as long as it may have to be sent, or sent again. */
  #kept: GrowingBuffer | undefined
  #endpoint: Endpoint | undefined
  #pool: EndpointPool | undefined
  #upstream: EndpointConnection | undefined
  #tried: Set<Endpoint> | undefined
  #connectError: SluiceError | undefined
  #attemptedAt = 0
  /** Since when its endpoint has all of it; Infinity before, and where nobody asks. */
  #givenAt = Infinity
  /** Since when it waits in the line of its group. */
  #queuedAt: number | undefined
  /** The only endpoint that will do, where it waits for one. */
  #pinned: Endpoint | undefined
  #staleCount = 0
  #retries = 0
  /** A connection is being opened for it. */
  #isConnecting = false
  #isSent = false
  #hasAnswer = false
  #isTunnel = false
  #isOver = false
  /** The answer that came is none to go by. */
  #rejected: Refusal | 'stale' | 'failed' | undefined

  constructor(services: RouteServices, source: RequestSource, exchange: HttpExchange, facts: RequestFacts) {
    this.#services = services
    this.#source = source
    this.#exchange = exchange
    this.#facts = facts
    this.#kept = services.kept.take()
    services.load.count++
    services.retries.budget.deposit()
  }

  get answeredMethod(): AnsweredMethod {
    return this.#facts.answeredMethod
  }

  get isRepeatable(): boolean {
    const { isIdempotent, contentLength = Infinity } = this.#facts
    return isIdempotent && contentLength <= MAX_KEPT_BYTES
  }

  /** The head of the response has been passed on. */
  get hasAnswer(): boolean {
    return this.#hasAnswer
  }

  // What the source says

  /** Looks for a connection. The request's bytes follow. */
  begin(): void {
    const { group, hashKey } = this.#facts
    const now = this.#services.clock.now()
    const endpoint = group.pickForRequest({ tried: this.#tried, hashKey, now })
    if (endpoint === undefined) return this.#refuse(this.#withoutEndpoint())
    if (!this.#ask(endpoint, now)) this.#waitBehind(endpoint)
  }

  take(bytes: Uint8Array): boolean {
    if (this.#isOver) return true
    const upstream = this.#upstream
    if (this.#kept !== undefined) {
      if (upstream === undefined || this.#kept.length + bytes.length <= MAX_KEPT_BYTES) this.#kept.append(bytes)
      else this.#keepNoMore()
    }
    return upstream !== undefined && upstream.write(bytes)
  }

  /** The request's last byte has been taken. */
  requestEnds(): void {
    this.#isSent = true
    if (this.#upstream !== undefined) this.#isGiven()
  }

  sourceDrained(): void {
    this.#upstream?.resume()
  }

  /** Nobody waits for the answer any more. */
  sourceGone(): void {
    if (this.#isOver) return
    this.#end()
    this.#leaveLine()
    this.#pool?.forget(this)
    this.#upstream?.abort()
    this.#upstream = undefined
    this.#leaveEndpoint()
  }

  /** Both sides of the tunnel have said all they had: the server's wire closes once it has taken its part. */
  tunnelEnded(): void {
    this.#end()
    this.#leaveEndpoint()
  }

  /** Now and then: whether it has taken too long. */
  check(now: number): void {
    if (this.#isOver || this.#isTunnel) return
    const { requestTimeoutMs, attemptTimeoutMs, connectTimeoutMs } = this.#services
    if (now - this.#exchange.startedAt >= requestTimeoutMs) this.#timedOut()
    else if (this.#isAsking && now - this.#givenAt >= attemptTimeoutMs) this.#attemptTimedOut()
    else if (this.#queuedAt !== undefined && now - this.#queuedAt >= connectTimeoutMs) {
      const message = `every connection of ${this.#facts.group.label} has been busy for ${connectTimeoutMs / 1000} s`
      this.#giveUp(refusal(503, 'upstream-full', message))
    } else if (this.#queuedAt !== undefined && !this.#facts.group.endpoints.some((one) => this.mayUse(one))) {
      // Nothing is left to wait for: what it waited for is gone, or unhealthy.
      this.#leaveLine()
      this.begin()
    }
  }

  // What the pool says

  mayUse(endpoint: Endpoint): boolean {
    if (this.#pinned !== undefined) return endpoint === this.#pinned
    return !this.#tried?.has(endpoint) && this.#facts.group.accepts(endpoint)
  }

  onTurn(pool: EndpointPool): void {
    this.#queuedAt = this.#pinned = undefined
    this.#enter(pool, this.#services.clock.now())
    if (this.#acquire(pool)) return
    // What it had is closed by now.
    this.#leaveEndpoint()
    this.begin()
  }

  onUpstream(upstream: EndpointConnection): void {
    this.#upstream = upstream
    if (this.#isConnecting) this.#attemptedAt = this.#services.clock.now()
    upstream.serve(this)
    this.#givenAt = Infinity
    if (this.#isSent) this.#isGiven()
    const kept = this.#kept!
    if (kept.length === 0) return
    const isTaken = upstream.write(kept.first(kept.length))
    if (kept.length > MAX_KEPT_BYTES) this.#keepNoMore()
    if (isTaken) this.#source.resumeRequest()
  }

  onConnectFailed(error: SluiceError): void {
    const endpoint = this.#endpoint!
    this.#connectError = error
    this.#leaveEndpoint()
    this.#tried ??= new Set()
    this.#tried.add(endpoint)
    if (this.#facts.group.endpoints.some((one) => this.mayUse(one))) this.#services.counts.retry('connect-failed')
    this.begin()
  }

  onEndpointGone(): void {
    this.#leaveEndpoint()
    this.begin()
  }

  // What the endpoint says

  chunkBegins(): void {
    this.#source.beginChunk()
  }

  onInterim(head: Http1Head): void {
    this.#source.respondInterim(head)
  }

  onResponseHead(head: Http1Head): void {
    this.#rejected = this.#reject(head)
    if (this.#rejected !== undefined) return
    this.#hasAnswer = true
    this.#keepNoMore()
    const now = this.#source.now()
    this.#endpoint!.observe({ latencyMs: now - this.#attemptedAt, isFailure: head.status >= 500 }, now)
    this.#source.respondHead(head)
  }

  onResponseBody(chunk: Uint8Array, start: number, end: number): void {
    if (this.#rejected === undefined) this.#source.respondBody(chunk, start, end)
  }

  onResponseTrailers(trailers: Http1Fields): void {
    if (this.#rejected === undefined) this.#source.respondTrailers(trailers)
  }

  onResponseEnd(bodyBytes: number): void {
    if (this.#rejected === undefined) this.#source.respondEnd(bodyBytes)
  }

  chunkEnds(): boolean {
    const isTaken = this.#source.endChunk()
    if (this.#rejected === undefined) return isTaken
    const rejected = this.#rejected
    this.#rejected = undefined
    this.#upstream?.abort()
    this.#upstream = undefined
    if (rejected === 'stale') this.#sendAgain()
    else if (rejected === 'failed') this.#tryAnother('status')
    else {
      this.#observeFailure()
      this.#leaveEndpoint()
      this.#refuse(rejected)
    }
    return true
  }

  responseOver(isReusable: boolean): void {
    const upstream = this.#upstream!
    this.#upstream = undefined
    this.#end()
    this.#leaveEndpoint()
    if (!this.#isSent) upstream.abort()
    else if (isReusable) upstream.release(this.#source.now())
    else upstream.close()
    this.#source.exchangeOver()
  }

  onTunnel(rest: Uint8Array): void {
    this.#isTunnel = true
    this.#source.becomeTunnel(this.#upstream!, rest)
  }

  lost(loss: Loss): void {
    const wasReused = this.#upstream?.isReused ?? false
    this.#upstream = undefined
    if (this.#hasAnswer) {
      this.#observeFailure()
      this.#end()
      this.#leaveEndpoint()
      return this.#source.breakOff(brokenResponse(loss))
    }
    if (wasReused && !loss.hasBegun && this.#facts.isIdempotent && this.#mayBeStale) return this.#sendAgain()
    if (loss.reason !== 'invalid-response' && this.#mayRetry) return this.#tryAnother('upstream-lost')
    this.#observeFailure()
    const { label } = this.#endpoint!
    this.#leaveEndpoint()
    this.#refuse(refusal(502, REASON_OF_LOSS[loss.reason], `${label}: ${loss.detail}`))
  }

  onUpstreamDrain(): void {
    this.#source.resumeRequest()
  }

  // Inside

  /** False: it has no connection, and may not open one. */
  #ask(endpoint: Endpoint, now: number): boolean {
    const pool = this.#services.pools.of(endpoint, this.#facts.group)
    this.#enter(pool, now)
    if (this.#acquire(pool)) return true
    this.#leaveEndpoint()
    // It has not got it.
    this.#exchange.endpoint = undefined
    return false
  }

  /** Any endpoint will do, unless the group goes by a key; where none has room, whichever has first. */
  #waitBehind(endpoint: Endpoint): void {
    const { group, hashKey } = this.#facts
    const { pools, clock } = this.#services
    this.#pinned = group.isSticky ? endpoint : undefined
    const free = pools.findRoom(group, this, hashKey)
    if (free !== undefined && this.#ask(free, clock.now())) return
    this.#queuedAt = clock.now()
    if (pools.wait(group, this)) return
    this.#queuedAt = undefined
    this.#refuse(refusal(503, 'queue-full', `as many requests wait for ${group.label} as may`))
  }

  #enter(pool: EndpointPool, now: number): void {
    const { endpoint } = pool
    this.#pool = pool
    this.#endpoint = endpoint
    endpoint.requests++
    this.#exchange.endpoint = endpoint.label
    this.#attemptedAt = now
  }

  #acquire(pool: EndpointPool): boolean {
    this.#isConnecting = false
    const isUnderWay = pool.acquire(this)
    this.#isConnecting = this.#upstream === undefined
    return isUnderWay
  }

  #keepNoMore(): void {
    if (this.#kept !== undefined) this.#services.kept.giveBack(this.#kept)
    this.#kept = undefined
  }

  #leaveLine(): void {
    if (this.#queuedAt !== undefined) this.#services.pools.leave(this.#facts.group, this)
    this.#queuedAt = this.#pinned = undefined
  }

  /** A connection that had been idle turned out to be none: what was sent on it was not looked at. */
  get #mayBeStale(): boolean {
    return this.#kept !== undefined && this.#staleCount < MAX_STALE
  }

  /** Those of its kind have been idle as long, mostly: a new one is opened. */
  #sendAgain(): void {
    this.#staleCount++
    this.#exchange.retries++
    this.#services.counts.retry('stale-connection')
    this.#pool!.closeIdle()
    this.#leaveEndpoint()
    this.begin()
  }

  /** Where the same endpoint would be asked again, its answer is as good now as then. */
  get #hasAnother(): boolean {
    const { endpoints } = this.#facts.group
    return endpoints.some((one) => one !== this.#endpoint && one.isUsable && !this.#tried?.has(one))
  }

  /** It does no harm to send it twice, all that has come of it is there, and the budget allows it: which is charged by asking. */
  get #mayRetry(): boolean {
    const { attempts, budget } = this.#services.retries
    const isRepeatable = this.#facts.isIdempotent && this.#kept !== undefined
    return isRepeatable && this.#retries < attempts && budget.withdraw()
  }

  /** Sends it again: to another endpoint, where there is one that was not tried. */
  #tryAnother(reason: RetryReason): void {
    const endpoint = this.#endpoint!
    this.#retries++
    this.#exchange.retries++
    this.#services.counts.retry(reason)
    this.#observeFailure()
    this.#leaveEndpoint()
    this.#tried ??= new Set()
    this.#tried.add(endpoint)
    if (this.#facts.group.endpoints.every((one) => !one.isUsable || this.#tried!.has(one))) this.#tried.clear()
    this.begin()
  }

  #reject(head: Http1Head): Refusal | 'stale' | 'failed' | undefined {
    // RFC 9110 section 15.5.9: said to a connection on which no request came, in the moment in which ours was sent. Some say it of
    // requests that they have read: one that must not be sent twice is the client's to send again.
    const isStale = head.status === 408 && !head.isKeepAlive && this.#upstream!.isReused
    if (isStale && this.#facts.isIdempotent && this.#mayBeStale) return 'stale'
    if (this.#services.retries.statuses.has(head.status) && this.#hasAnother && this.#mayRetry) return 'failed'
    const { label } = this.#endpoint!
    if (head.hasForeignCoding && head.content !== 'none' && head.content !== 'tunnel')
      return refusal(502, 'invalid-response', `${label}: a transfer coding that is not known here`)
    if (head.content !== 'tunnel') return undefined
    const wasAsked = this.#facts.answeredMethod === 'CONNECT' ? head.status !== 101 : this.#facts.isUpgrade
    return wasAsked && this.#isSent
      ? undefined
      : refusal(502, 'invalid-response', `${label}: ${head.status} to a request that did not ask for it`)
  }

  #withoutEndpoint(): Refusal {
    return this.#connectError === undefined
      ? refusal(503, 'no-endpoint', this.#facts.group.unavailable.message)
      : refusal(503, 'connect-failed', this.#connectError.message)
  }

  /** An endpoint has it, and has not begun to answer. */
  get #isAsking(): boolean {
    return this.#upstream !== undefined && !this.#hasAnswer
  }

  #isGiven(): void {
    const { attemptTimeoutMs, clock } = this.#services
    if (attemptTimeoutMs !== Infinity) this.#givenAt = clock.now()
  }

  #attemptTimedOut(): void {
    const { label } = this.#endpoint!
    this.#upstream!.abort()
    this.#upstream = undefined
    if (this.#mayRetry) return this.#tryAnother('attempt-timeout')
    this.#observeFailure()
    this.#leaveEndpoint()
    const seconds = this.#services.attemptTimeoutMs / 1000
    this.#refuse(refusal(504, 'attempt-timeout', `${label} has not begun to answer within ${seconds} s`))
  }

  #timedOut(): void {
    const { requestTimeoutMs } = this.#services
    // A server that still waits for the client's content is not to blame, nor one that has not got the request yet.
    if (this.#isSent && this.#isAsking) this.#observeFailure()
    const message = `${this.#endpoint?.label ?? this.#facts.group.label} has not answered within ${requestTimeoutMs / 1000} s`
    this.#giveUp(refusal(504, 'request-timeout', message))
  }

  #giveUp(why: Refusal): void {
    this.sourceGone()
    if (this.#hasAnswer) this.#source.breakOff(Object.assign(new Error(why.message), { code: 'ETIMEDOUT' }))
    else this.#source.refuse(why)
  }

  #refuse(why: Refusal): void {
    this.#end()
    this.#source.refuse(why)
  }

  #observeFailure(): void {
    this.#endpoint?.observe({ isFailure: true }, this.#services.clock.now())
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#keepNoMore()
    this.#services.load.count--
  }

  #leaveEndpoint(): void {
    if (this.#endpoint) this.#endpoint.requests--
    this.#endpoint = this.#pool = undefined
  }
}

const REASON_OF_LOSS: Readonly<Record<LossReason, RefusalReason>> = {
  closed: 'upstream-closed',
  reset: 'upstream-reset',
  'invalid-response': 'invalid-response',
}

function refusal(status: Refusal['status'], reason: RefusalReason, message: string): Refusal {
  return { status, reason, message }
}

function brokenResponse({ detail }: Loss): NodeJS.ErrnoException {
  return Object.assign(new Error(`the response broke off: ${detail}`), { code: 'ECONNRESET' })
}
