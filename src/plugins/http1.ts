import type { Side } from '../core/side.js'
import type { Facts, Sniff, Sniffer } from '../core/sniffer.js'
import { indexOfByte, latin1 } from '../protocols/byte-views.js'
import { CR, DIGITS, isDigit, isLetter, LETTERS, LF, SPACE } from './ascii.js'
import { authorityEnd, authorityHost } from './authority-host.js'
import { byteSet, compareBytes, compareLetters, ENDED, latin1Bytes, skipWhile, WRONG } from './compare-bytes.js'
import { findHostField } from './http1-host-field.js'

/** A request line of 8,000 octets is what RFC 9112 section 3 recommends to support; rounded up, with the empty lines before it. */
const MAX_BYTES = 8192
/** The longest registered method, UPDATEREDIRECTREF, has 17 letters. Without a bound any long word would wait as a method. */
const MAX_METHOD_BYTES = 32
/** Registered schemes are shorter. */
const MAX_SCHEME_BYTES = 32
/** Clients have been seen to send one or two: RFC 9112 section 2.2. */
const MAX_EMPTY_LINES = 4

// RFC 9110 section 5.6.2: token. RFC 3986 sections 3.1 and 3.2.2: scheme, host and port.
const TOKEN = byteSet(`!#$%&'*+-.^_\`|~${DIGITS}${LETTERS}`)
const SCHEME = byteSet(`+-.${DIGITS}${LETTERS}`)
const AUTHORITY = byteSet(`-._~%!$&'()*+,;=:[]${DIGITS}${LETTERS}`)
const TARGET = requestTargetBytes()

const NO_TOKEN = 'is no token character'
const NO_TARGET = 'is no character of a request target'
const PAST_BOUND = `is past the ${MAX_BYTES} bytes that a line with such a method or target may have`

const ASTERISK = 0x2a
const SLASH = 0x2f
const SCHEME_END = latin1Bytes('://')
const CONNECT = latin1Bytes('connect')
/** Proxies are asked in absolute form for `http`, and those that end TLS for `https`. */
const HTTP_SCHEMES = ['http', 'https'].map(latin1Bytes)
/** RFC 9112 section 2.3: the name is case-sensitive; after the dot comes one digit. */
const VERSION = latin1Bytes('HTTP/1.')
/** A space, the version, its last digit and a CR: the most that stands behind the target before the line is seen to be over. */
const TAIL_BYTES = 1 + VERSION.length + 2

/** Those that need no string of their own. */
const COMMON_METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT'].map((name) => ({
  name,
  bytes: latin1Bytes(name),
}))

/**
 * Those that are believed without a version: the HTTP Method Registry (RFC 9110 section 18.2), but for CONNECT and PRI, whose
 * targets are short. Not any word: behind one, a slash may also begin a picture, as of a JPEG in base64.
 */
const REGISTERED_METHODS: ReadonlySet<string> = new Set([
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'DELETE', 'GET', 'HEAD', 'LABEL', 'LINK'],
  ...['LOCK', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'OPTIONS'],
  ...['ORDERPATCH', 'PATCH', 'POST', 'PROPFIND', 'PROPPATCH', 'PUT', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'TRACE'],
  ...['UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK', 'UPDATE', 'UPDATEREDIRECTREF', 'VERSION-CONTROL'],
])

/**
 * HTTP/1.0 and 1.1, RFC 9112: by the client's request line (section 3) up to the version's last digit, or by the start of the
 * server's status line (section 4). HTTP/1.2 to 1.9 count too: who speaks 1.1 takes them as 1.1 (RFC 9110 section 6.2). HTTP/0.9
 * names no version and is not recognised. Of header fields only Host is looked at: a bad one gets an answer, not another protocol.
 *
 * A request line that is not over after 8 KiB is recognised without its version, where the method is a registered one and the
 * target a path or of the scheme http or https: a method, a space and 8 KiB of query is what nobody else says.
 *
 * Facts: `method`, and `host` in lower case and without its port, from the target where that has one, else from the first Host field
 * (RFC 9112 section 3.3). They come with it, or where the head ends without one; beyond 8 KiB it is not looked for.
 */
export const http1: Sniffer = {
  protocol: 'http/1',
  maxBytes: MAX_BYTES,
  samples: {
    client: [
      'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n',
      'POST http://shop.example/orders HTTP/1.0\r\n\r\n',
      'CONNECT db.example:443 HTTP/1.1\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\n\r\n',
    ],
    server: ['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.0 408 Request Time-out\r\n\r\n'],
  },
  client: sniffRequestLine,
  server: sniffStatusLine,
  whyNot,
}

