import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { authorityHost } from './authority-host.js'
import { latin1Bytes } from './compare-bytes.js'
import { MAX_REQUEST_LINE_BYTES, readRequestLine, type RequestLine } from './internet-request-line.js'
import { sniffStatusLine } from './internet-status-line.js'

/** RFC 3261 section 7.1, and RFC 3262, 3265, 3311, 3428, 3515, 3903, 6086. */
const METHODS = [
  ...['INVITE', 'ACK', 'OPTIONS', 'BYE', 'CANCEL', 'REGISTER', 'PRACK', 'SUBSCRIBE', 'NOTIFY', 'UPDATE', 'MESSAGE'],
  ...['REFER', 'PUBLISH', 'INFO'],
]
/** RFC 3261 section 7.1. */
const VERSIONS = [latin1Bytes('SIP/2.0')]

const LINE: RequestLine = {
  methods: METHODS.map((method) => latin1Bytes(`${method} `)),
  // RFC 3261 section 19.1, RFC 3966 section 3.
  schemes: ['sip', 'sips', 'tel'].map(latin1Bytes),
  afterScheme: latin1Bytes(':'),
  versions: VERSIONS,
}

const SEMICOLON = 0x3b
const QUESTION_MARK = 0x3f

/**
 * SIP 2.0 over TCP, RFC 3261: by a request line up to the version (section 7.1), or by a status line (section 7.2), which only a
 * server begins with. Facts of a request: `method`, and `host`, the domain of the request's URI.
 */
export const sip: Sniffer = {
  protocol: 'sip',
  maxBytes: MAX_REQUEST_LINE_BYTES,
  samples: {
    client: [
      'OPTIONS sip:bob@example.com SIP/2.0\r\n',
      'REGISTER sips:example.com;transport=tcp SIP/2.0\r\n',
      'INVITE tel:+1-201-555-0123 SIP/2.0\r\n',
    ],
    server: ['SIP/2.0 100 Trying\r\n', 'SIP/2.0 603 Decline\r\n'],
  },
  client: sniffRequest,
  server: (window) => sniffStatusLine(window, VERSIONS),
}

function sniffRequest(window: Uint8Array, seen = 0): Sniff {
  const parts = readRequestLine(window, seen, LINE)
  if (typeof parts === 'string') return parts
  const { methodEnd, targetStart, targetEnd } = parts
  const method = latin1(window, 0, methodEnd)
  const host = isTel(window, targetStart) ? undefined : uriHost(window, targetStart, targetEnd)
  return { facts: host === undefined ? { method } : { method, host } }
}

/** RFC 3966: a number, and no host. */
function isTel(window: Uint8Array, targetStart: number): boolean {
  const letterBeforeColon = window[targetStart - 2]! | 0x20
  return letterBeforeColon === 0x6c
}

/** RFC 3261 section 19.1.1: sip:user:password@host:port;uri-parameters?headers. The user may have semicolons and question marks. */
function uriHost(window: Uint8Array, start: number, end: number): string | undefined {
  let host = start
  for (let at = start; at < end; at++) if (window[at] === 0x40) host = at + 1
  let hostEnd = host
  while (hostEnd < end && window[hostEnd] !== SEMICOLON && window[hostEnd] !== QUESTION_MARK) hostEnd++
  return authorityHost(window, host, hostEnd)
}
