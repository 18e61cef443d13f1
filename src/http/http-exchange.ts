import type { RequestCells } from './http-metric-cells.js'

export type HttpVersion = '1.0' | '1.1' | '2.0'

/** A request and its response, from the request's first byte on. */
export class HttpExchange {
  /** Monotonic milliseconds. */
  startedAt: number
  /** Filled where somebody wants them: see `HttpRecorder.isDetailed`. */
  version: HttpVersion = '1.1'
  /** Empty: nobody has wanted it when the head came. */
  method = ''
  target = ''
  authority = ''
  userAgent: string | undefined
  referer: string | undefined
  route: string | undefined
  /** `host:port` of who answered, or was last asked; undefined where that is the connection's. */
  endpoint: string | undefined
  /** How often it was sent again. */
  retries = 0
  /** Why the proxy itself has answered; undefined where a server has. */
  refused: string | undefined
  /** By its content type. */
  isGrpc = false
  /** Once the request's head is complete: where it is counted. */
  cells: RequestCells | undefined
  /** 0 before the response's head. */
  status = 0
  grpcStatus: number | undefined
  latencyMs: number | undefined
  /** It has been written down. */
  isOver = false
  requestBytes = 0
  responseBytes = 0
  requestMessages = 0
  responseMessages = 0

  constructor(startedAt: number) {
    this.startedAt = startedAt
  }

  /** As a new one: who is done with one may use it for the next. */
  reset(startedAt: number): this {
    this.startedAt = startedAt
    this.version = '1.1'
    this.method = this.target = this.authority = ''
    this.userAgent = this.referer = this.route = undefined
    this.isGrpc = this.isOver = false
    this.cells = this.grpcStatus = this.latencyMs = undefined
    this.status = 0
    this.requestBytes = this.responseBytes = this.requestMessages = this.responseMessages = 0
    return this
  }
}
