import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isPrintable } from './ascii.js'
import { int32, readBounded, uint16 } from './big-endian.js'
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
/**
 * Higher keys (they go to 92 in Kafka 4.1) are never first: who knows them asks for ApiVersions before. Versions go to 18, and a few
 * more come with each release.
 */
const MAX_API_KEY = 44
const MAX_API_VERSION = 23
/** Others than Produce and Fetch are smaller than this as a first request; and it has a client id where it is not. */
const MAX_SMALL_SIZE = 0xffff
const MAY_BE_LARGE = [0, 1]
/** Topics' names have 249 at most. */
const MAX_STRING_BYTES = 255
const NULL = Uint8Array.of(0xff, 0xff)
/** An array: count(4) and its elements, or -1. No first request names more topics. */
const COUNT_BYTES = 4
const MAX_TOPICS = 0xffff
const NO_TOPICS = Uint8Array.of(0, 0, 0, 0)
const NULL_TOPICS = Uint8Array.of(0xff, 0xff, 0xff, 0xff)

const METADATA = 3
/** Up to three flags stand behind its topics. */
const MAX_METADATA_FLAGS = 3
const PRODUCE = 0

/**
 * By api key, the version from which on a request is flexible ("flexibleVersions" of its definition): tagged fields end its header,
 * which first requests do not have, so that there is a zero, and its integers have variable lengths. SaslHandshake never is.
 */
const FLEXIBLE_FROM = [
  ...[9, 12, 6, 9, 4, 2, 6, 3, 8, 6, 3, 6, 4, 4, 4, 5, 3, Infinity, 3, 5, 4, 2],
  ...[2, 4, 3, 3, 3, 1, 3, 2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1],
]

const API_VERSIONS = 18
/** From here on ApiVersions says: no tagged fields(1, zero), software's name and version, each length + 1(1) and text. */
const DESCRIBED_VERSION = 3
const MAX_SOFTWARE_BYTES = 64

/**
 * Where, behind the header, the first string of a request stands that is not flexible: the name of a group, a topic or a mechanism; in
 * versions below the first number at the second. A header alone, with a number and a name, could be anybody's.
 */
const FIRST_STRINGS = new Map<number, readonly (readonly [below: number, at: number])[]>([
  // Produce: acks(2) timeout(4) count(4); from version 3 on a transactional id before them.
  [PRODUCE, [[3, 10]]],
  // Fetch: replica(4) wait(4) least(4) count(4); with most(4), isolation(1), session(4) and its epoch(4) before the count.
  [1, [[3, 16], [4, 20], [7, 21], [12, 29]]], // prettier-ignore
  [
    2,
    [
      [2, 8],
      [6, 9],
    ],
  ], // ListOffsets
  [
    4,
    [
      [2, 12],
      [4, 20],
    ],
  ], // LeaderAndIsr
  [
    5,
    [
      [1, 13],
      [2, 21],
    ],
  ], // StopReplica
  [
    6,
    [
      [5, 12],
      [6, 20],
    ],
  ], // UpdateMetadata
  [8, [[8, 0]]], // OffsetCommit
  [9, [[6, 0]]], // OffsetFetch
  [10, [[3, 0]]], // FindCoordinator
  [11, [[6, 0]]], // JoinGroup
  [12, [[4, 0]]], // Heartbeat
  [13, [[4, 0]]], // LeaveGroup
  [14, [[4, 0]]], // SyncGroup
  [15, [[5, 4]]], // DescribeGroups
  [17, [[2, 0]]], // SaslHandshake
  [19, [[5, 4]]], // CreateTopics
  [20, [[4, 4]]], // DeleteTopics
  [22, [[2, 0]]], // InitProducerId
])
/**
 * LeaderAndIsr, StopReplica, UpdateMetadata and ControlledShutdown are gone since Kafka 4.0: these were their last versions. Produce,
 * whose key is 0, has come to 13.
 */
const LAST_VERSIONS = new Map([
  [PRODUCE, 16],
  [4, 7],
  [5, 4],
  [6, 8],
  [7, 3],
])
/** The furthest of those strings. */
const MAX_FIRST_STRING = 29
/** Produce's acks: all(-1), none or one. A transactional id that is null stands before them, and its timeout(4) and count(4) behind. */
const ALL = 0xff
const MAX_TIMEOUT_MS = 0xff_ffff
/** From here on topics have ids of 16 bytes in place of names. */
const TOPIC_ID_VERSION = 13
const FIRST_STRING_WITHOUT_TRANSACTION = 12

/**
 * Kafka, by the header of the client's first request and the beginning of its body ("Kafka protocol guide"). The server's answers
 * begin with nothing but a size and a number. Facts: `clientId`, and `software` of the client, where it says so.
 */
