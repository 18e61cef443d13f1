import type { Clock } from '../../core/clock.js'
import type { AnsweredMethod } from '../../protocols/http1-framing.js'
import type { Http1Head } from '../../protocols/http1-head.js'
import type { HttpMetricCells, StatusCells, TargetCells, TunnelKind } from './http-metric-cells.js'
import type { HttpSeen } from './http-seen.js'
import { OutstandingRequests } from './outstanding-requests.js'

/** Pairs what was asked on one connection with what was answered, in order, and counts both. */
export class Exchanges {
  /** Set once more requests wait than may. */
  isTooDeep = false
  /** Set once the connection is a tunnel. */
  tunnel: TunnelKind | undefined
  readonly #cells: HttpMetricCells
  readonly #target: TargetCells
  readonly #seen: HttpSeen
  readonly #clock: Clock
  readonly #outstanding: OutstandingRequests
  readonly #onRefused: () => void
  #now: number | undefined
  #requestStart = 0
  /** The response under way, from its head to its end. */
  #response: StatusCells | undefined
  #status = 0
  /** A request waits for it. */
  #isAsked = false
  #isTimed = false

  /** Calls `onRefused` when the head of the answer to the last request has come and makes no tunnel. */
  constructor(
    cells: HttpMetricCells,
    targetPort: number,
    seen: HttpSeen,
    clock: Clock,
    maxPipelined: number,
    onRefused: () => void,
  ) {
    this.#cells = cells
    this.#target = cells.target(targetPort)
    this.#seen = seen
    this.#clock = clock
    this.#outstanding = new OutstandingRequests(maxPipelined)
    this.#onRefused = onRefused
  }

  /** New bytes have come: what they bring happens now, which the clock is asked for at most once. */
  beginTurn(): void {
    this.#now = undefined
  }

  get answeredMethod(): AnsweredMethod {
    return this.#outstanding.size === 0 ? 'other' : this.#outstanding.firstMethod
  }

  requestStarts(): void {
    this.#requestStart = this.#time()
  }

  requestHead(head: Http1Head): void {
    this.#target.requests.value++
    this.#seen.requests++
    if (!this.#outstanding.push(this.#requestStart, methodOf(head))) this.isTooDeep = true
  }

  responseHead(head: Http1Head): void {
    this.#status = head.status
    this.#response = this.#target.status(head.status)
    this.#isAsked = this.#outstanding.size > 0
    this.#isTimed = false
    if (!this.#isAsked) this.#cells.unaskedResponses.value++
    if (head.content === 'tunnel') {
      this.tunnel = head.status === 101 ? 'upgrade' : 'connect'
      this.responseEnds()
    } else if (this.#outstanding.size === 1) this.#onRefused()
  }

  responseContent(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    if (this.#isAsked) this.#response!.latency.observe(this.#time() - this.#outstanding.firstStart)
  }

  responseEnds(): void {
    this.responseContent()
    this.#response!.complete.value++
    this.#endResponse()
  }

  /** No response will come any more: one under way is broken, those outstanding never came. */
  settle(): void {
    if (this.#response !== undefined) {
      this.#response.countBroken()
      this.#endResponse()
    }
    for (; this.#outstanding.size > 0; this.#outstanding.shift()) this.#target.unanswered.countBroken()
  }

  #endResponse(): void {
    this.#response = undefined
    this.#seen.responses++
    this.#seen.lastStatus = this.#status
    if (this.#isAsked) this.#outstanding.shift()
  }

  #time(): number {
    return (this.#now ??= this.#clock.now())
  }
}

function methodOf(head: Http1Head): AnsweredMethod {
  if (head.isConnect) return 'CONNECT'
  return head.isHead ? 'HEAD' : 'other'
}