/** Request line: method(token) SP request-target SP HTTP-version. */
function sniffRequestLine(window: Uint8Array, seen = 0): Sniff {
  const end = Math.min(window.length, MAX_BYTES)
  const method = skipEmptyLines(window, end)
  const methodEnd = method < 0 ? method : skipMethod(window, method, end)
  if (methodEnd < 0) return unfinished(methodEnd, end)

  const target = methodEnd + 1
  if (seen > target + TAIL_BYTES) {
    // No line feed can stand in it: where there was one before, the request line is over and its verdict was `sure`.
    const lineFeed = indexOfByte(window, LF, target)
    if (lineFeed >= 0 && lineFeed < seen) return withHostField(window, method, methodEnd, lineFeed + 1, end, seen)
  }
  const isConnect = methodEnd - method === CONNECT.length && compareLetters(window, method, CONNECT) === 'match'
  const targetEnd = skipTarget(window, target, end, isConnect, seen - TAIL_BYTES)
  if (targetEnd === ENDED) return unfinishedLine(window, method, methodEnd, end)
  if (targetEnd < 0) return 'no-match'

  const version = targetEnd + 1
  const compared = compareBytes(window, version, VERSION, end)
  if (compared === 'no-match') return 'no-match'
  const minor = version + VERSION.length
  if (compared === 'need-more' || minor >= end) return unfinishedLine(window, method, methodEnd, end)
  if (!isDigit(window[minor]!)) return 'no-match'
  if (isConnect) return describe(window, method, methodEnd, authorityHost(window, target, targetEnd))
  if (isLetter(window[target]!)) return describe(window, method, methodEnd, absoluteFormHost(window, target, targetEnd))

  const fields = skipLineEnd(window, minor + 1, end)
  if (fields >= 0) return withHostField(window, method, methodEnd, fields, end, seen)
  return fields === ENDED && end < MAX_BYTES ? 'sure' : describe(window, method, methodEnd, undefined)
}

/** The window, or what is looked at of it, ends in the target or in the version. */
function unfinishedLine(window: Uint8Array, method: number, methodEnd: number, end: number): Sniff {
  if (end < MAX_BYTES) return 'need-more'
  const target = methodEnd + 1
  if (!REGISTERED_METHODS.has(text(window, method, methodEnd))) return 'no-match'
  if (window[target] === SLASH) return describe(window, method, methodEnd, undefined)
  if (!hasHttpScheme(window, target)) return 'no-match'
  return describe(window, method, methodEnd, absoluteFormHost(window, target, end))
}

function hasHttpScheme(window: Uint8Array, target: number): boolean {
  const length = indexOfByte(window, SCHEME_END[0]!, target) - target
  return HTTP_SCHEMES.some((scheme) => scheme.length === length && compareLetters(window, target, scheme) === 'match')
}

/** The target that ends at `end` has been seen to have a scheme and `://`. */
function absoluteFormHost(window: Uint8Array, target: number, end: number): string | undefined {
  const authority = indexOfByte(window, SCHEME_END[0]!, target) + SCHEME_END.length
  return authorityHost(window, authority, authorityEnd(window, authority, end))
}

function withHostField(
  window: Uint8Array,
  method: number,
  methodEnd: number,
  fields: number,
  end: number,
  seen: number,
): Sniff {
  const field = findHostField(window, fields, end, seen)
  if (field === ENDED) return end < MAX_BYTES ? 'sure' : describe(window, method, methodEnd, undefined)
  return describe(window, method, methodEnd, authorityHost(window, field.start, field.end))
}

function describe(window: Uint8Array, method: number, methodEnd: number, host: string | undefined): Sniff {
  const facts: Facts =
    host === undefined ? { method: text(window, method, methodEnd) } : { method: text(window, method, methodEnd), host }
  return { facts }
}

/** A method as it was written: methods are case-sensitive. */
function text(window: Uint8Array, start: number, end: number): string {
  for (const { name, bytes } of COMMON_METHODS) {
    if (bytes.length === end - start && compareBytes(window, start, bytes) === 'match') return name
  }
  return latin1(window, start, end)
}

/** The index behind CRLF, or LF alone (RFC 9112 section 2.2). */
function skipLineEnd(window: Uint8Array, at: number, end: number): number {
  if (at >= end) return ENDED
  if (window[at] === LF) return at + 1
  if (window[at] !== CR) return WRONG
  if (at + 1 >= end) return ENDED
  return window[at + 1] === LF ? at + 2 : WRONG
}

/** Status line: HTTP-version SP status-code. Also what HAProxy says unasked to a client that stays silent (408). */
function sniffStatusLine(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, VERSION)
  if (compared !== 'match') return compared
  if (window.length === VERSION.length) return 'need-more'
  if (!isDigit(window[VERSION.length]!)) return 'no-match'
  if (window.length === VERSION.length + 1) return 'need-more'
  return window[VERSION.length + 1] === SPACE ? 'match' : 'no-match'
}

