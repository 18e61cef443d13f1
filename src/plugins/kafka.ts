import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isPrintable } from './ascii.js'
import { int32, readBounded } from './big-endian.js'
import { compareBytes, ENDED, WRONG } from './compare-bytes.js'
import { printableText } from './printable-text.js'
import { unfinished } from './unfinished.js'

/**
 * "Kafka protocol guide": size(4; of what follows) api key(2) api version(2) correlation id(4) client id(2 of length, or -1; text).
 * From version 3 of ApiVersions on, tagged fields follow. All integers are big-endian.
 */
const SIZE_BYTES = 4
const API_KEY = 4
const API_VERSION = 6
const CLIENT_ID_LENGTH = 12
const CLIENT_ID = 14
const MIN_SIZE = CLIENT_ID - SIZE_BYTES
/** A bound of ours: brokers take messages of 1 MiB, unless told otherwise. */
const MAX_SIZE = 0xff_ffff
/** Keys go to 92 (Kafka 4.1), versions to 18. A few more versions come with each release. */
const MAX_API_KEY = 92
const MAX_API_VERSION = 31
/** Topics' names have 249 at most. */
const MAX_STRING_BYTES = 255
const NULL = Uint8Array.of(0xff, 0xff)
/** An array: count(4) and its elements, or -1. No first request names more topics. */
const COUNT_BYTES = 4
const MAX_TOPICS = 0xffff
const NO_TOPICS = Uint8Array.of(0, 0, 0, 0)
const NULL_TOPICS = Uint8Array.of(0xff, 0xff, 0xff, 0xff)

const METADATA = 3
/** From here on its integers have variable lengths; before, up to three flags stand behind the topics. */
const COMPACT_METADATA_VERSION = 9
const MAX_METADATA_FLAGS = 3

const API_VERSIONS = 18
/** From here on ApiVersions says: no tagged fields(1, zero), software's name and version, each length + 1(1) and text. */
const DESCRIBED_VERSION = 3
const MAX_SOFTWARE_BYTES = 64

/**
 * Where, behind the header, the first string of a request stands: the name of a group, a topic or a mechanism; in versions below
 * `below`. Old ones have low numbers and often no client id: without it, they would be little more than zeros.
 */
const FIRST_STRINGS = new Map([
  [0, { at: 10, below: 3 }], // Produce
  [1, { at: 16, below: 3 }], // Fetch
  [2, { at: 8, below: 2 }], // ListOffsets
  [4, { at: 12, below: 1 }], // LeaderAndIsr
  [8, { at: 0, below: 8 }], // OffsetCommit
  [9, { at: 0, below: 6 }], // OffsetFetch
  [10, { at: 0, below: 3 }], // FindCoordinator
  [11, { at: 0, below: 6 }], // JoinGroup
  [12, { at: 0, below: 4 }], // Heartbeat
  [13, { at: 0, below: 4 }], // LeaveGroup
  [14, { at: 0, below: 4 }], // SyncGroup
  [17, { at: 0, below: 2 }], // SaslHandshake
  [19, { at: 4, below: 5 }], // CreateTopics
  [20, { at: 4, below: 4 }], // DeleteTopics
])
/** The furthest of them. */
const MAX_FIRST_STRING = 16

/**
 * Kafka, by the header of the client's first request and the beginning of its body ("Kafka protocol guide"). The server's answers
 * begin with nothing but a size and a number. Facts: `clientId`, and `software` of the client, where it says so.
 */
export const kafka: Sniffer = {
  protocol: 'kafka',
  maxBytes: CLIENT_ID + MAX_STRING_BYTES + MAX_FIRST_STRING + 2 + MAX_STRING_BYTES,
  samples: {
    client: [
      request(API_VERSIONS, 3, 'admin-1', '\0\x12apache-kafka-java\x063.9.0\0'),
      request(API_VERSIONS, 0, 'rdkafka', ''),
      request(METADATA, 0, 'shop', '\0\0\0\x01\0\x06orders'),
      request(METADATA, 1, '', '\xff\xff\xff\xff'),
      request(17, 1, 'shop', '\0\x05PLAIN'),
      request(1, 12, 'consumer-1', '\0\xff\xff\xff\xff\0\0\x01\xf4'),
    ],
  },
  client: sniffRequest,
}

function sniffRequest(window: Uint8Array): Sniff {
  const size = readBounded(window, 0, SIZE_BYTES, MAX_SIZE)
  if (size < 0) return unfinished(size)
  if (size < MIN_SIZE) return 'no-match'
  const apiKey = readBounded(window, API_KEY, 2, MAX_API_KEY)
  if (apiKey < 0) return unfinished(apiKey)
  const version = readBounded(window, API_VERSION, 2, MAX_API_VERSION)
  if (version < 0) return unfinished(version)
  const body = skipClientId(window)
  return body < 0 ? unfinished(body) : sniffBody(window, apiKey, version, body)
}

