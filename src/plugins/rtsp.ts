import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { authorityEnd, authorityHost } from './authority-host.js'
import { latin1Bytes } from './compare-bytes.js'
import { MAX_REQUEST_LINE_BYTES, readRequestLine, type RequestLine } from './internet-request-line.js'
import { sniffStatusLine } from './internet-status-line.js'

/** RFC 2326 section 10, RFC 7826 section 13. */
const METHODS = [
  ...['OPTIONS', 'DESCRIBE', 'ANNOUNCE', 'SETUP', 'PLAY', 'PLAY_NOTIFY', 'PAUSE', 'TEARDOWN', 'RECORD', 'REDIRECT'],
  ...['GET_PARAMETER', 'SET_PARAMETER'],
]
/** RFC 2326 section 6.1, RFC 7826 section 5.2. */
const VERSIONS = ['RTSP/1.0', 'RTSP/2.0'].map(latin1Bytes)

const LINE: RequestLine = {
  methods: METHODS.map((method) => latin1Bytes(`${method} `)),
  // RFC 2326 section 3.2, RFC 7826 section 4.2.
  schemes: ['rtsp', 'rtsps', 'rtspu'].map(latin1Bytes),
  afterScheme: latin1Bytes('://'),
  withAsterisk: latin1Bytes('OPTIONS '),
  versions: VERSIONS,
}

/**
 * RTSP 1.0 and 2.0, RFC 2326 and RFC 7826: by the client's request line up to the version, which HTTP and SIP have too, or by the
 * server's status line. Facts of a request: `method`, and `host` where the target has one.
 */
export const rtsp: Sniffer = {
  protocol: 'rtsp',
  maxBytes: MAX_REQUEST_LINE_BYTES,
  samples: {
    client: [
      'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n',
      'DESCRIBE rtsp://camera.example:554/stream RTSP/1.0\r\nCSeq: 2\r\n\r\n',
      'PLAY_NOTIFY rtsps://camera.example/stream RTSP/2.0\r\nCSeq: 9\r\n\r\n',
    ],
    server: ['RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n', 'RTSP/2.0 505 RTSP Version Not Supported\r\n'],
  },
  client: sniffRequest,
  server: (window) => sniffStatusLine(window, VERSIONS),
}

function sniffRequest(window: Uint8Array, seen = 0): Sniff {
  const parts = readRequestLine(window, seen, LINE)
  if (typeof parts === 'string') return parts
  const { methodEnd, targetStart, targetEnd } = parts
  const method = latin1(window, 0, methodEnd)
  if (targetStart < 0) return { facts: { method } }
  const host = authorityHost(window, targetStart, authorityEnd(window, targetStart, targetEnd))
  return { facts: host === undefined ? { method } : { method, host } }
}
