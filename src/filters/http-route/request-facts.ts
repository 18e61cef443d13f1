import type { Address } from '../../core/address.js'
import type { UpstreamGroup } from '../../core/upstream-group.js'
import type { AnsweredMethod } from '../../protocols/http1-framing.js'
import type { Http1Head } from '../../protocols/http1-head.js'
import { asksForHttp2 } from './forward-head.js'

/** What matters of a request once its head has been written. */
export interface RequestFacts {
  readonly group: UpstreamGroup
  /** For `consistent-hash`. */
  readonly hashKey: string | undefined
  readonly answeredMethod: AnsweredMethod
  /** The client asks for another protocol, and may have it. */
  readonly isUpgrade: boolean
  /** Sent twice it does no more than sent once: RFC 9110 section 9.2.2. */
  readonly isIdempotent: boolean
  /** The length of its content; undefined where it says none beforehand. */
  readonly contentLength: number | undefined
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Of a request in HTTP/1 that `source` sends to `group`. */
export function requestFacts(head: Http1Head, group: UpstreamGroup, source: Address): RequestFacts {
  const { hashOn } = group
  return {
    group,
    hashKey: hashOn === 'source' ? source.host : head.get(hashOn.header),
    answeredMethod: head.isConnect ? 'CONNECT' : head.isHead ? 'HEAD' : 'other',
    isUpgrade: head.asksUpgrade && !asksForHttp2(head),
    isIdempotent: IDEMPOTENT.has(head.method),
    contentLength: head.content === 'chunked' ? undefined : (head.contentLength ?? 0),
  }
}
