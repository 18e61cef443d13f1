import { randomBytes, randomUUID } from 'node:crypto'
import type { Address } from '../../core/address.js'
import type { Http1Fields } from '../../protocols/http1-head.js'
import type { FieldEdits } from './forward-head.js'
import type { HttpRouteOptions } from './options.js'

type Options = HttpRouteOptions['forwarding']

/** What a request says of the way that it came. */
export interface Way {
  /** The client. */
  readonly source: Address
  /** The digit after `HTTP/1.` of the request. */
  readonly minorVersion: number
}

/** What is added to one request; nothing to the fields in `ruled`, which its rule sets or removes. Names in lower case. */
export type ForwardingFields = (head: Http1Fields, way: Way, ruled?: readonly string[]) => FieldEdits

/** Makes what is added to each request, as configured; undefined where nothing is. */
export function forwardingFields(options: Options): ForwardingFields | undefined {
  const { xForwarded, forwarded, via, requestId, traceparent } = options
  if (xForwarded === 'off' && forwarded === 'off' && via === undefined && !requestId && !traceparent) return undefined
  return (head, way, ruled = NONE) => {
    const edits = new Edits(head, ruled)
    const { host } = way.source
    if (xForwarded !== 'off') {
      edits.list('x-forwarded-for', host, xForwarded === 'append')
      // Whoever is before us, and believed, knows better what the client asked for and how.
      edits.one('x-forwarded-proto', () => 'http', xForwarded === 'append')
      edits.one('x-forwarded-host', () => head.get('host'), xForwarded === 'append')
    }
    if (forwarded !== 'off') edits.list('forwarded', forwardedElement(head, host), forwarded === 'append')
    // RFC 9110 section 7.6.3: the version that came, and who we are.
    if (via !== undefined) edits.list('via', `1.${way.minorVersion} ${via}`, true)
    if (requestId) edits.one('x-request-id', randomUUID, true)
    if (traceparent) edits.one('traceparent', newTraceparent, true)
    return { leftOut: edits.leftOut, added: edits.added }
  }
}

/** RFC 7239 section 4 and 6: an address of IPv6 in brackets and quoted; a host with a port quoted. */
function forwardedElement(head: Http1Fields, source: string): string {
  const host = head.get('host')
  const node = source.includes(':') ? `"[${source.split('%')[0]}]"` : source
  return `for=${node};proto=http${host === undefined || host === '' ? '' : `;host="${host}"`}`
}

/** W3C Trace Context, section 3.2: version, trace-id, parent-id, flags; not sampled, since nothing here records it. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`
}

const NONE: readonly string[] = []

class Edits {
  readonly #head: Http1Fields
  readonly #ruled: readonly string[]
  readonly leftOut: string[] = []
  added = ''

  constructor(head: Http1Fields, ruled: readonly string[]) {
    this.#head = head
    this.#ruled = ruled
  }

  /** Adds an element to a field that is a list; without what is there, where that is not to be believed. */
  list(name: string, element: string, keeps: boolean): void {
    if (this.#ruled.includes(name)) return
    const values = keeps ? this.#values(name) : []
    this.leftOut.push(name)
    this.added += `${name}: ${[...values, element].join(', ')}\r\n`
  }

  /** Sets a field, unless it is there and to be believed. Without a value there is none, whether it came or would be set. */
  one(name: string, value: () => string | undefined, keeps: boolean): void {
    if (this.#ruled.includes(name) || (keeps && this.#head.get(name))) return
    this.leftOut.push(name)
    const said = value()
    if (said) this.added += `${name}: ${said}\r\n`
  }

  #values(name: string): string[] {
    const values: string[] = []
    for (const [field, value] of this.#head) if (field.toLowerCase() === name && value !== '') values.push(value)
    return values
  }
}
