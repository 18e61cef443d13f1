import type { Direction } from '../core/listener-context.js'
import type { Cell, Family, HistogramCell, Metrics } from '../core/metrics.js'
import type { Side } from '../core/side.js'

/** Milliseconds. Linkerd's (linkerd/metrics/src/latency.rs), so that quantiles of both can be laid side by side. */
export const LATENCY_BUCKETS_MS = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000, 30_000,
  40_000, 50_000,
] as const

/** Target ports that get a label of their own; an intercepting listener could see 65,535. All others are one, `other`. */
export const MAX_TARGET_PORTS = 100

/** Sets of values of the optional labels that have series of their own: half of what a family holds. Further ones are one, all `other`. */
export const MAX_LABELLED = 1000

export type TunnelKind = 'upgrade' | 'connect'

/** Labels that are there where the configuration asks for them. */
export type OptionalLabel = 'method' | 'authority' | 'route' | 'grpc_service' | 'grpc_method'
export type OptionalLabels = Readonly<Partial<Record<OptionalLabel, string>>>

type TargetLabel = 'direction' | 'target_port' | 'tls'
type ResponseLabel = TargetLabel | 'status_code' | 'classification' | 'grpc_status' | 'error'
type TargetLabels = Readonly<Record<TargetLabel, string>> & OptionalLabels

const TARGET_LABELS = ['direction', 'target_port', 'tls'] as const satisfies readonly TargetLabel[]
const OPTIONAL_LABELS = [
  'method',
  'authority',
  'route',
  'grpc_service',
  'grpc_method',
] as const satisfies readonly OptionalLabel[]

const OTHER = 'other'

/** What is observed is not encrypted: as Linkerd labels it. */
const TLS = 'disabled'

/** Linkerd's classification: of HTTP 5xx, of gRPC unknown, deadline exceeded, permission denied, internal, unavailable, data loss. */
const GRPC_FAILURES: readonly number[] = [2, 4, 7, 13, 14, 15]

export type Classification = 'success' | 'failure'

/** What a response came to. */
export interface ResponseEnd {
  /** 0 where none came. */
  readonly status: number
  /** Of gRPC, where it is known. */
  readonly grpcStatus: number | undefined
  /** Why it did not come to its end, else empty. */
  readonly error: string
}

export function classify({ status, grpcStatus, error }: ResponseEnd): Classification {
  if (error !== '' || status === 0 || (status >= 500 && status < 600)) return 'failure'
  return grpcStatus !== undefined && GRPC_FAILURES.includes(grpcStatus) ? 'failure' : 'success'
}

/** The metrics of HTTP on one listener. Every series is looked up once and then only added to. */
export class HttpMetricCells {
  readonly unaskedResponses: Cell
  readonly inFlight: Cell
  readonly pushes: Cell
  readonly #families: Families
  readonly #stopped: Family<'listener' | 'reason', Cell>
  readonly #tunnels: Family<'listener' | 'kind', Cell>
  readonly #overflow: Family<'listener' | 'label', Cell>
  readonly #listener: string
  readonly #direction: Direction
  readonly #targets = new Map<number, TargetCells>()
  #otherTargets: TargetCells | undefined

