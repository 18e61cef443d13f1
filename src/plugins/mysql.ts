import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isDigit, isPrintable } from './ascii.js'
import { compareBytes, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'

/** MySQL's client/server protocol, "Protocol::Packet": length(3, little-endian; what follows the header) sequence(1). */
const HEADER_BYTES = 4
/** Version, salts, name of the authentication plugin: real greetings have 70 to 150 bytes, errors no more. */
const MAX_PAYLOAD_BYTES = 511

/** "Protocol::HandshakeV10": 0x0a version(NUL-terminated) thread id(4) salt(8) filler(1, zero) capabilities(2). */
const HANDSHAKE_V10 = 0x0a
const VERSION_START = HEADER_BYTES + 1
/** MariaDB's longest, with distribution and build, have about 70 characters. */
const MAX_VERSION_BYTES = 128
/** From the version's NUL to the filler. */
const FILLER_OFFSET = 13
/** NUL, thread id, salt, filler and capabilities, which every server sends. */
const AFTER_VERSION_BYTES = 16
/** MariaDB's replication prefix: without it, old replicas took version 10 for version 1. */
const REPLICATION_PREFIX = latin1Bytes('5.5.5-')

/** "ERR_Packet": 0xff error(2, little-endian) message. Instead of a greeting, as 1040, 1129 or 1130. */
const ERROR = 0xff
const MESSAGE_START = HEADER_BYTES + 3
/** Servers number their errors from 1000; 2000 to 2999 are made by clients; MariaDB's go to 4xxx, MySQL's to 6xxx. */
const MIN_ERROR = 1000
const MAX_ERROR = 6999
/** As much of an error's message as is compared; all real ones are longer. */
const MESSAGE_BYTES = 8
/** The smaller of the two packets: 0xff, error, message. */
const MIN_PAYLOAD_BYTES = 3 + MESSAGE_BYTES

/**
 * MySQL and MariaDB, by the server's greeting or by the error that it sends instead (dev.mysql.com, "MySQL Internals: Connection
 * Phase"; mariadb.com/kb, "Connection"). The client waits for it, so that nothing of the client's is compared. Fact: `version`,
 * without the prefix 5.5.5- that MariaDB puts before its own.
 */
export const mysql: Sniffer = {
  protocol: 'mysql',
  serverFirst: true,
  maxBytes: VERSION_START + MAX_VERSION_BYTES + FILLER_OFFSET + 1,
  samples: {
    server: [
      greeting('8.0.35'),
      greeting('5.5.5-10.11.19-MariaDB-0+deb12u1'),
      errorPacket(1040, 'Too many connections'),
      errorPacket(1130, "Host '192.0.2.1' is not allowed to connect to this MySQL server"),
    ],
  },
  server: sniffFirstPacket,
}

function sniffFirstPacket(window: Uint8Array): Sniff {
  const { length } = window
  if (length > 1 && !isPayloadLength(payloadBytes(window))) return 'no-match'
  if (length > 2 && window[2] !== 0) return 'no-match'
  if (length > 3 && window[3] !== 0) return 'no-match'
  if (length <= HEADER_BYTES) return 'need-more'
  if (window[HEADER_BYTES] === HANDSHAKE_V10) return sniffGreeting(window)
  return window[HEADER_BYTES] === ERROR ? sniffError(window) : 'no-match'
}

function isPayloadLength(bytes: number): boolean {
  return bytes >= MIN_PAYLOAD_BYTES && bytes <= MAX_PAYLOAD_BYTES
}

function sniffGreeting(window: Uint8Array): Sniff {
  const end = skipVersion(window)
  if (end < 0) return end === ENDED ? 'need-more' : 'no-match'
  if (payloadBytes(window) < end - HEADER_BYTES + AFTER_VERSION_BYTES) return 'no-match'
  const filler = end + FILLER_OFFSET
  if (window.length <= filler) return 'need-more'
  if (window[filler] !== 0) return 'no-match'
  const isPrefixed = compareBytes(window, VERSION_START, REPLICATION_PREFIX, end) === 'match'
  return { facts: { version: latin1(window, VERSION_START + (isPrefixed ? REPLICATION_PREFIX.length : 0), end) } }
}

/** The index of the version's NUL. The version begins with a digit. */
function skipVersion(window: Uint8Array): number {
  const last = Math.min(window.length, VERSION_START + MAX_VERSION_BYTES + 1)
  for (let at = VERSION_START; at < last; at++) {
    const byte = window[at]!
    if (byte === 0 && at > VERSION_START) return at
    if (at === VERSION_START ? !isDigit(byte) : !isPrintable(byte)) return WRONG
  }
  return last > VERSION_START + MAX_VERSION_BYTES ? WRONG : ENDED
}

function sniffError(window: Uint8Array): Sniff {
  if (window.length < MESSAGE_START) return 'need-more'
  const error = window[HEADER_BYTES + 1]! | (window[HEADER_BYTES + 2]! << 8)
  if (error < MIN_ERROR || error > MAX_ERROR) return 'no-match'
  for (let at = MESSAGE_START; at < MESSAGE_START + MESSAGE_BYTES; at++) {
    if (at === window.length) return 'need-more'
    if (!isPrintable(window[at]!)) return 'no-match'
  }
  return 'match'
}

/** The length's two low bytes; the third is zero. */
function payloadBytes(window: Uint8Array): number {
  return window[0]! | (window[1]! << 8)
}

function greeting(version: string): string {
  const salt = 'abcdefgh'
  return packet(
    `\x0a${version}\0\x2a\0\0\0${salt}\0\xff\xf7\xff\x02\0\xff\x81\x15${'\0'.repeat(10)}ijklmnopqrst\0mysql_native_password\0`,
  )
}

function errorPacket(error: number, message: string): string {
  return packet(`\xff${String.fromCharCode(error & 0xff, error >> 8)}${message}`)
}

function packet(payload: string): string {
  return `${String.fromCharCode(payload.length)}\0\0\0${payload}`
}
