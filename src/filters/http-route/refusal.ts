import { STATUS_CODES } from 'node:http'
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
  | 'too-many-requests'
  | 'upstream-closed'
  | 'upstream-reset'
  | 'invalid-response'
  // Time is over.
  | 'header-timeout'
  | 'request-timeout'
  | 'attempt-timeout'

export interface Refusal {
  readonly status: 400 | 404 | 408 | 414 | 431 | 501 | 502 | 503 | 504
  readonly reason: RefusalReason
  /** For whoever reads the answer. */
  readonly message: string
}

export function badRequest(reason: RefusalReason): Refusal {
  return { status: badRequestStatus(reason), reason, message: `the request cannot be taken: ${reason}` }
}

function badRequestStatus(reason: RefusalReason): Refusal['status'] {
  if (reason === 'request-line-too-long') return 414 // RFC 9112 section 3
  return reason === 'head-too-large' || reason === 'trailers-too-large' ? 431 : 400
}

/** An answer that a rule gives in a server's place. */
export interface FixedAnswer {
  readonly status: number
  /** Lines without their ends, beside those about framing. */
  readonly fields: readonly string[]
  readonly body: Uint8Array
}

/** What a refusal looks like: it says why. */
export function refusalAnswer({ status, reason, message }: Refusal): FixedAnswer {
  const body = Buffer.from(`sluice: ${reason}: ${message}\n`)
  return { status, fields: ['Content-Type: text/plain; charset=utf-8'], body }
}

/** The answer in HTTP/1.1: complete, and without its body where HEAD was asked. */
export function encodeAnswer(
  { status, fields, body }: FixedAnswer,
  {
    isHead,
    isClosing,
    isHttp10,
  }: { readonly isHead: boolean; readonly isClosing: boolean; readonly isHttp10: boolean },
): Buffer {
  // RFC 9110 section 8.6: with 204 a length is not to be sent, nor content with it or with 304.
  const isEmpty = status === 204 || status === 304
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...fields,
    ...(isEmpty ? [] : [`Content-Length: ${body.length}`]),
    ...(isClosing ? ['Connection: close'] : isHttp10 ? ['Connection: keep-alive'] : []),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return isHead || isEmpty ? head : Buffer.concat([head, body])
}
