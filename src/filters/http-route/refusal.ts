import { STATUS_CODES } from 'node:http'
import type { Http1Failure } from '../../protocols/http1-failure.js'

/** What is wrong with a request. */
export type BadRequestReason =
  | Http1Failure
  // Those that are well framed and must not be sent on: RFC 9112 section 3.
  | 'host-missing'
  | 'host-repeated'
  | 'invalid-host'
  | 'host-conflicts-with-target'
  | 'invalid-target'

/** Why we answer ourselves. Each is a metric label: added to, never renamed. */
export type RefusalReason =
  | BadRequestReason
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

export function badRequest(reason: BadRequestReason): Refusal {
  return { status: badRequestStatus(reason), reason, message: `the request has ${FAULTS[reason]}` }
}

function badRequestStatus(reason: BadRequestReason): Refusal['status'] {
  if (reason === 'request-line-too-long') return 414 // RFC 9112 section 3
  return reason === 'head-too-large' || reason === 'trailers-too-large' ? 431 : 400
}

/** What a request has that is refused, for who sent it. */
const FAULTS: Readonly<Record<BadRequestReason, string>> = {
  'host-missing': 'no Host',
  'host-repeated': 'more than one Host',
  'invalid-host': 'a Host that is no name or address with or without a port',
  'host-conflicts-with-target': 'a target that names another host than Host does',
  'invalid-target': 'a target that is neither a path nor a URL of http or https, or one with a fragment',
  'invalid-request-line': 'a request line that is none',
  'invalid-status-line': 'a status line that is none',
  'unsupported-version': 'a version other than HTTP/1.0 and HTTP/1.1',
  'too-many-empty-lines': 'too many empty lines before it',
  'request-line-too-long': 'a request line that is longer than it may be',
  'invalid-field-name': 'a field whose name is empty or no token, or one without a colon',
  'invalid-field-value': 'a NUL in a field',
  'space-before-colon': 'a blank before the colon of a field',
  'obs-fold': 'a field that goes on in the next line',
  'bare-cr': 'a CR without LF',
  'head-too-large': 'a head that is larger than it may be',
  'trailers-too-large': 'trailers that are larger than they may be',
  'invalid-content-length': 'a Content-Length that is no number, or too large a one',
  'content-length-repeated': 'more than one Content-Length',
  'content-length-conflict': 'more than one Content-Length, and they differ',
  'content-length-with-transfer-encoding': 'both Content-Length and Transfer-Encoding',
  'invalid-transfer-encoding': 'a Transfer-Encoding that is no list of codings',
  'chunked-not-last': 'a Transfer-Encoding whose last coding is not chunked',
  'transfer-encoding-in-http-1.0': 'a Transfer-Encoding, and HTTP/1.0 has none',
  'content-with-connect': 'content, and CONNECT has none',
  'invalid-chunk-size': 'a chunk size that is no hexadecimal number',
  'chunk-size-too-large': 'a chunk size that is too large',
  'chunk-size-too-long': 'a chunk size with too many digits',
  'invalid-chunk-extension': 'a control character in a chunk extension',
  'chunk-extension-too-long': 'chunk extensions that are longer than they may be',
  'invalid-chunk-end': 'a chunk that is not followed by the end of its line',
  'ended-in-head': 'no end of its head',
  'ended-in-body': 'less content than it says',
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
