import { inject } from 'tsyringe'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { formatSize } from '../../core/config/scalar-text.js'
import { size } from '../../core/config/scalars.js'
import type { Connection } from '../../core/connection.js'
import { type CheckContext, defineFilter, type Filter, type Finding } from '../../core/filter.js'
import type { ListenerContext } from '../../core/listener-context.js'
import type { Metrics } from '../../core/metrics.js'
import type { Observer } from '../../core/observer.js'
import { CLOCK, LISTENER, METRICS, OPTIONS } from '../../core/tokens.js'
import { Http1Observer } from '../../http/http1-observer.js'
import { Http2Observer } from '../../http/http2-observer.js'
import { HTTP_RECORDER, HttpRecorder } from '../../http/http-recorder.js'
import { parsePathTemplate } from '../../http/path-template.js'
import { REQUEST_HUB, type RequestHub } from '../../http/request-hub.js'
import { DEFAULT_MAX_HEAD_BYTES } from '../../protocols/http1-framing.js'
import { ACCESS_LOG_FORMATS } from './access-log-format.js'

/** Requests of one connection that wait for their responses: far beyond any client; 100 KB of the observer's memory. */
const DEFAULT_MAX_PIPELINED = 1000
/** Servers let a client open 100 to 250 at once; this is a bound on memory, 300 bytes each. */
const DEFAULT_MAX_STREAMS = 1000
/** Values of one label. Each makes series of every status and bucket. */
const DEFAULT_MAX_LABEL_VALUES = 100

const template = z.string().transform((text, context) => {
  const parsed = parsePathTemplate(text)
  if (typeof parsed !== 'string') return parsed
  context.addIssue(`expected a path template such as /orders/{id}: ${parsed}`)
  return z.NEVER
})

const labels = z.strictObject({
  method: z.boolean().default(false).describe('`method`: one that RFC 9110 has, or `PATCH`; others are `other`.'),
  authority: z.boolean().default(false).describe('`authority`: the `Host` or `:authority`, in small letters.'),
  route: z
    .array(template)
    .default([])
    .describe(
      '`route`: the first of these path templates that matches, else `other`. `{id}` stands for one segment, `{rest...}` at the end for all that follow, at least one; segments are compared as they were sent, queries are left out. Paths themselves are never labels.',
    ),
  grpc: z.boolean().default(false).describe('`grpc_service` and `grpc_method`, of gRPC calls.'),
  maxValues: z
    .int()
    .min(1)
    .max(1000)
    .default(DEFAULT_MAX_LABEL_VALUES)
    .describe('Values of `authority`, `grpc_service` and `grpc_method` each; further ones are `other`, and counted.'),
})

export const httpMetricsOptions = z.strictObject({
  accessLog: z
    .enum(ACCESS_LOG_FORMATS)
    .optional()
    .describe(
      "A line a request on the standard output of `sluice run`: `json`, or `combined`, which is Apache's. Not there: none, and heads are not decoded for it. A library prints nothing; it has the event `request`.",
    ),
  labels: labels.prefault({}).describe('Labels that requests and responses get beside those that all have.'),
  maxHeadBytes: size({ minBytes: 1024, maxBytes: 1024 * 1024 })
    .prefault(formatSize(DEFAULT_MAX_HEAD_BYTES))
    .describe(
      'Largest head (start line and fields), trailer section or HTTP/2 header block that is followed. A larger one ends the observation of its connection; the connection goes on.',
    ),
  maxPipelined: z
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_PIPELINED)
    .describe(
      'Requests of one HTTP/1 connection that may wait for their responses. One more ends the observation of the connection; the connection goes on.',
    ),
  maxStreams: z
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_STREAMS)
    .describe(
      'Exchanges of one HTTP/2 connection that may be open at once. One more ends the observation of the connection; the connection goes on.',
    ),
})

/** The options as they are written. */
export type HttpMetricsInput = z.input<typeof httpMetricsOptions>
export type HttpMetricsOptions = z.output<typeof httpMetricsOptions>

/** Counts requests and responses of connections that are detected as HTTP, from beside the relay. */
export class HttpMetrics implements Filter<never> {
  readonly #options: HttpMetricsOptions
  readonly #recorder: HttpRecorder
  readonly #takenOver: readonly string[]
  // One function for all connections: what it needs of one, it is given.
  readonly #observeHttp1 = (connection: Connection): Observer =>
    new Http1Observer(this.#recorder.connection(connection), this.#options)
  readonly #observeHttp2 = (connection: Connection): Observer =>
    new Http2Observer(this.#recorder.connection(connection), this.#options)

  constructor(
    @inject(OPTIONS) options: HttpMetricsOptions,
    @inject(METRICS) metrics: Metrics,
    @inject(CLOCK) clock: Clock,
    @inject(LISTENER) listener: ListenerContext,
    @inject(REQUEST_HUB) hub: RequestHub,
  ) {
    const { route, ...wanted } = options.labels
    this.#options = options
    this.#takenOver = listener.takenOverLater ?? []
    this.#recorder = new HttpRecorder({ metrics, clock, listener, hub }, { ...wanted, routes: route })
  }

  onConnection(connection: Connection): 'continue' {
    connection.trace.note('waits for http')
    if (this.#isTakenOver) connection.set(HTTP_RECORDER, this.#recorder)
    if (!this.#leaves(HTTP_1.protocol)) connection.observe(this.#observeHttp1, HTTP_1)
    if (!this.#leaves(HTTP_2.protocol)) connection.observe(this.#observeHttp2, HTTP_2)
    return 'continue'
  }

  get #isTakenOver(): boolean {
    return this.#takenOver.length > 0
  }

  /** A later filter speaks the protocol itself, and records with our recorder what it carries. */
  #leaves(protocol: string): boolean {
    return this.#takenOver.includes(protocol)
  }
}

const HTTP_1 = { protocol: 'http/1' } as const
const HTTP_2 = { protocol: 'http/2' } as const

export const httpMetrics = defineFilter({ name: 'http-metrics', options: httpMetricsOptions, use: HttpMetrics, check })

/** A filter that speaks HTTP itself counts what it has taken, with the labels of an `http-metrics` that stands before it. */
function check({ labels: wanted }: z.output<typeof httpMetricsOptions>, context: CheckContext): Finding[] {
  const { method, authority, route, grpc } = wanted
  if (!context.before.includes('http-route') || !(method || authority || grpc || route.length > 0)) return []
  const message =
    'HTTP/1 gets none of them: http-route stands before, and has taken it. Put http-metrics before http-route'
  return [{ severity: 'warning', code: 'SLUICE_CONFIG_NO_EFFECT', path: ['labels'], message }]
}
