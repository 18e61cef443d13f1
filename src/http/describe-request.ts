import type { Http1Head } from '../protocols/http1-head.js'
import type { HttpExchange } from './http-exchange.js'

/** Puts what labels, access log and tap want to know of a request into its exchange. The head is borrowed. */
export function describeRequest(exchange: HttpExchange, head: Http1Head): void {
  exchange.version = head.minorVersion === 0 ? '1.0' : '1.1'
  exchange.method = head.method
  exchange.target = head.target
  exchange.authority = head.get('host') ?? ''
  exchange.userAgent = head.get('user-agent')
  exchange.referer = head.get('referer')
}
