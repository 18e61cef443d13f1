import type { Sniff, Sniffer } from '../core/sniffer.js'
import { readBounded } from './big-endian.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** ActiveMQ, "OpenWire Version 2 Specification": size(4; of what follows) type(1) magic(8) version(4), big-endian. */
const TYPE = 4
/** WIREFORMAT_INFO is type 1. It is the first command of both, sent without waiting for the other's. */
const WIRE_FORMAT_INFO = latin1Bytes('\x01ActiveMQ')
const VERSION = TYPE + WIRE_FORMAT_INFO.length
/** Type, magic, version, and a byte that says whether properties follow. */
const MIN_SIZE = WIRE_FORMAT_INFO.length + 4 + 1
const MAX_SIZE = 0xffff
/** Versions go to 12 (ActiveMQ 5.16 to 6.1). */
const MAX_VERSION = 99

/**
 * OpenWire, ActiveMQ's protocol, by the WireFormatInfo that each side sends first (ActiveMQ, "OpenWire Version 2 Specification").
 * Fact: `version` of the protocol.
 */
export const openwire: Sniffer = {
  protocol: 'openwire',
  serverFirst: true,
  maxBytes: VERSION + 4,
  samples: {
    client: [wireFormatInfo(12)],
    server: [wireFormatInfo(12), wireFormatInfo(6)],
  },
  client: sniffWireFormatInfo,
  server: sniffWireFormatInfo,
}

function sniffWireFormatInfo(window: Uint8Array): Sniff {
  const size = readBounded(window, 0, TYPE, MAX_SIZE)
  if (size < 0) return unfinished(size)
  if (size < MIN_SIZE) return 'no-match'
  const compared = compareBytes(window, TYPE, WIRE_FORMAT_INFO)
  if (compared !== 'match') return compared
  const version = readBounded(window, VERSION, 4, MAX_VERSION)
  if (version < 0) return unfinished(version)
  return version > 0 ? { facts: { version: String(version) } } : 'no-match'
}

function wireFormatInfo(version: number): string {
  const properties = '\0\0\0\x01\0\x0cCacheEnabled\x01\x01'
  return `\0\0\0\x26\x01ActiveMQ\0\0\0${String.fromCharCode(version)}\x01\0\0\0\x13${properties}`
}
