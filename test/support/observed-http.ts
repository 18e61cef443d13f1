import { expect } from 'vitest'
import type { Clock } from '../../src/core/clock.js'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { Connection } from '../../src/core/connection.js'
import type { ListenerContext } from '../../src/core/listener-context.js'
import { MetricsRegistry } from '../../src/core/metrics.js'
import type { Observer } from '../../src/core/observer.js'
import { ObserverSet } from '../../src/core/observer-set.js'
import type { Side } from '../../src/core/side.js'
import { Http1Observer } from '../../src/http/http1-observer.js'
import { Http2Observer } from '../../src/http/http2-observer.js'
import { HttpRecorder } from '../../src/http/http-recorder.js'
import { RequestHub } from '../../src/http/request-hub.js'
import type { RequestLabelOptions } from '../../src/http/request-labels.js'
import type { RequestRecord } from '../../src/http/request-record.js'

/** Time that stands still until it is told. */
class StandingClock implements Clock {
  time = 1000
  now = (): number => this.time
  wallTime = (): number => 1_700_000_000_000 + this.time
  setTimer = (): never => expect.unreachable('observing starts no timer')
  afterPoll = (): never => expect.unreachable('observing waits for nothing')
}

/** A connection whose two sides a test speaks for, and what is counted of it. The chunks are overwritten after each call. */
export class ObservedHttp {
  readonly metrics = new MetricsRegistry()
  readonly clock = new StandingClock()
  readonly hub = new RequestHub()
  readonly records: RequestRecord[] = []
  readonly #recorder: HttpRecorder
  readonly #limits: ObservedLimits
  #set: ObserverSet | undefined
  #protocol: 'http/1' | 'http/2'

  constructor(
    protocol: 'http/1' | 'http/2',
    { labels = {}, isListenedTo = false, ...limits }: Partial<ObservedLimits> & ObservedOptions = {},
  ) {
    const listener = { name: 'web', direction: 'inbound' } as ListenerContext
    const services = { metrics: this.metrics, clock: this.clock, hub: this.hub, listener }
    this.#recorder = new HttpRecorder(services, { ...NO_LABELS, ...labels })
    this.#limits = { maxHeadBytes: 65_536, maxPipelined: 1000, maxStreams: 1000, ...limits }
    this.#protocol = protocol
    if (isListenedTo) this.listen()
    this.connect()
  }

  listen(): () => void {
    return this.hub.subscribe((record) => void this.records.push(record))
  }

  /** A new connection, on the same listener. */
  connect(): this {
    const connection = {
      id: 7,
      destinationPort: 8080,
      source: { host: '10.0.0.9', port: 4711 },
      destination: { label: '10.0.0.1:8080' },
      set() {},
    } as unknown as Connection
    const recorder = this.#recorder.connection(connection)
    const observer: Observer =
      this.#protocol === 'http/1'
        ? new Http1Observer(recorder, this.#limits)
        : new Http2Observer(recorder, this.#limits)
    this.#set = new ObserverSet((error) => {
      throw error
    })
    this.#set.add(observer)
    return this
  }

  say(side: Side, ...pieces: readonly (string | Uint8Array)[]): this {
    for (const piece of pieces) {
      const chunk = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : Buffer.from(piece)
      this.#set!.onBytes(side, chunk)
      chunk.fill(0xa5)
    }
    return this
  }

  client(...pieces: readonly (string | Uint8Array)[]): this {
    return this.say('client', ...pieces)
  }

  server(...pieces: readonly (string | Uint8Array)[]): this {
    return this.say('server', ...pieces)
  }

  end(side: Side): this {
    this.#set!.onEnd(side)
    return this
  }

  /** The connection is over: nothing is in flight any more, whatever happened. */
  close(): this {
    this.#set!.onClose({} as CloseSummary)
    expect(this.inFlight, 'requests in flight after the close').toBe(0)
    return this
  }

  /** Somebody still looks. */
  get isObserved(): boolean {
    return this.#set!.isLooking
  }

  count(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const value = this.metrics.read(name, labels)
    if (value === undefined) throw new Error(`there is no metric ${name}`)
    return value
  }

  get requests(): number {
    return this.count('request_total')
  }

  responses(labels?: Readonly<Record<string, string>>): number {
    return this.count('response_total', labels)
  }

  get inFlight(): number {
    return this.count('sluice_http_requests_in_flight')
  }

  stopped(reason?: string): number {
    return this.count('sluice_http_observer_stopped_total', reason === undefined ? {} : { reason })
  }

  /** Bytes of content, of requests and of responses. */
  get bodyBytes(): readonly [requests: number, responses: number] {
    return [this.count('sluice_http_request_body_bytes_total'), this.count('sluice_http_response_body_bytes_total')]
  }

  /** gRPC messages, of clients and of servers. */
  get messages(): readonly [client: number, server: number] {
    const from = (side: Side): number => this.count('sluice_grpc_messages_total', { from: side })
    return [from('client'), from('server')]
  }
}

interface ObservedLimits {
  readonly maxHeadBytes: number
  readonly maxPipelined: number
  readonly maxStreams: number
}

interface ObservedOptions {
  readonly labels?: Partial<RequestLabelOptions>
  /** Somebody wants to hear of each request from the beginning. */
  readonly isListenedTo?: boolean
}

const NO_LABELS: RequestLabelOptions = { method: false, authority: false, routes: [], grpc: false, maxValues: 100 }
