import type { Sniff, Sniffer } from '../core/sniffer.js'
import { readBounded } from './big-endian.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** AMQP 1.0 section 2.2, AMQP 0-9-1 section 4.2.2: what a protocol header begins with. */
const NAME = latin1Bytes('AMQP')
/** The four bytes behind it say which protocol and version is meant. */
const HEADERS = [
  // AMQP 0-9-1 section 4.2.2: a zero, then major, minor and revision.
  header('0-9-1', 0, 0, 9, 1),
  // AMQP 1.0 section 2.2: protocol id 0, then major, minor and revision; section 5.2.1: TLS; section 5.3.2: SASL.
  header('1.0', 0, 1, 0, 0),
  header('1.0', 2, 1, 0, 0),
  header('1.0', 3, 1, 0, 0),
  // Before 0-9-1, class and instance 1, then major and minor. 0-8 numbers itself 8.0 and has 9.1 in its section 4.2.2, too; RabbitMQ
  // takes both for 0-8.
  header('0-8', 1, 1, 8, 0),
  header('0-8', 1, 1, 9, 1),
  header('0-9', 1, 1, 0, 9),
  header('0-10', 1, 1, 0, 10),
]

/**
 * AMQP 0-8 to 1.0, by the protocol header, with which a client begins and a server that wants another version, or speaks 1.0,
 * answers; or by a server's Connection.Start of 0-8 to 0-9-1. Fact: `version` of the protocol.
 */
export const amqp: Sniffer = {
  protocol: 'amqp',
  maxBytes: 13,
  samples: {
    client: ['AMQP\0\0\x09\x01', 'AMQP\0\x01\0\0', 'AMQP\x02\x01\0\0', 'AMQP\x03\x01\0\0', 'AMQP\x01\x01\x08\0'],
    server: ['AMQP\0\0\x09\x01', 'AMQP\x03\x01\0\0', '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\0\x09'],
  },
  client: sniffHeader,
  server: (window) => (window[0] === FRAME_METHOD ? sniffStart(window) : sniffHeader(window)),
}

function sniffHeader(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, NAME)
  if (compared !== 'match') return compared
  let sniff: Sniff = 'no-match'
  for (const { bytes, verdict } of HEADERS) {
    const compared = compareBytes(window, NAME.length, bytes)
    if (compared === 'match') return verdict
    if (compared === 'need-more') sniff = compared
  }
  return sniff
}

/** AMQP 0-9-1 section 4.2.3: type(1) channel(2) size(4) payload; of a method: class(2) method(2) arguments. */
const FRAME_METHOD = 1
const CHANNEL = 1
const SIZE = 3
const PAYLOAD = 7
/** AMQP 0-9-1 reference, "connection.start": class and method, and as its first argument the major version, 8 or 0. */
const CONNECTION_START = Uint8Array.of(0, 10, 0, 10)
const VERSION = PAYLOAD + CONNECTION_START.length
/** Versions, an empty table, two strings of at least a byte. */
const MIN_START_BYTES = CONNECTION_START.length + 2 + 4 + 2 * 5
/** A bound of ours: properties, mechanisms and locales are some hundred bytes. */
const MAX_START_BYTES = 0xffff

function sniffStart(window: Uint8Array): Sniff {
  const channel = readBounded(window, CHANNEL, 2, 0)
  if (channel < 0) return unfinished(channel)
  const size = readBounded(window, SIZE, 4, MAX_START_BYTES)
  if (size < 0) return unfinished(size)
  if (size < MIN_START_BYTES) return 'no-match'
  const method = compareBytes(window, PAYLOAD, CONNECTION_START)
  return method === 'match' ? sniffStartVersion(window) : method
}

/** 0-9-1 and 0-9 call themselves 0.9 here. */
function sniffStartVersion(window: Uint8Array): Sniff {
  if (window.length <= VERSION) return 'need-more'
  const major = window[VERSION]
  if (major !== 0 && major !== 8) return 'no-match'
  if (window.length === VERSION + 1) return 'need-more'
  return window[VERSION + 1] === (major === 8 ? 0 : 9) ? 'match' : 'no-match'
}

function header(version: string, ...bytes: number[]): { readonly bytes: Uint8Array; readonly verdict: Sniff } {
  return { bytes: Uint8Array.from(bytes), verdict: { facts: { version } } }
}
