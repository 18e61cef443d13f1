import { formatAddress } from '../core/address.js'
import type { Clock } from '../core/clock.js'
import { type Connection, type FactKey, factKey } from '../core/connection.js'
import type { ListenerContext } from '../core/listener-context.js'
import type { Metrics } from '../core/metrics.js'
import type { HttpExchange } from './http-exchange.js'
import { classify, HttpMetricCells, type TargetCells, type TunnelKind } from './http-metric-cells.js'
import { HTTP_SEEN, type HttpSeen } from './http-seen.js'
import { RequestLabels, type RequestLabelOptions } from './request-labels.js'
import type { RequestChannel, RequestHub } from './request-hub.js'
import type { RequestRecord } from './request-record.js'

/** What a recorder is made of. */
export interface RecorderServices {
  readonly metrics: Metrics
  readonly clock: Clock
  readonly hub: RequestHub
  readonly listener: ListenerContext
}

/** Writes down what HTTP a listener carries: counts it, and tells the hub of each request where somebody listens there. */
export class HttpRecorder {
  readonly cells: HttpMetricCells
  readonly clock: Clock
  readonly listener: ListenerContext
  readonly labels: RequestLabels
  readonly #channel: RequestChannel

  constructor({ metrics, clock, hub, listener }: RecorderServices, labels: RequestLabelOptions) {
    this.cells = new HttpMetricCells(metrics, listener.name, listener.direction)
    this.clock = clock
    this.listener = listener
    this.labels = new RequestLabels(labels, this.cells)
    this.#channel = hub.channel(listener.name)
  }

  /** Somebody wants to know method, target and authority: labels, or a listener at the hub. Else nobody need decode them. */
  get isDetailed(): boolean {
    return this.labels.areWanted || this.#channel.isWanted
  }

  get isListenedTo(): boolean {
    return this.#channel.isWanted
  }

  record(record: RequestRecord): void {
    this.#channel.publish(record)
  }

  /** For one connection, whose summary gets what is seen of it. */
  connection(connection: Connection): ConnectionRecorder {
    return new ConnectionRecorder(this, connection)
  }
}

/** Writes down the exchanges of one connection. */
export class ConnectionRecorder {
  readonly #recorder: HttpRecorder
  readonly #connection: Connection
  readonly #target: TargetCells
  readonly #seen: HttpSeen = { requests: 0, responses: 0, lastStatus: 0 }
  #now: number | undefined

  constructor(recorder: HttpRecorder, connection: Connection) {
    this.#recorder = recorder
    this.#connection = connection
    this.#target = recorder.cells.target(connection.destinationPort)
    connection.set(HTTP_SEEN, this.#seen)
  }

  /** New bytes have come: what they bring happens now, which the clock is asked for at most once. */
  beginTurn(): void {
    this.#now = undefined
  }

  now(): number {
    return (this.#now ??= this.#recorder.clock.now())
  }

  get isDetailed(): boolean {
    return this.#recorder.isDetailed
  }

  /** The request's head is complete, and what it says is in the exchange as far as somebody wants it. */
  requestHead(exchange: HttpExchange): void {
    const { labels } = this.#recorder
    const cells =
      labels.areWanted || exchange.route !== undefined ? this.#target.labelled(labels.of(exchange)) : this.#target.plain
    exchange.cells = cells
    cells.requests.value++
    this.#recorder.cells.inFlight.value++
    this.#seen.requests++
  }

  /** The head of the response is complete. A response that nobody asked for has an exchange of its own, without a request. */
  responseHead(exchange: HttpExchange, status: number): void {
    exchange.status = status
    if (exchange.cells !== undefined) return
    this.#recorder.cells.unaskedResponses.value++
  }

  /** The first byte of its content has come, or its end. */
  responseContent(exchange: HttpExchange): void {
    if (exchange.latencyMs !== undefined) return
    exchange.latencyMs = this.now() - exchange.startedAt
    exchange.cells?.latency(exchange.status).observe(exchange.latencyMs)
  }

  /** The response has come to its end; or it never will, for the reason that `error` gives. */
  end(exchange: HttpExchange, error = ''): void {
    const wasAsked = exchange.cells !== undefined
    const cells = exchange.cells ?? this.#target.plain
    cells.countResponse({ status: exchange.status, grpcStatus: exchange.grpcStatus, error })
    cells.countBytes('client', exchange.requestBytes)
    cells.countBytes('server', exchange.responseBytes)
    cells.countMessages('client', exchange.requestMessages)
    cells.countMessages('server', exchange.responseMessages)
    exchange.isOver = true
    if (wasAsked) this.#recorder.cells.inFlight.value--
    if (exchange.status !== 0) {
      this.#seen.responses++
      this.#seen.lastStatus = exchange.status
    }
    // Whoever began to listen while it was under way is told of requests whose heads were still to come.
    if (wasAsked && exchange.method !== '' && this.#recorder.isListenedTo)
      this.#recorder.record(this.#recordOf(exchange, error))
  }

  /**
   * A request whose head never was complete has been answered by the proxy itself. Nothing is known of it under which it could be
   * counted; whoever listens is told, without a method and a target.
   */
  headRefused(exchange: HttpExchange): void {
    this.responseContent(exchange)
    exchange.isOver = true
    if (this.#recorder.isListenedTo) this.#recorder.record(this.#recordOf(exchange, ''))
  }

  /** Whether it will ever have a response cannot be told any more: it is no longer in flight, and no failure. */
  abandon(exchange: HttpExchange): void {
    if (exchange.cells !== undefined) this.#recorder.cells.inFlight.value--
  }

  tunnel(kind: TunnelKind): void {
    this.#recorder.cells.countTunnel(kind)
  }

  push(): void {
    this.#recorder.cells.pushes.value++
  }

  stopped(reason: string): void {
    this.#recorder.cells.countStopped(reason)
  }

  #recordOf(exchange: HttpExchange, error: string): RequestRecord {
    const { clock, listener } = this.#recorder
    const { source, destination } = this.#connection
    const { status, grpcStatus, isGrpc, version, userAgent, referer, route, latencyMs, refused } = exchange
    const durationMs = this.now() - exchange.startedAt
    return {
      listener: listener.name,
      connection: this.#connection.id,
      source: formatAddress(source.host, source.port),
      ...((exchange.endpoint ?? destination) && { destination: exchange.endpoint ?? destination!.label }),
      protocol: isGrpc ? 'grpc' : version === '2.0' ? 'http/2' : 'http/1',
      version,
      method: exchange.method,
      target: exchange.target,
      authority: exchange.authority,
      ...(userAgent !== undefined && { userAgent }),
      ...(referer !== undefined && { referer }),
      startedAt: clock.wallTime() - durationMs,
      ...(status !== 0 && { status }),
      ...(grpcStatus !== undefined && { grpcStatus }),
      classification: classify({ status, grpcStatus, error }),
      ...(error !== '' && { error }),
      ...(latencyMs !== undefined && { latencyMs }),
      durationMs,
      bytes: { client: exchange.requestBytes, server: exchange.responseBytes },
      ...(isGrpc && { messages: { client: exchange.requestMessages, server: exchange.responseMessages } }),
      ...(route !== undefined && { route }),
      ...(refused !== undefined && { refused }),
      ...(exchange.retries > 0 && { retries: exchange.retries }),
    }
  }
}

/** The recorder of an `http-metrics` that stands before a filter which speaks HTTP itself: with its labels, and counted once. */
export const HTTP_RECORDER: FactKey<HttpRecorder> = factKey('http-recorder')
