import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isVisible, LF, SPACE, TAB } from './ascii.js'
import { compareBytes, compareLetters, type Comparison, latin1Bytes } from './compare-bytes.js'

const INFO = latin1Bytes('info')
const CONNECT = latin1Bytes('connect')
const BRACE = 0x7b
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** A key of INFO's object: a quote inside a JSON string is escaped, so that these bytes are never part of a value. */
const VERSION_KEY = latin1Bytes('"version":"')
/** A cluster names its servers in the line, which may get long. Past this it is named without its version. */
const MAX_INFO_BYTES = 4096
const MAX_VERSION_BYTES = 64

/**
 * NATS (docs.nats.io, "Client Protocol"): by the server's INFO, or by the client's CONNECT; an operation's name is in any case, and
 * a JSON object follows it. PING alone is also Redis: it names nothing. Fact: `version` of the server.
 */
export const nats: Sniffer = {
  protocol: 'nats',
  serverFirst: true,
  maxBytes: CONNECT.length + 2,
  samples: {
    client: ['CONNECT {"verbose":false,"pedantic":false,"lang":"go"}\r\nPING\r\n'],
    server: ['INFO {"server_id":"NDRA","version":"2.10.22","proto":1,"max_payload":1048576} \r\n'],
  },
  client: (window) => compareOperation(window, CONNECT),
  server: sniffInfo,
}

function sniffInfo(window: Uint8Array, seen = 0): Sniff {
  const compared = compareOperation(window, INFO)
  return compared === 'match' ? describe(window, seen - VERSION_KEY.length - MAX_VERSION_BYTES) : compared
}

/** Name, one space or tab, and the brace of an object. */
function compareOperation(window: Uint8Array, name: Uint8Array): Comparison {
  const compared = compareLetters(window, 0, name)
  if (compared !== 'match') return compared
  if (window.length === name.length) return 'need-more'
  const separator = window[name.length]
  if (separator !== SPACE && separator !== TAB) return 'no-match'
  if (window.length === name.length + 1) return 'need-more'
  return window[name.length + 1] === BRACE ? 'match' : 'no-match'
}

/** Scans the rest of the INFO line for the server's version, whose key does not begin before `from`. */
function describe(window: Uint8Array, from: number): Sniff {
  const end = Math.min(window.length, MAX_INFO_BYTES)
  let at = Math.max(INFO.length, from)
  for (; at < end && window[at] !== LF; at++) {
    if (compareBytes(window, at, VERSION_KEY, end) === 'match') return readVersion(window, at + VERSION_KEY.length, end)
  }
  return at < end || end === MAX_INFO_BYTES ? 'match' : 'sure'
}

function readVersion(window: Uint8Array, start: number, end: number): Sniff {
  const last = Math.min(end, start + MAX_VERSION_BYTES)
  for (let at = start; at < last; at++) {
    const byte = window[at]!
    if (byte === QUOTE) return at === start ? 'match' : { facts: { version: latin1(window, start, at) } }
    if (byte === BACKSLASH || !isVisible(byte)) return 'match'
  }
  return end < Math.min(start + MAX_VERSION_BYTES, MAX_INFO_BYTES) ? 'sure' : 'match'
}
