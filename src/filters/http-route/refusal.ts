import type { Http1Failure } from '../../protocols/http1-failure.js'

/** Why we answer ourselves. Each is a metric label: added to, never renamed. */
export type RefusalReason =
  | Http1Failure
  // Requests that are well framed and must not be sent on: RFC 9112 section 3.
  | 'host-missing'
  | 'host-repeated'
  | 'invalid-host'
  | 'host-conflicts-with-target'
  | 'invalid-target'
  | 'unknown-transfer-coding'
  // Nobody answered.
  | 'no-route'
  | 'no-endpoint'
  | 'connect-failed'
  | 'upstream-full'
  | 'queue-full'
  | 'upstream-closed'
  | 'upstream-reset'
  | 'invalid-response'
  // Time is over.
  | 'header-timeout'
  | 'request-timeout'

export interface Refusal {
  readonly status: 400 | 404 | 408 | 431 | 501 | 502 | 503 | 504
  readonly reason: RefusalReason
  /** For whoever reads the answer. */
  readonly message: string
}

const PHRASES: Readonly<Record<Refusal['status'], string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export function badRequest(reason: RefusalReason): Refusal {
  const status = reason === 'head-too-large' || reason === 'trailers-too-large' ? 431 : 400
  return { status, reason, message: `the request cannot be taken: ${reason}` }
}

/** The answer in HTTP/1.1: complete, with a body that says why unless HEAD was asked. */
export function refusalAnswer(
  { status, reason, message }: Refusal,
  {
    isHead,
    isClosing,
    isHttp10,
  }: { readonly isHead: boolean; readonly isClosing: boolean; readonly isHttp10: boolean },
): Buffer {
  const body = Buffer.from(`sluice: ${reason}: ${message}\n`)
  const connection = isClosing ? 'Connection: close\r\n' : isHttp10 ? 'Connection: keep-alive\r\n' : ''
  const head =
    `HTTP/1.1 ${status} ${PHRASES[status]}\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n${connection}\r\n`
  return isHead ? Buffer.from(head) : Buffer.concat([Buffer.from(head), body])
}
