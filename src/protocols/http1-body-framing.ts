import { COMMA, equalsIgnoringCase, IS_TOKEN, isBlank } from './http1-characters.js'
import type { Http1Failure } from './http1-failure.js'

/**
 * What the fields of one head say about where its message ends: collected line by line, read when the head is complete. Strict:
 * whatever two readers could take in two ways is a failure (RFC 9112 sections 6.1 to 6.3 and 11.2).
 */
export class BodyFraming {
  /** Undefined where there is no Content-Length. */
  contentLength: number | undefined
  hasTransferEncoding = false
  /** The last transfer coding is `chunked`. */
  isChunked = false
  /** There is a transfer coding beside `chunked`. */
  hasForeignCoding = false
  hasUpgrade = false
  connectionClose = false
  connectionKeepAlive = false
  connectionUpgrade = false
  /** `Connection` names a field, which is meant for the next hop only. */
  connectionNamesFields = false
  /** Lines of `Host`. */
  hosts = 0

  reset(): void {
    this.contentLength = undefined
    this.hasTransferEncoding = this.isChunked = this.hasForeignCoding = this.hasUpgrade = false
    this.connectionClose = this.connectionKeepAlive = this.connectionUpgrade = this.connectionNamesFields = false
    this.hosts = 0
  }

  /** Takes one field line: name from `start` up to `nameEnd`, value, without blanks around it, from `value` up to `end`. */
  addField(bytes: Uint8Array, start: number, nameEnd: number, value: number, end: number): Http1Failure | undefined {
    // Letter and length first: nearly every line ends here.
    switch (bytes[start]! | 0x20) {
      case 0x63: // c
        if (equalsIgnoringCase(bytes, start, nameEnd, 'content-length'))
          return this.#addContentLength(bytes, value, end)
        if (equalsIgnoringCase(bytes, start, nameEnd, 'connection')) this.#addConnection(bytes, value, end)
        return undefined
      case 0x68: // h
        if (equalsIgnoringCase(bytes, start, nameEnd, 'host')) this.hosts++
        return undefined
      case 0x74: // t
        if (!equalsIgnoringCase(bytes, start, nameEnd, 'transfer-encoding')) return undefined
        return this.#addTransferEncoding(bytes, value, end)
      case 0x75: // u
        if (equalsIgnoringCase(bytes, start, nameEnd, 'upgrade')) this.hasUpgrade = true
        return undefined
      default:
        return undefined
    }
  }

  /** RFC 9110 section 8.6: digits only. A list of equal values, which a recipient may accept, is refused, too. */
  #addContentLength(bytes: Uint8Array, start: number, end: number): Http1Failure | undefined {
    let length = 0
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 0x30
      if (digit < 0 || digit > 9) return 'invalid-content-length'
      length = length * 10 + digit
    }
    if (start === end || length > Number.MAX_SAFE_INTEGER) return 'invalid-content-length'
    if (this.contentLength === undefined) this.contentLength = length
    else return this.contentLength === length ? 'content-length-repeated' : 'content-length-conflict'
    return undefined
  }

  /** RFC 9112 section 6.1: a list of codings; `chunked` at most once, last and without parameters. Lines add to one list. */
  #addTransferEncoding(bytes: Uint8Array, start: number, end: number): Http1Failure | undefined {
    this.hasTransferEncoding = true
    if (start === end) return 'invalid-transfer-encoding'
    for (let at = start; at <= end;) {
      if (this.isChunked) return 'chunked-not-last'
      let tokenEnd = at
      while (tokenEnd < end && IS_TOKEN[bytes[tokenEnd]!] === 1) tokenEnd++
      if (tokenEnd === at) return 'invalid-transfer-encoding'
      this.isChunked = equalsIgnoringCase(bytes, at, tokenEnd, 'chunked')
      if (!this.isChunked) this.hasForeignCoding = true
      at = skipBlanks(bytes, tokenEnd, end)
      if (at === end) return undefined
      if (bytes[at] !== COMMA) return 'invalid-transfer-encoding'
      at = skipBlanks(bytes, at + 1, end)
    }
    return undefined
  }

  /** RFC 9110 section 7.6.1: a list of options. What is none of the three says nothing about framing. */
  #addConnection(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      let tokenEnd = at
      while (tokenEnd < end && IS_TOKEN[bytes[tokenEnd]!] === 1) tokenEnd++
      if (equalsIgnoringCase(bytes, at, tokenEnd, 'close')) this.connectionClose = true
      else if (equalsIgnoringCase(bytes, at, tokenEnd, 'keep-alive')) this.connectionKeepAlive = true
      else if (equalsIgnoringCase(bytes, at, tokenEnd, 'upgrade')) this.connectionUpgrade = true
      else if (tokenEnd > at) this.connectionNamesFields = true
      while (tokenEnd < end && (bytes[tokenEnd] === COMMA || isBlank(bytes[tokenEnd]))) tokenEnd++
      at = tokenEnd === at ? at + 1 : tokenEnd
    }
  }
}

function skipBlanks(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && isBlank(bytes[at])) at++
  return at
}
