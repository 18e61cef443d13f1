import type { AnsweredMethod } from '../protocols/http1-framing.js'
import type { Http1Head } from '../protocols/http1-head.js'
import { describeRequest } from './describe-request.js'
import { HttpExchange } from './http-exchange.js'
import type { ConnectionRecorder } from './http-recorder.js'
import { OutstandingRequests } from './outstanding-requests.js'

/** What a connection turns into when it stops speaking HTTP/1. */
export type Http1Tunnel = 'upgrade' | 'connect' | 'http/2'

/** Pairs what was asked on one HTTP/1 connection with what was answered, in order, and has both written down. */
export class Http1Exchanges {
  /** Set once more requests wait than may. */
  isTooDeep = false
  /** Set once the connection is a tunnel. */
  tunnel: Http1Tunnel | undefined
  readonly #recorder: ConnectionRecorder
  readonly #outstanding: OutstandingRequests
  readonly #onRefused: () => void
  /** One that is over, for the next request: most connections never need another. */
  #spare: HttpExchange | undefined
  /** The request under way, from its first byte to its last. */
  #request: HttpExchange | undefined
  /** The response under way, from its head to its end; without a request where nobody asked. */
  #response: HttpExchange | undefined

  /** Calls `onRefused` when the head of the answer to the last request has come and makes no tunnel. */
  constructor(recorder: ConnectionRecorder, maxPipelined: number, onRefused: () => void) {
    this.#recorder = recorder
    this.#outstanding = new OutstandingRequests(maxPipelined)
    this.#onRefused = onRefused
  }

  get answeredMethod(): AnsweredMethod {
    return this.#outstanding.size === 0 ? 'other' : this.#outstanding.firstMethod
  }

  requestStarts(): void {
    const now = this.#recorder.now()
    this.#request = this.#spare?.reset(now) ?? new HttpExchange(now)
    this.#spare = undefined
  }

  requestHead(head: Http1Head): void {
    const request = this.#request!
    if (this.#recorder.isDetailed) describeRequest(request, head)
    this.#recorder.requestHead(request)
    if (this.#outstanding.push(request, methodOf(head))) return
    this.isTooDeep = true
    this.#recorder.abandon(request)
  }

  /** So many bytes of content of the request have come, which is all. */
  requestEnds(bodyBytes: number): void {
    const request = this.#request
    this.#request = undefined
    if (request === undefined) return
    countContent(request, bodyBytes)
    // Its answer came before its end, and made no tunnel: nobody else would let what follows go on.
    if (request.status !== 0 && this.tunnel === undefined) this.#onRefused()
  }

  responseHead(head: Http1Head): void {
    const exchange = this.#outstanding.first ?? new HttpExchange(this.#recorder.now())
    this.#response = exchange
    this.#recorder.responseHead(exchange, head.status)
    if (head.content === 'tunnel') this.#becomeTunnel(head)
    else if (this.#outstanding.size === 1) this.#onRefused()
  }

  responseContent(): void {
    this.#recorder.responseContent(this.#response!)
  }

  /** `requestBodyBytes`: of the request under way, so far. */
  responseEnds(bodyBytes: number, requestBodyBytes: number): void {
    const exchange = this.#response!
    this.#response = undefined
    exchange.responseBytes = bodyBytes
    if (exchange === this.#request) countContent(exchange, requestBodyBytes)
    this.#recorder.responseContent(exchange)
    this.#end(exchange, '')
  }

  /** No response will come any more: one under way is broken, those outstanding never came. The bytes are of those under way. */
  settle(bodyBytes: number, requestBodyBytes: number): void {
    const request = this.#request
    if (request?.cells !== undefined) countContent(request, requestBodyBytes)
    const broken = this.#response
    this.#response = undefined
    if (broken !== undefined) {
      broken.responseBytes = bodyBytes
      this.#end(broken, 'unclassified')
    }
    for (let next = this.#outstanding.first; next !== undefined; next = this.#outstanding.first)
      this.#end(next, 'unclassified')
  }

  /** What comes cannot be followed any more. */
  abandon(): void {
    for (; this.#outstanding.size > 0; this.#outstanding.shift()) this.#recorder.abandon(this.#outstanding.first!)
  }

  /** The exchange whose answer goes on as HTTP/2: from here on somebody else's. */
  takeUpgraded(): HttpExchange {
    const upgraded = this.#outstanding.first!
    this.#outstanding.shift()
    this.#response = undefined
    upgraded.status = 0
    return upgraded
  }

  #becomeTunnel(head: Http1Head): void {
    const isHttp2 = head.status === 101 && this.#outstanding.size > 0 && isH2c(head.get('upgrade'))
    this.tunnel = isHttp2 ? 'http/2' : head.status === 101 ? 'upgrade' : 'connect'
    if (!isHttp2) this.responseEnds(0, 0)
  }

  #end(exchange: HttpExchange, error: string): void {
    this.#recorder.end(exchange, error)
    if (exchange !== this.#outstanding.first) return
    this.#outstanding.shift()
    if (exchange !== this.#request) this.#spare = exchange
  }
}

/** So many bytes of the request's content have come by now. It may have had its answer already, and been written down. */
function countContent(exchange: HttpExchange, bodyBytes: number): void {
  if (exchange.isOver) exchange.cells?.countBytes('client', bodyBytes - exchange.requestBytes)
  exchange.requestBytes = bodyBytes
}

function methodOf(head: Http1Head): AnsweredMethod {
  if (head.isConnect) return 'CONNECT'
  return head.isHead ? 'HEAD' : 'other'
}

/** RFC 7540 section 3.2. */
function isH2c(upgrade: string | undefined): boolean {
  return upgrade?.toLowerCase() === 'h2c'
}
