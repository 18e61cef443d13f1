import type { Facts, Sniff, Sniffer } from '../core/sniffer.js'
import { indexOfByte, latin1 } from '../protocols/byte-views.js'
import { isDigit, isPrintable, isVisible, LF, SPACE } from './ascii.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, skipWhile, WRONG } from './compare-bytes.js'

/** gitprotocol-common(5), "pkt-line Format": length(4 hexadecimal digits, itself included), at most 65520. */
const LENGTH_BYTES = 4
const MAX_PACKET_BYTES = 65520
const HEX = byteSet('0123456789abcdefABCDEF')
const ZERO = 0x30
const LOWER_A = 0x61
const LOWER_CASE = 0x20

/** gitprotocol-pack(5), "Git Transport": request-command SP pathname NUL ["host=" name NUL] [NUL extra-parameters]. */
const SERVICES = ['git-upload-pack ', 'git-receive-pack ', 'git-upload-archive '].map(latin1Bytes)
const SLASH = 0x2f
const HOST = latin1Bytes('host=')
/** A path and a host; what is longer is named without facts. */
const MAX_REQUEST_BYTES = 1024

/** gitprotocol-pack(5), "Reference Discovery": obj-id SP name; SHA-1 or SHA-256. */
const OBJECT_ID_BYTES = [40, 64]
const MAX_OBJECT_ID_BYTES = 64
const REFERENCES = ['HEAD', 'refs/', 'capabilities^{}'].map(latin1Bytes)
/** gitprotocol-pack(5), "Extra Parameters", and gitprotocol-v2(5), "Initial Client Request". */
const VERSION = latin1Bytes('version ')
/** gitprotocol-pack(5), "pkt-line Format": error-line. */
const ERROR = latin1Bytes('ERR ')

/**
 * Git's own transport (git://), gitprotocol-pack(5): by the client's request, or by the server's first packet: a reference, the
 * version, or an error. Facts: `service`, and `host` where the client names one.
 */
export const git: Sniffer = {
  protocol: 'git',
  maxBytes: LENGTH_BYTES + MAX_OBJECT_ID_BYTES + 1 + 'capabilities^{}'.length,
  samples: {
    client: [
      '0033git-upload-pack /project.git\0host=myserver.com\0',
      '003agit-upload-pack /a.git\0host=git.example:9418\0\0version=2\0',
    ],
    server: [
      '000eversion 2\n',
      '00327217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0\n',
      '0036ERR access denied or repository not exported: /a.\n',
    ],
  },
  client: sniffRequest,
  server: sniffAnswer,
}

function sniffRequest(window: Uint8Array): Sniff {
  const length = packetBytes(window)
  if (length < 0) return length === ENDED ? 'need-more' : 'no-match'
  let result: Sniff = 'no-match'
  for (const service of SERVICES) {
    const compared = compareBytes(window, LENGTH_BYTES, service)
    if (compared === 'match') return sniffPath(window, LENGTH_BYTES + service.length, length)
    if (compared === 'need-more' && LENGTH_BYTES + service.length < length) result = compared
  }
  return result
}

/** A path from the root, which is what the daemon takes. */
function sniffPath(window: Uint8Array, at: number, length: number): Sniff {
  if (at >= length) return 'no-match'
  if (window.length === at) return 'need-more'
  if (window[at] !== SLASH) return 'no-match'
  if (length > MAX_REQUEST_BYTES) return 'match'
  return window.length < length ? 'sure' : { facts: describe(window, at, length) }
}

function describe(window: Uint8Array, path: number, end: number): Facts {
  const service = latin1(window, LENGTH_BYTES, path - 1)
  const nul = indexOfByte(window, 0, path)
  if (nul < 0 || nul >= end || compareBytes(window, nul + 1, HOST, end) !== 'match') return { service }
  const start = nul + 1 + HOST.length
  let at = start
  while (at < end && isVisible(window[at]!)) at++
  return at > start && at < end && window[at] === 0 ? { service, host: latin1(window, start, at) } : { service }
}

function sniffAnswer(window: Uint8Array): Sniff {
  const length = packetBytes(window)
  if (length < 0) return length === ENDED ? 'need-more' : 'no-match'
  if (window.length === LENGTH_BYTES) return 'need-more'
  const version = sniffVersion(window, length)
  if (version !== 'no-match') return version
  const error = sniffError(window, length)
  return error === 'no-match' ? sniffReference(window, length) : error
}

/** The whole packet: the word, a digit, and LF. */
function sniffVersion(window: Uint8Array, length: number): Sniff {
  const digit = LENGTH_BYTES + VERSION.length
  if (length !== digit + 2) return 'no-match'
  const compared = compareBytes(window, LENGTH_BYTES, VERSION)
  if (compared !== 'match') return compared
  if (window.length === digit) return 'need-more'
  if (!isDigit(window[digit]!)) return 'no-match'
  if (window.length === digit + 1) return 'need-more'
  return window[digit + 1] === LF ? 'match' : 'no-match'
}

function sniffError(window: Uint8Array, length: number): Sniff {
  const text = LENGTH_BYTES + ERROR.length
  if (length <= text) return 'no-match'
  const compared = compareBytes(window, LENGTH_BYTES, ERROR)
  if (compared !== 'match') return compared
  if (window.length === text) return 'need-more'
  return isPrintable(window[text]!) ? 'match' : 'no-match'
}

function sniffReference(window: Uint8Array, length: number): Sniff {
  const id = skipWhile(window, LENGTH_BYTES, window.length, HEX, MAX_OBJECT_ID_BYTES)
  if (id === ENDED && length > window.length) return 'need-more'
  if (id < 0 || window[id] !== SPACE || !OBJECT_ID_BYTES.includes(id - LENGTH_BYTES)) return 'no-match'
  let result: Sniff = 'no-match'
  for (const reference of REFERENCES) {
    if (id + 1 + reference.length > length) continue
    const compared = compareBytes(window, id + 1, reference)
    if (compared === 'match') return compared
    if (compared === 'need-more') result = compared
  }
  return result
}

/** The length that the packet says it has; `ENDED`; or `WRONG` where these digits are none. */
function packetBytes(window: Uint8Array): number {
  let length = 0
  for (let at = 0; at < LENGTH_BYTES; at++) {
    if (at === window.length) return ENDED
    const digit = hexDigit(window[at]!)
    if (digit < 0) return WRONG
    length = length * 16 + digit
  }
  return length > MAX_PACKET_BYTES ? WRONG : length
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - ZERO
  return HEX[byte] === 1 ? (byte | LOWER_CASE) - LOWER_A + 10 : WRONG
}
