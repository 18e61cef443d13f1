import type { Direction } from '../../core/listener-context.js'
import type { Cell, Family, HistogramCell, Metrics } from '../../core/metrics.js'
import type { Http1Failure } from '../../protocols/http1-failure.js'

/** Milliseconds. Linkerd's (linkerd/metrics/src/latency.rs), so that quantiles of both can be laid side by side. */
export const LATENCY_BUCKETS_MS = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000, 30_000,
  40_000, 50_000,
] as const

/** Target ports that get a label of their own; an intercepting listener could see 65,535. All others are one, `other`. */
export const MAX_TARGET_PORTS = 100

/** Why looking at a connection ended before it did. */
export type StopReason = Http1Failure | 'pipeline-too-deep' | 'early-bytes-too-many'

export type TunnelKind = 'upgrade' | 'connect'

type TargetLabel = 'direction' | 'target_port' | 'tls'
type ResponseLabel = TargetLabel | 'status_code' | 'classification' | 'grpc_status' | 'error'

const TARGET_LABELS = ['direction', 'target_port', 'tls'] as const satisfies readonly TargetLabel[]

/** What is observed is not encrypted: as Linkerd labels it. */
const TLS = 'disabled'

/** The metrics of one `http-metrics` filter. Every series is looked up once and then only added to. */
export class HttpMetricCells {
  readonly unaskedResponses: Cell
  readonly #requests: Family<TargetLabel, Cell>
  readonly #responses: Family<ResponseLabel, Cell>
  readonly #latency: Family<TargetLabel | 'status_code', HistogramCell>
  readonly #stopped: Family<'listener' | 'reason', Cell>
  readonly #tunnels: Family<'listener' | 'kind', Cell>
  readonly #listener: string
  readonly #direction: Direction
  readonly #targets = new Map<number, TargetCells>()
  #otherTargets: TargetCells | undefined

  constructor(metrics: Metrics, listener: string, direction: Direction) {
    this.#listener = listener
    this.#direction = direction
    this.#requests = metrics.counter(
      'request_total',
      'HTTP requests, counted when their head is complete.',
      TARGET_LABELS,
    )
    this.#responses = metrics.counter('response_total', 'HTTP responses, counted at their end.', [
      ...TARGET_LABELS,
      'status_code',
      'classification',
      'grpc_status',
      'error',
    ])
    this.#latency = metrics.histogram(
      'response_latency_ms',
      'Milliseconds from the first byte of a request to the first byte of its response body, or to the end of one without.',
      [...TARGET_LABELS, 'status_code'],
      LATENCY_BUCKETS_MS,
    )
    this.#stopped = metrics.counter(
      'sluice_http_observer_stopped_total',
      'Connections that were carried on unobserved because their HTTP could not be followed.',
      ['listener', 'reason'],
    )
    this.#tunnels = metrics.counter('sluice_http_tunnels_total', 'HTTP connections that became a tunnel.', [
      'listener',
      'kind',
    ])
    this.unaskedResponses = metrics
      .counter('sluice_http_unasked_responses_total', 'Responses that came while no request waited for one.', [
        'listener',
      ])
      .cell({ listener })
  }

  /** Looked up when a connection starts to be observed. */
  target(port: number): TargetCells {
    const known = this.#targets.get(port)
    if (known) return known
    if (this.#targets.size >= MAX_TARGET_PORTS) return (this.#otherTargets ??= this.#makeTarget('other'))
    const made = this.#makeTarget(String(port))
    this.#targets.set(port, made)
    return made
  }

  countStopped(reason: StopReason): void {
    this.#stopped.cell({ listener: this.#listener, reason }).value++
  }

  countTunnel(kind: TunnelKind): void {
    this.#tunnels.cell({ listener: this.#listener, kind }).value++
  }

  #makeTarget(port: string): TargetCells {
    const labels = { direction: this.#direction, target_port: port, tls: TLS }
    return new TargetCells(
      this.#requests.cell(labels),
      (status) => new StatusCells(this.#responses, this.#latency, labels, status),
    )
  }
}

/** The series of one target port. */
export class TargetCells {
  readonly requests: Cell
  readonly #makeStatus: (status: string) => StatusCells
  /** Indexed by status less 100. */
  readonly #byStatus: (StatusCells | undefined)[] = []
  #unanswered: StatusCells | undefined

  constructor(requests: Cell, makeStatus: (status: string) => StatusCells) {
    this.requests = requests
    this.#makeStatus = makeStatus
  }

  status(status: number): StatusCells {
    return (this.#byStatus[status - 100] ??= this.#makeStatus(String(status)))
  }

  /** For requests whose response never came: without a status. */
  get unanswered(): StatusCells {
    return (this.#unanswered ??= this.#makeStatus(''))
  }
}

/** The series of one status, made as they are needed. */
export class StatusCells {
  readonly #responses: Family<ResponseLabel, Cell>
  readonly #latencyFamily: Family<TargetLabel | 'status_code', HistogramCell>
  readonly #labels: Readonly<Record<TargetLabel, string>>
  readonly #status: string
  #complete: Cell | undefined
  #latency: HistogramCell | undefined

  constructor(
    responses: Family<ResponseLabel, Cell>,
    latency: Family<TargetLabel | 'status_code', HistogramCell>,
    labels: Readonly<Record<TargetLabel, string>>,
    status: string,
  ) {
    this.#responses = responses
    this.#latencyFamily = latency
    this.#labels = labels
    this.#status = status
  }

  get complete(): Cell {
    // Linkerd's classification of HTTP without gRPC: 5xx is failure, nothing else is.
    return (this.#complete ??= this.#response(this.#status.startsWith('5') ? 'failure' : 'success', ''))
  }

  get latency(): HistogramCell {
    return (this.#latency ??= this.#latencyFamily.cell({ ...this.#labels, status_code: this.#status }))
  }

  /** The connection ended before the response did. */
  countBroken(): void {
    this.#response('failure', 'unclassified').value++
  }

  #response(classification: 'success' | 'failure', error: '' | 'unclassified'): Cell {
    return this.#responses.cell({ ...this.#labels, status_code: this.#status, classification, grpc_status: '', error })
  }
}
