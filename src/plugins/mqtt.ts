import type { Sniff, Sniffer } from '../core/sniffer.js'
import { uint16 } from './big-endian.js'
import { compareBytes, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'
import { printableText } from './printable-text.js'
import { unfinished } from './unfinished.js'

/** MQTT 5.0 and 3.1.1 section 3.1: type CONNECT(4 bits) flags(4 bits, zero), remaining length(1 to 4), name, level, flags. */
const CONNECT = 0x10
/** Section 1.5.5 of 5.0, 2.2.3 of 3.1.1: seven bits a byte, the lowest first; the eighth says that another follows. */
const MAX_LENGTH_BYTES = 4
/** Section 3.1.2.1, and MQTT 3.1 section 3.1: the name, behind its length(2). The length's low byte tells one from the other. */
const MQTT = latin1Bytes('\0\x04MQTT')
const MQISDP = latin1Bytes('\0\x06MQIsdp')
/** Section 3.1.2.2: the level. */
const LEVEL_3_1 = 3
const LEVEL_3_1_1 = 4
const LEVEL_5 = 5
/** What bridges set in the level of 3.1 and 3.1.1 (Mosquitto's "try_private"): they want to know a bridge at the other end. */
const BRIDGE = 0x80
/** Section 3.1.2.3: user name, password, will retain, will QoS(2), will, clean start, reserved. */
const FLAG_USER_NAME = 0x80
const FLAG_PASSWORD = 0x40
const FLAGS_OF_WILL = 0x38
const WILL_QOS = 0x18
const FLAG_WILL = 0x04
const RESERVED = 0x01
/** Name, level, flags, keep alive(2), and the client id's length(2). */
const MIN_REMAINING_LENGTH = MQTT.length + 1 + 1 + 2 + 2
/** A client id that ends later is no fact. */
const MAX_CLIENT_ID_END = 512

/**
 * MQTT 3.1, 3.1.1 and 5.0, by the client's CONNECT up to its flags. A server speaks only afterwards, and what it says first has four
 * bytes. Facts: `version` of the protocol, `clientId`.
 */
export const mqtt: Sniffer = {
  protocol: 'mqtt',
  maxBytes: 1 + MAX_LENGTH_BYTES + MQISDP.length + 2,
  samples: {
    client: [
      '\x10\x12\0\x04MQTT\x04\x02\0\x3c\0\x06meter1',
      '\x10\x13\0\x04MQTT\x05\x02\0\x3c\0\0\x06meter1',
      '\x10\x14\0\x06MQIsdp\x03\x02\0\x3c\0\x06meter1',
    ],
  },
  client: sniffConnect,
}

function sniffConnect(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== CONNECT) return 'no-match'
  const start = skipNumber(window, 1)
  if (start < 0) return unfinished(start)
  if (readNumber(window, 1, start) < MIN_REMAINING_LENGTH) return 'no-match'
  const name = window[start + 1] === MQISDP[1] ? MQISDP : MQTT
  const compared = compareBytes(window, start, name)
  if (compared !== 'match') return compared
  return sniffLevel(window, start + name.length, name === MQTT, start + readNumber(window, 1, start))
}

function sniffLevel(window: Uint8Array, at: number, isMqtt: boolean, end: number): Sniff {
  if (window.length <= at) return 'need-more'
  const level = window[at]!
  const version = versionOf(level, isMqtt)
  if (version === undefined) return 'no-match'
  if (window.length === at + 1) return 'need-more'
  return isConnectFlags(window[at + 1]!, level) ? describe(window, at + 4, level, end, version) : 'no-match'
}

function versionOf(level: number, isMqtt: boolean): string | undefined {
  if (!isMqtt) return (level & ~BRIDGE) === LEVEL_3_1 ? '3.1' : undefined
  if ((level & ~BRIDGE) === LEVEL_3_1_1) return '3.1.1'
  return level === LEVEL_5 ? '5' : undefined
}

/** Sections 3.1.2.3 to 3.1.2.9. A password without a user name is new in 5.0. */
function isConnectFlags(flags: number, level: number): boolean {
  if ((flags & RESERVED) !== 0 || (flags & WILL_QOS) === WILL_QOS) return false
  if ((flags & FLAG_WILL) === 0 && (flags & FLAGS_OF_WILL) !== 0) return false
  return level === LEVEL_5 || (flags & FLAG_PASSWORD) === 0 || (flags & FLAG_USER_NAME) !== 0
}

/** Behind the keep alive stand, in 5.0, properties with their length before them; then the client id. */
function describe(window: Uint8Array, afterKeepAlive: number, level: number, end: number, version: string): Sniff {
  const length = level === LEVEL_5 ? skipProperties(window, afterKeepAlive) : afterKeepAlive
  if (length === ENDED) return 'sure'
  const start = length + 2
  if (length === WRONG || start > MAX_CLIENT_ID_END) return { facts: { version } }
  if (window.length < start) return 'sure'
  const last = start + uint16(window, length)
  if (last > Math.min(end, MAX_CLIENT_ID_END)) return { facts: { version } }
  if (window.length < last) return 'sure'
  const clientId = printableText(window, start, last)
  return { facts: clientId === undefined ? { version } : { version, clientId } }
}

function skipProperties(window: Uint8Array, at: number): number {
  const start = skipNumber(window, at)
  return start < 0 ? start : start + readNumber(window, at, start)
}

/** The index behind a number of variable length; a last byte of zero would be one byte too many. */
function skipNumber(window: Uint8Array, start: number): number {
  for (let at = start; at < start + MAX_LENGTH_BYTES; at++) {
    if (at >= window.length) return ENDED
    if (window[at]! < 0x80) return window[at] === 0 && at > start ? WRONG : at + 1
  }
  return WRONG
}

function readNumber(window: Uint8Array, start: number, end: number): number {
  let number = 0
  for (let at = end - 1; at >= start; at--) number = (number << 7) | (window[at]! & 0x7f)
  return number
}