  constructor(metrics: Metrics, listener: string, direction: Direction) {
    this.#listener = listener
    this.#direction = direction
    this.#families = makeFamilies(metrics)
    this.#stopped = metrics.counter(
      'sluice_http_observer_stopped_total',
      'Connections that were carried on unobserved because their HTTP could not be followed.',
      ['listener', 'reason'],
    )
    this.#tunnels = metrics.counter('sluice_http_tunnels_total', 'HTTP connections and streams that became a tunnel.', [
      'listener',
      'kind',
    ])
    this.#overflow = metrics.counter(
      'sluice_http_label_overflow_total',
      'Requests whose value of an optional label was one too many, and became other; all: of their set of values.',
      ['listener', 'label'],
    )
    const own = { listener }
    this.unaskedResponses = metrics
      .counter('sluice_http_unasked_responses_total', 'Responses that came while no request waited for one.', [
        'listener',
      ])
      .cell(own)
    this.inFlight = metrics
      .gauge('sluice_http_requests_in_flight', 'Requests whose head has come and whose response has not ended.', [
        'listener',
      ])
      .cell(own)
    this.pushes = metrics
      .counter('sluice_http_pushes_total', 'Requests that an HTTP/2 server made up, to push the response.', [
        'listener',
      ])
      .cell(own)
  }

  /** Looked up when a connection starts to be observed. */
  target(port: number): TargetCells {
    const known = this.#targets.get(port)
    if (known) return known
    if (this.#targets.size >= MAX_TARGET_PORTS) return (this.#otherTargets ??= this.#makeTarget(OTHER))
    const made = this.#makeTarget(String(port))
    this.#targets.set(port, made)
    return made
  }

  countStopped(reason: string): void {
    this.#stopped.cell({ listener: this.#listener, reason }).value++
  }

  countTunnel(kind: TunnelKind): void {
    this.#tunnels.cell({ listener: this.#listener, kind }).value++
  }

  /** Where values of an optional label that are one too many are counted. */
  overflow(label: string): Cell {
    return this.#overflow.cell({ listener: this.#listener, label })
  }

  #makeTarget(port: string): TargetCells {
    const labels = { direction: this.#direction, target_port: port, tls: TLS }
    return new TargetCells(this.#families, labels, this.#overflow.cell({ listener: this.#listener, label: 'all' }))
  }
}

/** The series of one target port: those without optional labels, and those with. */
export class TargetCells {
  readonly #families: Families
  readonly #labels: Readonly<Record<TargetLabel, string>>
  readonly #labelled = new Map<string, RequestCells>()
  readonly #overflow: Cell
  #plain: RequestCells | undefined
  #otherLabels: RequestCells | undefined

  constructor(families: Families, labels: Readonly<Record<TargetLabel, string>>, overflow: Cell) {
    this.#families = families
    this.#overflow = overflow
    this.#labels = labels
  }

  /** Without optional labels. */
  get plain(): RequestCells {
    return (this.#plain ??= new RequestCells(this.#families, this.#labels))
  }

  /** The values of `labels` must be bounded. */
  labelled(labels: OptionalLabels): RequestCells {
    let key = ''
    for (const name of OPTIONAL_LABELS) key += `${labels[name] ?? ''}\0`
    const known = this.#labelled.get(key)
    if (known !== undefined) return known
    if (this.#labelled.size >= MAX_LABELLED) return this.#others(labels)
    const cells = new RequestCells(this.#families, { ...this.#labels, ...labels })
    this.#labelled.set(key, cells)
    return cells
  }

  /** Each label may be bounded, and what they multiply to is not. */
  #others(labels: OptionalLabels): RequestCells {
    this.#overflow.value++
    const others = Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]))
    return (this.#otherLabels ??= new RequestCells(this.#families, { ...this.#labels, ...others }))
  }
}

/** The series of requests with the same labels, made as they are needed. */
export class RequestCells {
  readonly requests: Cell
  readonly #families: Families
  readonly #labels: TargetLabels
  readonly #bytes: Readonly<Record<Side, Cell>>
  /** Of responses that came to their end: indexed by status less 100. */
  readonly #complete: (Cell | undefined)[] = []
  readonly #latency: (HistogramCell | undefined)[] = []
  /** Of gRPC calls with HTTP status 200 that came to their end: indexed by their status. */
  readonly #grpc: (Cell | undefined)[] = []
  readonly #messages: Partial<Record<Side, Cell>> = {}

  constructor(families: Families, labels: TargetLabels) {
    this.#families = families
    this.#labels = labels
    this.requests = families.requests.cell(labels)
    this.#bytes = { client: families.requestBytes.cell(labels), server: families.responseBytes.cell(labels) }
  }

  latency(status: number): HistogramCell {
    return (this.#latency[status - 100] ??= this.#families.latency.cell({
      ...this.#labels,
      status_code: String(status),
    }))
  }

  countBytes(side: Side, bytes: number): void {
    this.#bytes[side].value += bytes
  }

  countMessages(side: Side, messages: number): void {
    if (messages === 0) return
    const cell = (this.#messages[side] ??= this.#families.messages.cell({ ...this.#labels, from: side }))
    cell.value += messages
  }

  /** The common cases, a response that came to its end and a gRPC call with status 200, cost no look-up. */
  countResponse(end: ResponseEnd): void {
    const { status, grpcStatus, error } = end
    if (error !== '') this.#response(end).value++
    else if (grpcStatus === undefined) (this.#complete[status - 100] ??= this.#response(end)).value++
    else if (status === 200) (this.#grpc[grpcStatus] ??= this.#response(end)).value++
    else this.#response(end).value++
  }

  #response(end: ResponseEnd): Cell {
    const { status, grpcStatus, error } = end
    return this.#families.responses.cell({
      ...this.#labels,
      status_code: status === 0 ? '' : String(status),
      classification: classify(end),
      grpc_status: grpcStatus === undefined ? '' : String(grpcStatus),
      error,
    })
  }
}

type Families = ReturnType<typeof makeFamilies>

/** One of each name, shared by all listeners of an instance. */
function makeFamilies(metrics: Metrics) {
  const responseLabels: readonly ResponseLabel[] = [
    ...TARGET_LABELS,
    'status_code',
    'classification',
    'grpc_status',
    'error',
  ]
  return {
    requests: metrics.counter(
      'request_total',
      'HTTP requests, counted when their head is complete.',
      TARGET_LABELS,
      OPTIONAL_LABELS,
    ),
    responses: metrics.counter(
      'response_total',
      'HTTP responses, counted at their end.',
      responseLabels,
      OPTIONAL_LABELS,
    ),
    latency: metrics.histogram(
      'response_latency_ms',
      'Milliseconds from the first byte of a request to the first byte of its response body, or to the end of one without.',
      [...TARGET_LABELS, 'status_code'],
      LATENCY_BUCKETS_MS,
      OPTIONAL_LABELS,
    ),
    requestBytes: metrics.counter(
      'sluice_http_request_body_bytes_total',
      'Bytes of content of requests, without framing.',
      TARGET_LABELS,
      OPTIONAL_LABELS,
    ),
    responseBytes: metrics.counter(
      'sluice_http_response_body_bytes_total',
      'Bytes of content of responses, without framing.',
      TARGET_LABELS,
      OPTIONAL_LABELS,
    ),
    messages: metrics.counter(
      'sluice_grpc_messages_total',
      'Messages of gRPC calls, by who sent them.',
      [...TARGET_LABELS, 'from'],
      OPTIONAL_LABELS,
    ),
  }
}
