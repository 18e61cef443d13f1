import { jsonLine } from '../admin/json-line.js'
import type { RequestRecord } from '../http/request-record.js'

/** The JSON line of a request that is over, in the words of its record. */
export function requestRecordLine(record: RequestRecord, at: Date): string {
  return jsonLine({ level: 'info', time: at.toISOString(), msg: 'request', ...record })
}

/**
 * A line of Apache's format `combined`: `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`. Times are in UTC. Who the client is
 * beyond its address (`%l`, `%u`) is not looked at.
 */
export function combinedLine(record: RequestRecord): string {
  const { source, method, target, version, status, bytes, referer, userAgent, startedAt } = record
  const host = source.slice(0, source.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
  const sent = bytes.server === 0 ? '-' : bytes.server
  // Apache writes so of a 408 or 400 to a request that it could not read.
  const requestLine = method === '' ? '"-"' : `"${escaped(`${method} ${target} HTTP/${version}`)}"`
  return `${host} - - [${apacheTime(new Date(startedAt))}] ${requestLine} ${status ?? '-'} ${sent} ${field(referer)} ${field(userAgent)}\n`
}

function field(value: string | undefined): string {
  return value === undefined ? '"-"' : `"${escaped(value)}"`
}

/** Those that Apache writes as C does. */
const C_ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}

/** As Apache escapes what a client said (since 2.0.46): quotes and backslashes with a backslash, what is not printable ASCII as `\xhh`. */
function escaped(text: string): string {
  return text.replace(
    /[^\x20-\x7e]|["\\]/g,
    (char) => C_ESCAPES[char] ?? `\\x${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}`,
  )
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `10/Oct/2000:13:55:36 +0000`. */
function apacheTime(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
}
