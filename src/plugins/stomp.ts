import type { Sniff, Sniffer } from '../core/sniffer.js'
import { indexOfByte } from '../protocols/byte-views.js'
import { CR, DIGITS, LETTERS, LF } from './ascii.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, skipWhile, WRONG } from './compare-bytes.js'
import { printableText } from './printable-text.js'
import { unfinished } from './unfinished.js'

/** STOMP 1.2, "Connecting": a client begins with one of these two, and the end of a line. */
const CONNECT = latin1Bytes('CONNECT')
const STOMP = latin1Bytes('STOMP')
/** "Augmented BNF" allows more in a header's name; those of this frame are of these. */
const NAME = byteSet(`-_.${DIGITS}${LETTERS}`)
const MAX_NAME_BYTES = 64
const COLON = 0x3a
/** "Protocol Overview" of STOMP 1.0: a broker without logins takes CONNECT without a header. An empty line, and the body's end. */
const NO_HEADERS = latin1Bytes('\n\0')

const HOST = latin1Bytes('host')
const LOGIN = latin1Bytes('login')
/** Headers that stand later are no facts. */
const MAX_HEADER_BYTES = 256

/**
 * STOMP 1.0 to 1.2, by the client's CONNECT or STOMP frame up to its first header's name. What the server says comes after it, and is
 * not compared. Facts: `host`, `user` (its login).
 */
export const stomp: Sniffer = {
  protocol: 'stomp',
  maxBytes: CONNECT.length + 2 + MAX_NAME_BYTES + 1,
  samples: {
    client: [
      'CONNECT\naccept-version:1.0,1.1,1.2\nhost:shop\nlogin:clerk\npasscode:secret\n\n\0',
      'STOMP\r\naccept-version:1.2\r\nhost:shop\r\n\r\n\0',
      'CONNECT\n\n\0',
    ],
  },
  client: sniffConnect,
}

function sniffConnect(window: Uint8Array): Sniff {
  const command = window[0] === STOMP[0] ? STOMP : CONNECT
  const compared = compareBytes(window, 0, command)
  if (compared !== 'match') return compared
  const headers = skipLineEnd(window, command.length)
  if (headers < 0) return unfinished(headers)
  if (headers === window.length) return 'need-more'
  if (window[headers] === LF) return compareBytes(window, headers, NO_HEADERS)
  const name = skipWhile(window, headers, window.length, NAME, MAX_NAME_BYTES)
  if (name < 0) return unfinished(name)
  return name > headers && window[name] === COLON ? sniffHeaders(window, headers) : 'no-match'
}

/** The index behind LF or, since 1.2, CR LF. */
function skipLineEnd(window: Uint8Array, at: number): number {
  const end = window[at] === CR ? at + 1 : at
  if (end >= window.length) return ENDED
  return window[end] === LF ? end + 1 : WRONG
}

/** "Frames and Headers": name, colon, value and a line's end, up to an empty line. */
function sniffHeaders(window: Uint8Array, start: number): Sniff {
  let host: string | undefined
  let user: string | undefined
  for (let line = start; ;) {
    const lineFeed = indexOfByte(window, LF, line)
    if (lineFeed < 0 && window.length < MAX_HEADER_BYTES) return 'sure'
    const end = window[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
    if (lineFeed < 0 || lineFeed >= MAX_HEADER_BYTES || end === line) return describe(host, user)
    host ??= readHeader(window, line, end, HOST)
    user ??= readHeader(window, line, end, LOGIN)
    line = lineFeed + 1
  }
}

function readHeader(window: Uint8Array, line: number, end: number, name: Uint8Array): string | undefined {
  const colon = line + name.length
  const isNamed = window[colon] === COLON && compareBytes(window, line, name, end) === 'match'
  return isNamed ? printableText(window, colon + 1, end) : undefined
}

function describe(host: string | undefined, user: string | undefined): Sniff {
  if (host === undefined) return user === undefined ? 'match' : { facts: { user } }
  return { facts: user === undefined ? { host } : { host, user } }
}