/** The index behind the client id, which ends within the request. */
function skipClientId(window: Uint8Array): number {
  if (window.length <= CLIENT_ID_LENGTH) return ENDED
  if (window[CLIENT_ID_LENGTH] === NULL[0]) {
    const compared = compareBytes(window, CLIENT_ID_LENGTH, NULL)
    return compared === 'match' ? CLIENT_ID : compared === 'need-more' ? ENDED : WRONG
  }
  const length = readBounded(window, CLIENT_ID_LENGTH, 2, MAX_STRING_BYTES)
  if (length < 0) return length
  const end = CLIENT_ID + length
  return end > endOf(window) ? WRONG : skipText(window, CLIENT_ID, end)
}

function sniffBody(window: Uint8Array, apiKey: number, version: number, body: number): Sniff {
  if (apiKey === API_VERSIONS) return sniffApiVersions(window, version, body)
  if (apiKey === METADATA && version < COMPACT_METADATA_VERSION) return sniffMetadata(window, body)
  const string = FIRST_STRINGS.get(apiKey)
  if (string && version < string.below) return sniffString(window, body, body + string.at)
  return body > CLIENT_ID ? describe(window, body) : 'no-match'
}

/** Before version 3 there is no body. */
function sniffApiVersions(window: Uint8Array, version: number, body: number): Sniff {
  const end = endOf(window)
  if (version < DESCRIBED_VERSION) return body === end ? describe(window, body) : 'no-match'
  if (window.length > body && window[body] !== 0) return 'no-match'
  const nameEnd = skipSoftware(window, body + 1, end)
  if (nameEnd < 0) return unfinished(nameEnd)
  const versionEnd = skipSoftware(window, nameEnd, end)
  if (versionEnd < 0) return unfinished(versionEnd)
  return describe(window, body, `${latin1(window, body + 2, nameEnd)}/${latin1(window, nameEnd + 1, versionEnd)}`)
}

/** The index behind a text of the software's name or version. */
function skipSoftware(window: Uint8Array, at: number, end: number): number {
  if (at >= end) return WRONG
  if (at >= window.length) return ENDED
  const next = at + window[at]!
  if (next < at + 2 || next > at + 1 + MAX_SOFTWARE_BYTES || next > end) return WRONG
  return skipText(window, at + 1, next)
}

/** count(4) of topics and their names; no or a null array asks for all. */
function sniffMetadata(window: Uint8Array, body: number): Sniff {
  const names = body + COUNT_BYTES
  const rest = endOf(window) - names
  if (rest < 0) return 'no-match'
  if (rest > MAX_METADATA_FLAGS) return sniffString(window, body, names)
  const compared = compareBytes(window, body, window[body] === 0 ? NO_TOPICS : NULL_TOPICS)
  return compared === 'match' ? describe(window, body) : compared
}

/** A string at `at`: length(2) and at least one character. Where it is an array's first, the count of those stands before it. */
function sniffString(window: Uint8Array, body: number, at: number): Sniff {
  const start = at + 2
  if (start >= endOf(window)) return 'no-match'
  const count = at === body ? 1 : readBounded(window, at - COUNT_BYTES, COUNT_BYTES, MAX_TOPICS)
  if (count <= 0) return unfinished(count)
  const length = readBounded(window, at, 2, Math.min(MAX_STRING_BYTES, endOf(window) - start))
  if (length <= 0) return unfinished(length)
  const end = skipText(window, start, start + length)
  return end < 0 ? unfinished(end) : describe(window, body)
}

function describe(window: Uint8Array, body: number, software?: string): Sniff {
  const clientId = printableText(window, CLIENT_ID, body)
  if (clientId === undefined) return software === undefined ? 'match' : { facts: { software } }
  return { facts: software === undefined ? { clientId } : { clientId, software } }
}

/** The request's end. */
function endOf(window: Uint8Array): number {
  return SIZE_BYTES + int32(window, 0)
}

/** `end`, where all bytes from `start` up to it are printable. */
function skipText(window: Uint8Array, start: number, end: number): number {
  const last = Math.min(window.length, end)
  for (let at = start; at < last; at++) if (!isPrintable(window[at]!)) return WRONG
  return last < end ? ENDED : end
}

function request(apiKey: number, version: number, clientId: string, body: string): string {
  const payload = `\0${String.fromCharCode(apiKey)}\0${String.fromCharCode(version)}\0\0\0\x01\0${String.fromCharCode(clientId.length)}${clientId}${body}`
  return `\0\0\0${String.fromCharCode(payload.length)}${payload}`
}