/** By the part of the line in which the last byte stands, those before it being right. */
function whyNot(window: Uint8Array, side: Side): string {
  return side === 'client' ? whyNoRequest(window, window.length - 1) : whyNoStatus(window.length - 1)
}

function whyNoRequest(window: Uint8Array, at: number): string {
  const method = skipEmptyLines(window, at)
  if (method < 0) return whyNoBeginning(window, at)
  const methodEnd = skipMethod(window, method, at)
  if (methodEnd < 0)
    return TOKEN[window[at]!] === 0 ? NO_TOKEN : `makes the method longer than ${MAX_METHOD_BYTES} characters`
  const isConnect = methodEnd - method === CONNECT.length && compareLetters(window, method, CONNECT) === 'match'
  if (at === methodEnd + 1) return 'begins no request target'
  const targetEnd = skipTarget(window, methodEnd + 1, at, isConnect, 0)
  if (targetEnd < 0) return skipTarget(window, methodEnd + 1, at + 1, isConnect, 0) === WRONG ? NO_TARGET : PAST_BOUND
  const version = targetEnd + 1
  const isCut = at < version + VERSION.length && compareBytes(window, version, VERSION) !== 'no-match'
  return isCut ? PAST_BOUND : 'does not spell "HTTP/1." and a digit'
}

function whyNoBeginning(window: Uint8Array, at: number): string {
  const byte = window[at]!
  if (at > 0 && window[at - 1] === CR) return 'is no line feed'
  if (byte === CR || byte === LF) return `begins more than ${MAX_EMPTY_LINES} empty lines`
  return TOKEN[byte] === 0 ? NO_TOKEN : 'is no letter, with which a method begins'
}

function whyNoStatus(at: number): string {
  if (at < VERSION.length) return 'does not spell "HTTP/1."'
  return at === VERSION.length ? 'is no digit of a version' : 'is no space before a status code'
}

function unfinished(skipped: number, end: number): Sniff {
  return skipped === ENDED && end < MAX_BYTES ? 'need-more' : 'no-match'
}

/** Behind the empty lines that may precede a request: CRLF or, as RFC 9112 section 2.2 allows, LF. */
function skipEmptyLines(window: Uint8Array, end: number): number {
  let at = 0
  for (let lines = 0; ; lines++) {
    if (at >= end) return ENDED
    const first = window[at]
    if (first !== CR && first !== LF) return at
    if (lines === MAX_EMPTY_LINES) return WRONG
    if (first === CR) {
      if (at + 1 >= end) return ENDED
      if (window[++at] !== LF) return WRONG
    }
    at++
  }
}

/** The index of the space behind the method. A token may begin with other characters too; no method does. */
function skipMethod(window: Uint8Array, at: number, end: number): number {
  if (!isLetter(window[at]!)) return WRONG
  return upToSpace(window, skipWhile(window, at, end, TOKEN, MAX_METHOD_BYTES))
}

/**
 * The index of the space behind the request-target, in one of the four forms of RFC 9112 section 3.2. Up to `from` the bytes are
 * known to be of the target.
 */
function skipTarget(window: Uint8Array, at: number, end: number, isConnect: boolean, from: number): number {
  if (at >= end) return ENDED
  if (isConnect) return skipPart(window, at, end, AUTHORITY, from)
  const first = window[at]!
  if (first === SLASH) return skipPart(window, at, end, TARGET, from)
  if (first === ASTERISK) return at + 1 < end ? upToSpace(window, at + 1) : ENDED
  return isLetter(first) ? skipAbsoluteForm(window, at, end, from) : WRONG
}

function skipAbsoluteForm(window: Uint8Array, at: number, end: number, from: number): number {
  const scheme = skipWhile(window, at, end, SCHEME, MAX_SCHEME_BYTES)
  if (scheme < 0) return scheme
  const compared = compareBytes(window, scheme, SCHEME_END, end)
  if (compared !== 'match') return compared === 'need-more' ? ENDED : WRONG
  return skipPart(window, scheme + SCHEME_END.length, end, TARGET, from)
}

/** The index of the space behind at least one byte of `set`; up to `from` all are. */
function skipPart(window: Uint8Array, at: number, end: number, set: Uint8Array, from: number): number {
  const after = skipWhile(window, Math.max(at, from), end, set, MAX_BYTES)
  return after === at ? WRONG : upToSpace(window, after)
}

function upToSpace(window: Uint8Array, at: number): number {
  return at < 0 || window[at] === SPACE ? at : WRONG
}

/** Anything but controls and the space: clients also send characters that RFC 3986 wants escaped, and raw UTF-8. */
function requestTargetBytes(): Uint8Array {
  const set = new Uint8Array(256).fill(1, SPACE + 1)
  set[0x7f] = 0
  return set
}
