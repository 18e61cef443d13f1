import type { Sniff, Sniffer } from '../core/sniffer.js'
import { readBounded } from './big-endian.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** Elasticsearch's TcpHeader: "ES" length(4; of what follows) request id(8) status(1) version(4), big-endian. */
const MARKER = latin1Bytes('ES')
const LENGTH = 2
const REQUEST_ID = 6
const STATUS = 14
const VERSION = 15
const MIN_LENGTH = 8 + 1 + 4
/** A bound of ours: the first message is a handshake. */
const MAX_LENGTH = 0xff_ffff

/** Elasticsearch's TransportStatus: response, error, compressed, handshake. */
const STATUS_RESPONSE = 0x01
const STATUS_ERROR = 0x02
const STATUS_COMPRESSED = 0x04
const STATUS_HANDSHAKE = 0x08

/** Version ids are decimal, major, minor, revision and build, two digits each, as 7170399; OpenSearch sets bit 27 beside. */
const MIN_VERSION = 1_00_00_00
const MAX_VERSION = 99_99_99_99
const OPENSEARCH_HIGH_BYTE = 0x08

/**
 * The transport protocol between Elasticsearch nodes, and OpenSearch's, by the header of the client's first request or the server's
 * first response (classes TcpHeader and TransportStatus of Elasticsearch's source). The client speaks first. From the
 * specification: none of the programs was at hand. Their HTTP interface is HTTP.
 */
export const elasticsearch: Sniffer = {
  protocol: 'elasticsearch',
  maxBytes: VERSION + 4,
  samples: {
    client: [message(STATUS_HANDSHAKE, '\0\x5c\xc6\x63'), message(0, '\x08\x20\x2c\x19')],
    server: [message(STATUS_HANDSHAKE | STATUS_RESPONSE, '\0\x5c\xc6\x63')],
  },
  client: (window) => sniffHeader(window, isRequest),
  server: (window) => sniffHeader(window, isResponse),
}

function sniffHeader(window: Uint8Array, isStatus: (status: number) => boolean): Sniff {
  const marker = compareBytes(window, 0, MARKER)
  if (marker !== 'match') return marker
  const length = readBounded(window, LENGTH, 4, MAX_LENGTH)
  if (length < 0) return unfinished(length)
  if (length < MIN_LENGTH || (window.length > REQUEST_ID && window[REQUEST_ID]! >= 0x80)) return 'no-match'
  if (window.length <= STATUS) return 'need-more'
  return isStatus(window[STATUS]!) ? sniffVersion(window) : 'no-match'
}

function sniffVersion(window: Uint8Array): Sniff {
  const isOpenSearch = window[VERSION] === OPENSEARCH_HIGH_BYTE
  const version = isOpenSearch
    ? readBounded(window, VERSION + 1, 3, 0xff_ffff)
    : readBounded(window, VERSION, 4, MAX_VERSION)
  if (version < 0) return unfinished(version)
  return version >= MIN_VERSION ? 'match' : 'no-match'
}

function isRequest(status: number): boolean {
  return (status & ~(STATUS_COMPRESSED | STATUS_HANDSHAKE)) === 0
}

function isResponse(status: number): boolean {
  const optional = STATUS_ERROR | STATUS_COMPRESSED | STATUS_HANDSHAKE
  return (status & STATUS_RESPONSE) !== 0 && (status & ~(STATUS_RESPONSE | optional)) === 0
}

function message(status: number, version: string): string {
  return `ES\0\0\0\x13\0\0\0\0\0\0\0\x01${String.fromCharCode(status)}${version}\0\0\0\0\0\0`
}
