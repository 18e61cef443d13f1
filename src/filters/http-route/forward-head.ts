import { indexOfByte } from '../../protocols/byte-views.js'
import { COLON, CR, equalsIgnoringCase, LF } from '../../protocols/http1-characters.js'
import type { Http1Fields, Http1Head } from '../../protocols/http1-head.js'
import type { Gather } from './gather.js'

/** What a rule does to the fields of a head. */
export interface FieldEdits {
  /** Names in lower case. */
  readonly leftOut: readonly string[]
  /** Whole lines. */
  readonly added: string
}

/** What a request's head becomes for the endpoint. */
export interface RequestEdits {
  /** In place of the target that came. */
  readonly target?: string | undefined
  /** In place of the `Host` that came. */
  readonly newHost?: string | undefined
  readonly fields?: FieldEdits | undefined
  /** The client may change the protocol, if the server agrees. */
  readonly isUpgrade: boolean
  /** For a request of HTTP/1.0 that has none: HTTP/1.1 must have one. */
  readonly host: string
}

export type ConnectionOption = 'close' | 'keep-alive' | 'upgrade' | 'close, upgrade'

/** What a response's head becomes for the client. */
export interface ResponseEdits {
  readonly fields?: FieldEdits | undefined
  readonly isChunked: boolean
  readonly connection: ConnectionOption | undefined
}

/**
 * Writes a request as ours (RFC 9110 section 7.6): its own version is HTTP/1.1, fields for one hop are left out, line ends are CRLF,
 * and the framing is the one by which the content was read. Method, target and all other fields are as they came.
 */
export function gatherRequestHead(out: Gather, head: Http1Head, edits: RequestEdits): void {
  const { isUpgrade, target, newHost, fields } = edits
  const targetAt = head.start + head.methodEnd + 1
  out.bytes(head.bytes, head.start, target === undefined ? head.start + head.targetEnd : targetAt)
  if (target !== undefined) out.text(target)
  out.text(' HTTP/1.1\r\n')
  const leftOut = joined(hopFields(head), fields?.leftOut)
  gatherFields(out, head, newHost === undefined ? leftOut : joined(leftOut, HOST_FIELD), isUpgrade)
  if (newHost !== undefined || head.hosts === 0) out.text(`Host: ${newHost ?? withoutZone(edits.host)}\r\n`)
  if (fields !== undefined) out.text(fields.added)
  if (head.content === 'chunked') out.text('Transfer-Encoding: chunked\r\n')
  out.text(isUpgrade ? 'Connection: upgrade\r\n\r\n' : '\r\n')
}

/** Writes a response as ours. */
export function gatherResponseHead(
  out: Gather,
  head: Http1Head,
  { isChunked, connection, fields }: ResponseEdits,
): void {
  const { bytes, start, fieldsStart } = head
  out.text('HTTP/1.1')
  out.bytes(bytes, start + VERSION_LENGTH, bytes[fieldsStart - 2] === CR ? fieldsStart - 2 : fieldsStart - 1)
  out.text('\r\n')
  const leftOut = joined(hopFields(head), fields?.leftOut)
  const keepsUpgrade = connection === 'upgrade' || connection === 'close, upgrade'
  gatherFields(out, head, mayHaveLength(head) ? leftOut : joined(leftOut, LENGTH_FIELD), keepsUpgrade)
  if (fields !== undefined) out.text(fields.added)
  if (isChunked) out.text('Transfer-Encoding: chunked\r\n')
  out.text(connection === undefined ? '\r\n' : CONNECTION_LINES[connection])
}

/**
 * The last chunk, and trailers without those that would mean something for framing or routing (RFC 9110 section 6.5.1), or that are
 * left out of the head: who reads them may take them for fields of the head.
 */
export function gatherTrailers(out: Gather, trailers: Http1Fields, leftOut: readonly string[] | undefined): void {
  out.text('0\r\n')
  gatherFields(out, trailers, joined(NOT_IN_TRAILERS, leftOut), false)
  out.text('\r\n')
}

/** RFC 7540 section 3.2: an upgrade that would carry requests past whoever reads them here. A server may ignore it, and so may we. */
export function asksForHttp2(head: Http1Head): boolean {
  for (const [name, value] of head) {
    if (name.toLowerCase() !== 'upgrade') continue
    if (value.split(',').some((protocol) => protocol.trim().toLowerCase().startsWith('h2'))) return true
  }
  return false
}