export const kafka: Sniffer = {
  protocol: 'kafka',
  maxBytes: CLIENT_ID + 3 * MAX_STRING_BYTES + MAX_FIRST_STRING + 2,
  samples: {
    client: [
      request(API_VERSIONS, 3, 'admin-1', '\0\x12apache-kafka-java\x063.9.0\0'),
      request(API_VERSIONS, 0, 'rdkafka', ''),
      request(METADATA, 0, 'shop', '\0\0\0\x01\0\x06orders'),
      request(METADATA, 1, '', '\xff\xff\xff\xff'),
      request(17, 1, 'shop', '\0\x05PLAIN'),
      request(1, 12, 'consumer-1', '\0\xff\xff\xff\xff\0\0\x01\xf4'),
      request(0, 9, 'producer-1', '\0\0\xff\xff\0\0\x75\x30\x02\x07orders'),
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
  if (size > MAX_SMALL_SIZE && !MAY_BE_LARGE.includes(apiKey)) return 'no-match'
  const version = readBounded(window, API_VERSION, 2, MAX_API_VERSION)
  if (version < 0) return unfinished(version)
  if (!isRecognised(apiKey, version)) return 'no-match'
  const body = skipClientId(window)
  return body < 0 ? unfinished(body) : sniffBody(window, apiKey, version, body)
}

/** The index behind the client id, which ends within the request. */
function skipClientId(window: Uint8Array): number {
  if (window.length <= CLIENT_ID_LENGTH) return ENDED
  if (window[CLIENT_ID_LENGTH] === NULL[0]) {
    if (int32(window, 0) > MAX_SMALL_SIZE) return WRONG
    const compared = compareBytes(window, CLIENT_ID_LENGTH, NULL)
    return compared === 'match' ? CLIENT_ID : compared === 'need-more' ? ENDED : WRONG
  }
  const length = readBounded(window, CLIENT_ID_LENGTH, 2, MAX_STRING_BYTES)
  if (length < 0) return length
  if (length === 0 && int32(window, 0) > MAX_SMALL_SIZE) return WRONG
  const end = CLIENT_ID + length
  return end > endOf(window) ? WRONG : skipText(window, CLIENT_ID, end)
}

function isRecognised(apiKey: number, version: number): boolean {
  const last = LAST_VERSIONS.get(apiKey)
  if (last !== undefined && version > last) return false
  if (apiKey === API_VERSIONS || apiKey === METADATA || apiKey === PRODUCE) return true
  return version >= FLEXIBLE_FROM[apiKey]! || firstStringOf(apiKey, version) !== undefined
}

function firstStringOf(apiKey: number, version: number): number | undefined {
  for (const [below, at] of FIRST_STRINGS.get(apiKey) ?? []) if (version < below) return at
  return undefined
}

function sniffBody(window: Uint8Array, apiKey: number, version: number, body: number): Sniff {
  if (apiKey === API_VERSIONS) return sniffApiVersions(window, version, body)
  if (version >= FLEXIBLE_FROM[apiKey]!) return sniffFlexible(window, apiKey, version, body)
  if (apiKey === METADATA) return sniffMetadata(window, body)
  const at = firstStringOf(apiKey, version)
  return at === undefined ? sniffProduce(window, body) : sniffString(window, body, body + at)
}

/** No tagged fields. Without a client id it would be little more than zeros. */
function sniffFlexible(window: Uint8Array, apiKey: number, version: number, body: number): Sniff {
  if (body === CLIENT_ID || body >= endOf(window)) return 'no-match'
  if (window.length === body) return 'need-more'
  if (window[body] !== 0) return 'no-match'
  return apiKey === PRODUCE ? sniffFlexibleProduce(window, version, body + 1) : describe(window, body)
}

/**
 * Versions 9 on: transactional id, a byte of its length + 1, or zero; acks(2) timeout(4), a byte of the topics' count + 1, and the first
 * topic's name with a byte of its length + 1.
 */
function sniffFlexibleProduce(window: Uint8Array, version: number, transaction: number): Sniff {
  if (window.length <= transaction) return 'need-more'
  const acks = transaction + Math.max(window[transaction]!, 1)
  const count = acks + 2 + 4
  if (count >= endOf(window)) return 'no-match'
  const idEnd = skipText(window, transaction + 1, acks)
  if (idEnd < 0) return unfinished(idEnd)
  const sniffed = sniffAcks(window, acks)
  if (sniffed !== 'match') return sniffed
  if (window.length <= count) return 'need-more'
  if (window[count]! <= 1) return 'no-match'
  if (version >= TOPIC_ID_VERSION) return describe(window, transaction - 1)
  if (window.length === count + 1) return 'need-more'
  const nameEnd = count + 1 + window[count + 1]!
  if (nameEnd < count + 3 || nameEnd > endOf(window)) return 'no-match'
  const name = skipText(window, count + 2, nameEnd)
  return name < 0 ? unfinished(name) : describe(window, transaction - 1)
}

/** Versions 3 to 8: transactional id, a string or null, acks and the rest. */
function sniffProduce(window: Uint8Array, body: number): Sniff {
  if (window.length === body) return 'need-more'
  const isNull = window[body] === NULL[0]
  const transaction = isNull ? compareBytes(window, body, NULL) : sniffString(window, body, body)
  if (transaction === 'need-more' || transaction === 'no-match') return transaction
  const idBytes = isNull ? 0 : uint16(window, body)
  const acks = sniffAcks(window, body + 2 + idBytes)
  return acks === 'match' ? sniffString(window, body, body + FIRST_STRING_WITHOUT_TRANSACTION + idBytes) : acks
}

/** Acks, and a timeout(4) in ms. */
function sniffAcks(window: Uint8Array, at: number): Sniff {
  if (window.length <= at) return 'need-more'
  const isAll = window[at] === ALL
  if (!isAll && window[at] !== 0) return 'no-match'
  if (window.length === at + 1) return 'need-more'
  if (isAll ? window[at + 1] !== ALL : window[at + 1]! > 1) return 'no-match'
  const timeout = readBounded(window, at + 2, 4, MAX_TIMEOUT_MS)
  return timeout > 0 ? 'match' : unfinished(timeout)
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
