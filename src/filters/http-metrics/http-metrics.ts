import { inject } from 'tsyringe'
import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { formatSize, size } from '../../core/config/scalars.js'
import type { Connection } from '../../core/connection.js'
import { defineFilter, type Filter } from '../../core/filter.js'
import type { ListenerContext } from '../../core/listener-context.js'
import type { Metrics } from '../../core/metrics.js'
import type { Observer } from '../../core/observer.js'
import { CLOCK, LISTENER, METRICS, OPTIONS } from '../../core/tokens.js'
import { DEFAULT_MAX_HEAD_BYTES } from '../../protocols/http1-framing.js'
import { HttpMetricCells } from './http-metric-cells.js'
import { HTTP_SEEN, type HttpSeen } from './http-seen.js'
import { Http1Observer } from './http1-observer.js'

/** Requests of one connection that wait for their responses: far beyond any client; 16 KB of the observer's memory. */
const DEFAULT_MAX_PIPELINED = 1000

export const httpMetricsOptions = z.strictObject({
  maxHeadBytes: size({ minBytes: 1024, maxBytes: 1024 * 1024 })
    .prefault(formatSize(DEFAULT_MAX_HEAD_BYTES))
    .describe(
      'Largest head (start line and fields) or trailer section that is followed. A longer one ends the observation of its connection; the connection goes on.',
    ),
  maxPipelined: z
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_PIPELINED)
    .describe(
      'Requests of one connection that may wait for their responses. One more ends the observation of the connection; the connection goes on.',
    ),
})

/** The options as they are written. */
export type HttpMetricsInput = z.input<typeof httpMetricsOptions>
export type HttpMetricsOptions = z.output<typeof httpMetricsOptions>

/** Counts requests and responses of connections that are detected as HTTP/1, from beside the relay. */
export class HttpMetrics implements Filter<never> {
  readonly #options: HttpMetricsOptions
  readonly #clock: Clock
  readonly #cells: HttpMetricCells
  /** One function for all connections: what it needs of one, it is given. */
  readonly #observe = (connection: Connection): Observer => {
    const seen: HttpSeen = { requests: 0, responses: 0, lastStatus: 0 }
    connection.set(HTTP_SEEN, seen)
    return new Http1Observer(this.#cells, connection.destinationPort, seen, this.#clock, this.#options)
  }

  constructor(
    @inject(OPTIONS) options: HttpMetricsOptions,
    @inject(METRICS) metrics: Metrics,
    @inject(CLOCK) clock: Clock,
    @inject(LISTENER) listener: ListenerContext,
  ) {
    this.#options = options
    this.#clock = clock
    this.#cells = new HttpMetricCells(metrics, listener.name, listener.direction)
  }

  onConnection(connection: Connection): 'continue' {
    connection.trace.note('waits for http/1')
    connection.observe(this.#observe, HTTP_1)
    return 'continue'
  }
}

const HTTP_1 = { protocol: 'http/1' } as const

export const httpMetrics = defineFilter({ name: 'http-metrics', options: httpMetricsOptions, use: HttpMetrics })
