import type { Clock } from '../../core/clock.js'
import type { Cell, Family, Metrics } from '../../core/metrics.js'
import type { ForwardingFields } from './forwarding-fields.js'
import type { Gather } from './gather.js'
import type { KeptRequests } from './kept-requests.js'
import type { RefusalReason } from './refusal.js'
import type { RetryBudget } from './retry-budget.js'
import type { RouteRule } from './route-rule.js'
import type { UpstreamPools } from './upstream-pools.js'

/** Why a request was sent again. A metric label. */
export type RetryReason = 'connect-failed' | 'stale-connection' | 'upstream-lost' | 'attempt-timeout' | 'status'

/** When requests are sent again. */
export interface RetryPolicy {
  readonly attempts: number
  readonly statuses: ReadonlySet<number>
  readonly budget: RetryBudget
}

/** Requests under way. */
export interface RequestLoad {
  count: number
  readonly max: number
}

/** What the requests of one listener share; of one client, where pools are its own. */
export interface RouteServices {
  readonly pools: UpstreamPools
  readonly rules: readonly RouteRule[]
  readonly retries: RetryPolicy
  readonly load: RequestLoad
  /** What is added to each request; undefined: nothing. */
  readonly forwarding: ForwardingFields | undefined
  readonly clock: Clock
  readonly counts: RouteCounts
  readonly out: Gather
  readonly kept: KeptRequests
  readonly maxHeadBytes: number
  /** From the first byte of a head to its last. */
  readonly headerTimeoutMs: number
  /** Between requests. */
  readonly idleTimeoutMs: number
  /** From a request's first byte to its response's last. Infinity: as long as it takes. */
  readonly requestTimeoutMs: number
  /** From the moment in which an endpoint has all of a request to the head of its response. Infinity: as long as it takes. */
  readonly attemptTimeoutMs: number
  /** How long a request waits for a connection of an endpoint that holds as many as it may. */
  readonly connectTimeoutMs: number
}

/** What is counted beside what `http-metrics` counts. */
export class RouteCounts {
  readonly #listener: string
  readonly #refused: Family<'listener' | 'reason', Cell>
  readonly #retries: Family<'listener' | 'reason', Cell>

  constructor(metrics: Metrics, listener: string) {
    this.#listener = listener
    this.#refused = metrics.counter(
      'sluice_http_refused_total',
      'Requests that were answered by the proxy itself, because they could not be sent on or nobody answered.',
      ['listener', 'reason'],
    )
    this.#retries = metrics.counter('sluice_http_retries_total', 'Times that a request was sent again.', [
      'listener',
      'reason',
    ])
  }

  refused(reason: RefusalReason): void {
    this.#refused.cell({ listener: this.#listener, reason }).value++
  }

  retry(reason: RetryReason): void {
    this.#retries.cell({ listener: this.#listener, reason }).value++
  }
}
