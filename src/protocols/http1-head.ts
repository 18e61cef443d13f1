import { indexOfByte, latin1 } from './byte-views.js'
import { COLON, CR, equalsIgnoringCase, isBlank, LF } from './http1-characters.js'

/**
 * The field lines of a head or of trailers, as they came. Nothing is decoded until it is asked for. Borrowed: valid only inside the
 * callback that got it.
 */
export class Http1Fields {
  /** The section's bytes, from `start` up to `end`, its empty line included. */
  bytes: Uint8Array = NO_BYTES
  start = 0
  end = 0
  /** Where the first field line begins. */
  fieldsStart = 0

  /** The value of the first field of that name, which is given in lower case. */
  get(name: string): string | undefined {
    for (let line = this.fieldsStart; ;) {
      const lineFeed = indexOfByte(this.bytes, LF, line)
      const lineEnd = this.bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
      if (lineEnd === line) return undefined
      const colon = line + name.length
      if (this.bytes[colon] === COLON && equalsIgnoringCase(this.bytes, line, colon, name))
        return this.#value(colon + 1, lineEnd)
      line = lineFeed + 1
    }
  }

  /** Name and value of each field line, in their order; names as they were written. */
  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    for (let line = this.fieldsStart; ;) {
      const lineFeed = indexOfByte(this.bytes, LF, line)
      const lineEnd = this.bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
      if (lineEnd === line) return
      const colon = indexOfByte(this.bytes, COLON, line)
      yield [latin1(this.bytes, line, colon), this.#value(colon + 1, lineEnd)]
      line = lineFeed + 1
    }
  }

  #value(from: number, to: number): string {
    let start = from
    let end = to
    while (start < end && isBlank(this.bytes[start])) start++
    while (end > start && isBlank(this.bytes[end - 1])) end--
    return latin1(this.bytes, start, end)
  }
}

/** How a message goes on after its head: RFC 9112 section 6.3. */
export type Http1Content =
  | 'none'
  | 'length' // as many bytes as `contentLength` says, more than none
  | 'chunked'
  | 'until-close' // responses only
  | 'tunnel' // no message any more: a 101, or a 2xx to CONNECT

/** A complete request or response head. One object a parser, written anew for each message. */
export class Http1Head extends Http1Fields {
  /** The digit after `HTTP/1.`: 0 or 1. */
  minorVersion = 1
  /** 100 to 999; 0 in a request. */
  status = 0
  content: Http1Content = 'none'
  contentLength: number | undefined
  /** The sender lets the connection go on after this message (RFC 9112 section 9.3). */
  isKeepAlive = true
  /** A request that asks for a change of protocol (RFC 9110 section 7.8): `upgrade` is among its connection options. */
  asksUpgrade = false
  /** Lines of `Host`: a request in HTTP/1.1 has one (RFC 9112 section 3.2). */
  hosts = 0
  /** There is a transfer coding beside `chunked`: who does not know it cannot frame the message anew. */
  hasForeignCoding = false
  /** `Connection` names fields beside `close`, `keep-alive` and `upgrade`: they are for the next hop only. */
  namesHopFields = false
  /** Offsets from `start`: where the method ends, and the target of a request. */
  methodEnd = 0
  targetEnd = 0

  /** The method of a request, as written: methods are case-sensitive. The common ones cost no allocation. */
  get method(): string {
    const end = this.start + this.methodEnd
    for (const method of COMMON_METHODS) {
      if (method.length === this.methodEnd && startsWith(this.bytes, this.start, method)) return method
    }
    return latin1(this.bytes, this.start, end)
  }

  get isConnect(): boolean {
    return this.methodEnd === 7 && startsWith(this.bytes, this.start, 'CONNECT')
  }

  get isHead(): boolean {
    return this.methodEnd === 4 && startsWith(this.bytes, this.start, 'HEAD')
  }

  /** The target of a request, in whichever form it was written (RFC 9112 section 3.2). */
  get target(): string {
    return latin1(this.bytes, this.start + this.methodEnd + 1, this.start + this.targetEnd)
  }
}

const NO_BYTES = new Uint8Array(0)

const COMMON_METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT']

export function startsWith(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) return false
  }
  return true
}
