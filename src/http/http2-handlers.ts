import type { FieldId, HeaderField } from '../protocols/hpack/header-field.js'
import type { Http2Handler } from '../protocols/http2/frame-reader.js'
import { GRPC_UNKNOWN, MAX_GRPC_STATUS } from './grpc-status.js'
import { HttpExchange } from './http-exchange.js'
import type { Http2Stream, Http2Streams } from './http2-streams.js'

const GRPC = 'application/grpc'

/** What the client says on an HTTP/2 connection. */
export class RequestHandler implements Http2Handler {
  readonly #streams: Http2Streams
  /** The request under way, from its first field to its last; undefined for trailers. */
  #exchange: HttpExchange | undefined

  constructor(streams: Http2Streams) {
    this.#streams = streams
  }

  onHeaders(stream: number): void {
    if (!this.#streams.isNew(stream)) return void (this.#exchange = undefined)
    this.#exchange = new HttpExchange(this.#streams.now())
    this.#exchange.version = '2.0'
  }

  wantsField(id: FieldId): boolean {
    return id !== 'other'
  }

  onField({ id, value }: HeaderField): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    switch (id) {
      case ':method':
        exchange.method = value
        break
      case ':path':
        exchange.target = value
        break
      case ':authority':
        exchange.authority = value
        break
      case 'host':
        // RFC 9113 section 8.3.1: what was HTTP/1 before an intermediary may have no :authority.
        if (exchange.authority === '') exchange.authority = value
        break
      case 'content-type':
        exchange.isGrpc = isGrpc(value)
        break
      case 'user-agent':
        exchange.userAgent = value
        break
      case 'referer':
        exchange.referer = value
        break
      default:
    }
  }

  onHeadersEnd(stream: number, endsStream: boolean): void {
    const begun = this.#exchange ? this.#streams.begin(stream, this.#exchange) : this.#streams.get(stream)
    this.#exchange = undefined
    if (endsStream && begun) this.#streams.endRequest(begun)
  }

  /** A client cannot push. */
  onPromise(): void {}
  onPromiseEnd(): void {}

  onData(stream: number, bytes: number): boolean {
    const open = this.#streams.get(stream)
    if (open) open.exchange.requestBytes += bytes
    return open?.requestMessages !== undefined
  }

  onDataBytes(stream: number, chunk: Uint8Array, start: number, end: number): void {
    this.#streams.get(stream)?.requestMessages?.see(chunk, start, end)
  }

  onDataEnd(stream: number, endsStream: boolean): void {
    const open = endsStream ? this.#streams.get(stream) : undefined
    if (open) this.#streams.endRequest(open)
  }

  onDataCut(stream: number, missing: number): void {
    const open = this.#streams.get(stream)
    if (open) open.exchange.requestBytes -= missing
  }

  onReset(stream: number, errorCode: number): void {
    this.#streams.reset(stream, errorCode)
  }

  /** A client that goes away takes no more pushes; its requests are still answered. */
  onGoAway(): void {}
}

/** What the server says on an HTTP/2 connection. */
export class ResponseHandler implements Http2Handler {
  readonly #streams: Http2Streams
  /** Of the block under way: of a stream that nobody knows (a pushed response) nothing is kept. */
  #stream: Http2Stream | undefined
  #status = 0
  #isPromise = false

  constructor(streams: Http2Streams) {
    this.#streams = streams
  }

  onHeaders(stream: number): void {
    this.#stream = this.#streams.get(stream)
    this.#status = 0
  }

  wantsField(id: FieldId): boolean {
    return id === ':status' || id === 'grpc-status'
  }

  onField({ id, value }: HeaderField): void {
    if (id === ':status') this.#status = Number(value)
    else if (id === 'grpc-status' && this.#stream?.exchange.isGrpc) this.#stream.exchange.grpcStatus = statusOf(value)
  }

  onHeadersEnd(_stream: number, endsStream: boolean): void {
    const stream = this.#stream
    this.#stream = undefined
    if (stream === undefined || stream.isResponseOver) return
    const { exchange } = stream
    const isInterim = this.#status >= 100 && this.#status < 200
    // Behind the response's head, a block without status is its trailers.
    if (exchange.status === 0 && this.#status >= 200 && this.#status <= 999)
      this.#streams.responseHead(stream, this.#status)
    if (isInterim) return
    if (exchange.method === 'CONNECT' && exchange.status >= 200 && exchange.status < 300)
      this.#streams.becomeTunnel(stream)
    else if (endsStream) this.#streams.endResponse(stream)
  }

  onPromise(): void {
    this.#isPromise = true
    this.#stream = undefined
  }

  onPromiseEnd(): void {
    if (this.#isPromise) this.#streams.push()
    this.#isPromise = false
  }

  onData(stream: number, bytes: number): boolean {
    const open = this.#streams.get(stream)
    if (open === undefined || open.isResponseOver) return false
    this.#streams.responseBytes(open, bytes)
    return open.responseMessages !== undefined
  }

  onDataBytes(stream: number, chunk: Uint8Array, start: number, end: number): void {
    this.#streams.get(stream)?.responseMessages?.see(chunk, start, end)
  }

  onDataEnd(stream: number, endsStream: boolean): void {
    const open = endsStream ? this.#streams.get(stream) : undefined
    if (open && !open.isResponseOver) this.#streams.endResponse(open)
  }

  onDataCut(stream: number, missing: number): void {
    const open = this.#streams.get(stream)
    if (open && !open.isResponseOver) open.exchange.responseBytes -= missing
  }

  onReset(stream: number, errorCode: number): void {
    this.#streams.reset(stream, errorCode)
  }

  onGoAway(lastStream: number): void {
    this.#streams.goAway(lastStream)
  }
}

/** gRPC over HTTP/2: "application/grpc", with "+proto" and the like. gRPC-Web is another protocol. */
function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith(GRPC)) return false
  const next = contentType[GRPC.length]
  return next === undefined || next === '+' || next === ';'
}

/** A decimal number of 0 to 16; another is UNKNOWN, 2, as clients take it. */
function statusOf(value: string): number {
  const isDecimal = (value.length === 1 || value.length === 2) && !value.includes(' ')
  const status = isDecimal ? Number(value) : NaN
  return Number.isInteger(status) && status >= 0 && status <= MAX_GRPC_STATUS ? status : GRPC_UNKNOWN
}
