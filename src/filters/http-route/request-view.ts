import type { Http1Head } from '../../protocols/http1-head.js'
import { authorityOf } from './absolute-form.js'

/** What rules look at of a request, whichever version of HTTP brought it. Borrowed, as the head is. */
export interface RequestView {
  readonly method: string
  /** In lower case, without the port; empty where there is none. */
  readonly host: string
  /** As it was sent, without the query. */
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly query: string
  /** The value of the first field of that name, given in lower case. */
  header(name: string): string | undefined
}

/** Of a request in HTTP/1, whose target has been checked. */
export class Http1RequestView implements RequestView {
  readonly #head: Http1Head
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string

  constructor(head: Http1Head) {
    this.#head = head
    this.method = head.method
    this.host = hostWithoutPort(head.get('host') ?? authorityOf(head.target) ?? '')
    const target = inOriginForm(head.target)
    const query = target.indexOf('?')
    this.path = query < 0 ? target : target.slice(0, query)
    this.query = query < 0 ? '' : target.slice(query)
  }

  header(name: string): string | undefined {
    return this.#head.get(name)
  }
}

function hostWithoutPort(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase()
}

/** RFC 9112 section 3.2: of the absolute form what an origin server would be asked; other forms are no paths. */
function inOriginForm(target: string): string {
  if (target.startsWith('/')) return target
  const rest = /^https?:\/\/[^/?]*(.*)$/is.exec(target)?.[1]
  if (rest === undefined) return target
  return rest.startsWith('/') ? rest : `/${rest}`
}