const VERSION_LENGTH = 'HTTP/1.1'.length
const CONNECTION_LINES: Readonly<Record<ConnectionOption, string>> = {
  close: 'Connection: close\r\n\r\n',
  'keep-alive': 'Connection: keep-alive\r\n\r\n',
  upgrade: 'Connection: upgrade\r\n\r\n',
  'close, upgrade': 'Connection: close, upgrade\r\n\r\n',
}
const NOT_IN_TRAILERS: readonly string[] = [
  'content-length',
  'host',
  'trailer',
  'authorization',
  'content-encoding',
  'content-type',
  'content-range',
  'set-cookie',
]

/** RFC 6874 section 1: the zone of a link-local address means something on this machine only, and is not to be sent. */
function withoutZone(host: string): string {
  return host.replace(/%[^\]]*/, '')
}

/** RFC 9110 section 7.6.1: what `Connection` must not name. Else a client takes out what somebody before us has put in for the server. */
const NEVER_HOP: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'authorization',
  'cookie',
  'set-cookie',
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
])

/** Names of fields for this hop only, where `Connection` names some. */
function hopFields(head: Http1Head): readonly string[] | undefined {
  if (!head.namesHopFields) return undefined
  const names: string[] = []
  for (const [name, value] of head) {
    if (name.toLowerCase() !== 'connection') continue
    for (const option of value.split(',')) {
      const field = option.trim().toLowerCase()
      if (field !== '' && !NEVER_HOP.has(field)) names.push(field)
    }
  }
  return names
}

const HOST_FIELD: readonly string[] = ['host']
const LENGTH_FIELD: readonly string[] = ['content-length']

/** RFC 9110 section 8.6: not with 1xx and 204, nor with 2xx to CONNECT. */
function mayHaveLength({ status, content }: Http1Head): boolean {
  return status >= 200 && status !== 204 && content !== 'tunnel'
}

function joined(
  some: readonly string[] | undefined,
  others: readonly string[] | undefined,
): readonly string[] | undefined {
  if (some === undefined || others === undefined) return some ?? others
  return [...some, ...others]
}

/** Copies runs of lines that stay: in nearly all heads two or three. */
function gatherFields(
  out: Gather,
  { bytes, fieldsStart }: Http1Fields,
  leftOut: readonly string[] | undefined,
  keepsUpgrade: boolean,
): void {
  let line = fieldsStart
  let run = line
  for (;;) {
    const lineFeed = indexOfByte(bytes, LF, line)
    const isCrlf = bytes[lineFeed - 1] === CR
    const end = isCrlf ? lineFeed - 1 : lineFeed
    if (end === line) break
    const isLeftOut = isForOneHop(bytes, line, keepsUpgrade) || isNamed(bytes, line, leftOut)
    if (isLeftOut || !isCrlf) {
      out.bytes(bytes, run, isLeftOut ? line : end)
      if (!isLeftOut) out.text('\r\n')
      run = lineFeed + 1
    }
    line = lineFeed + 1
  }
  out.bytes(bytes, run, line)
}

/** RFC 9110 section 7.6.1, and `Proxy-Connection`, which old clients send. Letter first: nearly every line ends here. */
function isForOneHop(bytes: Uint8Array, line: number, keepsUpgrade: boolean): boolean {
  switch (bytes[line]! | 0x20) {
    case 0x63: // c
      return isField(bytes, line, 'connection')
    case 0x68: // h
      return isField(bytes, line, 'http2-settings')
    case 0x6b: // k
      return isField(bytes, line, 'keep-alive')
    case 0x70: // p
      return isField(bytes, line, 'proxy-connection')
    case 0x74: // t
      return isField(bytes, line, 'te') || isField(bytes, line, 'transfer-encoding')
    case 0x75: // u
      return !keepsUpgrade && isField(bytes, line, 'upgrade')
    default:
      return false
  }
}

function isNamed(bytes: Uint8Array, line: number, names: readonly string[] | undefined): boolean {
  if (names === undefined) return false
  for (const name of names) if (isField(bytes, line, name)) return true
  return false
}

function isField(bytes: Uint8Array, line: number, name: string): boolean {
  const colon = line + name.length
  return bytes[colon] === COLON && equalsIgnoringCase(bytes, line, colon, name)
}
