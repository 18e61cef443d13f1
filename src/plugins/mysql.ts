import type { Sniff, Sniffer } from '../core/sniffer.js'
import { indexOfByte, latin1 } from '../protocols/byte-views.js'
import { isDigit, isPrintable } from './ascii.js'
import { compareBytes, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'
import { printableText } from './printable-text.js'

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
 * "Protocol::HandshakeResponse41" and "Protocol::SSLRequest", the client's first packet, with sequence 1: capabilities(4,
 * little-endian) maximum packet(4) character set(1) filler(23, zero), and unless it asks for TLS user(NUL-terminated) and more.
 */
const CAPABILITIES = HEADER_BYTES
const CLIENT_PROTOCOL_41 = 0x02
const CLIENT_SSL = 0x08
/** MariaDB keeps the filler's last 4 bytes for capabilities of its own. */
const FILLER = HEADER_BYTES + 9
const ZEROS = new Uint8Array(19)
const SSL_REQUEST_BYTES = 32
const USER = HEADER_BYTES + SSL_REQUEST_BYTES
/** The user's NUL, the length or the NUL of the answer to the salt. */
const MIN_RESPONSE_BYTES = SSL_REQUEST_BYTES + 2
const MAX_RESPONSE_BYTES = 0xffff
/** RFC 1928 section 3: 05 01 00 is a whole greeting of SOCKS5, and could be a length of 261. The server names those connections. */
const SOCKS5 = 0x05
/** MariaDB allows 128 characters, MySQL 32. */
const MAX_USER_BYTES = 128

/**
 * MySQL and MariaDB, by the server's greeting or by the error that it sends instead (dev.mysql.com, "MySQL Internals: Connection
 * Phase"; mariadb.com/kb, "Connection"). The client waits for it; where it was not seen, the client's answer to it names the
 * connection, too. Facts: the server's `version`, without the prefix 5.5.5- that MariaDB puts before its own; of a client `user`.
 */
export const mysql: Sniffer = {
  protocol: 'mysql',
  serverFirst: true,
  maxBytes: VERSION_START + MAX_VERSION_BYTES + FILLER_OFFSET + 1,
  samples: {
    client: [response('\x85\xa6\xff\x01', 'shop\0\x14abcdefghijklmnopqrst'), response('\x0d\xae\xff\x01', '')],
    server: [
      greeting('8.0.35'),
      greeting('5.5.5-10.11.19-MariaDB-0+deb12u1'),
      errorPacket(1040, 'Too many connections'),
      errorPacket(1130, "Host '192.0.2.1' is not allowed to connect to this MySQL server"),
    ],
  },
  client: sniffResponse,
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

function sniffResponse(window: Uint8Array): Sniff {
  const { length } = window
  if (length > 0 && window[0] === SOCKS5) return 'no-match'
  if (length > 1 && !isResponseLength(payloadBytes(window))) return 'no-match'
  if (length > 2 && window[2] !== 0) return 'no-match'
  if (length > 3 && window[3] !== 1) return 'no-match'
  if (length <= CAPABILITIES + 1) return 'need-more'
  const capabilities = window[CAPABILITIES + 1]!
  if ((capabilities & CLIENT_PROTOCOL_41) === 0) return 'no-match'
  const isSslRequest = payloadBytes(window) === SSL_REQUEST_BYTES
  if (isSslRequest && (capabilities & CLIENT_SSL) === 0) return 'no-match'
  const filler = compareBytes(window, FILLER, ZEROS)
  return filler === 'match' && !isSslRequest ? readUser(window) : filler
}

function isResponseLength(bytes: number): boolean {
  return bytes === SSL_REQUEST_BYTES || (bytes >= MIN_RESPONSE_BYTES && bytes <= MAX_RESPONSE_BYTES)
}

/** The name is known; the user ends with NUL. */
function readUser(window: Uint8Array): Sniff {
  const end = indexOfByte(window, 0, USER)
  if (end < 0 && window.length <= USER + MAX_USER_BYTES) return 'sure'
  const user = printableText(window, USER, end)
  return user === undefined ? 'match' : { facts: { user } }
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

function response(capabilities: string, rest: string): string {
  const payload = `${capabilities}\0\0\0\x01\x21${'\0'.repeat(23)}${rest}`
  return `${String.fromCharCode(payload.length)}\0\0\x01${payload}`
}

function errorPacket(error: number, message: string): string {
  return packet(`\xff${String.fromCharCode(error & 0xff, error >> 8)}${message}`)
}

function packet(payload: string): string {
  return `${String.fromCharCode(payload.length)}\0\0\0${payload}`
}
