import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { DIGITS, isVisible, LETTERS, SPACE } from './ascii.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, skipWhile, WRONG } from './compare-bytes.js'

/** A stream's header with its namespaces has 130 to 300 bytes. A bound, since each look begins at the first byte. */
const MAX_BYTES = 384

/** RFC 6120 section 11.5: XML declaration, which may be left out. */
const DECLARATION = latin1Bytes('<?xml ')
const DECLARATION_END = latin1Bytes('?>')
const MAX_DECLARATION_BYTES = 64
/** RFC 6120 section 4.8.5: the prefix `stream` is what servers may insist on. */
const STREAM = latin1Bytes('<stream:stream')
const NAMESPACE = latin1Bytes('xmlns:stream')
/** RFC 6120 section 4.8.1. */
const STREAMS = latin1Bytes('http://etherx.jabber.org/streams')
/** RFC 6120 sections 4.7.1 and 4.7.2: the host is whom the client speaks to, and whom the server speaks for. */
const TO = latin1Bytes('to')
const FROM = latin1Bytes('from')
/** RFC 7622 section 3.2 has 1023; what is longer than a host's name (RFC 1035 section 2.3.4) is not shown. */
const MAX_HOST_BYTES = 255

const WHITE_SPACE = byteSet(' \t\r\n')
const MAX_WHITE_SPACE_BYTES = 8
const NAME = byteSet(`:_-.${DIGITS}${LETTERS}`)
const MAX_NAME_BYTES = 32
const EQUALS = 0x3d
const GREATER = 0x3e
const LESS = 0x3c
const QUOTE = 0x22
const APOSTROPHE = 0x27

/**
 * XMPP, RFC 6120 section 4.2, by the header of the stream that either side opens: an element stream:stream in its namespace. Fact:
 * `host`, the service that is spoken to.
 */
export const xmpp: Sniffer = {
  protocol: 'xmpp',
  maxBytes: MAX_BYTES,
  samples: {
    client: [
      "<?xml version='1.0'?><stream:stream to='im.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ],
    server: [
      "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' from='im.example' id='4a' xmlns='jabber:client'>",
    ],
  },
  client: (window) => sniffHeader(window, TO),
  server: (window) => sniffHeader(window, FROM),
}

function sniffHeader(window: Uint8Array, hostName: Uint8Array): Sniff {
  const end = Math.min(window.length, MAX_BYTES)
  const start = skipDeclaration(window, end)
  if (start < 0) return unfinished(start, end)
  const compared = compareBytes(window, start, STREAM, end)
  if (compared !== 'match') return unfinished(compared === 'need-more' ? ENDED : WRONG, end)
  return sniffAttributes(window, start + STREAM.length, end, hostName)
}

function unfinished(skipped: number, end: number): Sniff {
  return skipped === ENDED && end < MAX_BYTES ? 'need-more' : 'no-match'
}

/** Behind the declaration and the white space that follows it, where there is one. */
function skipDeclaration(window: Uint8Array, end: number): number {
  const compared = compareBytes(window, 0, DECLARATION, end)
  // Both begin with "<", and the next byte tells.
  if (compared === 'need-more') return ENDED
  if (compared === 'no-match') return 0
  const last = Math.min(end, DECLARATION.length + MAX_DECLARATION_BYTES)
  for (let at = DECLARATION.length; at < last; at++) {
    const closed = compareBytes(window, at, DECLARATION_END, end)
    if (closed === 'match')
      return skipWhile(window, at + DECLARATION_END.length, end, WHITE_SPACE, MAX_WHITE_SPACE_BYTES)
    if (closed === 'need-more') return ENDED
    if (!isVisible(window[at]!) && WHITE_SPACE[window[at]!] === 0) return WRONG
  }
  return last < end ? WRONG : ENDED
}

/** White space and name="value", again and again, then ">". */
function sniffAttributes(window: Uint8Array, from: number, end: number, hostName: Uint8Array): Sniff {
  let isXmpp = false
  let hostStart = 0
  let hostEnd = 0
  for (let at = from; ;) {
    const name = skipWhile(window, at, end, WHITE_SPACE, MAX_WHITE_SPACE_BYTES)
    if (name < 0) return isXmpp ? sureOrMatch(name, end) : unfinished(name, end)
    if (window[name] === GREATER) {
      if (!isXmpp) return 'no-match'
      return hostEnd > hostStart ? { facts: { host: latin1(window, hostStart, hostEnd) } } : 'match'
    }
    const value = name === at ? WRONG : skipName(window, name, end)
    const valueEnd = value < 0 ? value : skipValue(window, value, end)
    if (valueEnd < 0) return isXmpp ? sureOrMatch(valueEnd, end) : unfinished(valueEnd, end)
    const nameBytes = value - 2 - name
    if (isName(window, name, nameBytes, NAMESPACE)) {
      if (valueEnd - value !== STREAMS.length || compareBytes(window, value, STREAMS) !== 'match')
        return isXmpp ? 'match' : 'no-match'
      isXmpp = true
    } else if (isName(window, name, nameBytes, hostName) && isHost(window, value, valueEnd)) {
      hostStart = value
      hostEnd = valueEnd
    }
    at = valueEnd + 1
  }
}

/** It is XMPP; the fact may come yet, or does not. */
function sureOrMatch(skipped: number, end: number): Sniff {
  return skipped === ENDED && end < MAX_BYTES ? 'sure' : 'match'
}

/** Behind the name, the sign and the quote. */
function skipName(window: Uint8Array, at: number, end: number): number {
  const equals = skipWhile(window, at, end, NAME, MAX_NAME_BYTES)
  if (equals < 0) return equals
  if (equals === at || window[equals] !== EQUALS) return WRONG
  if (equals + 1 === end) return ENDED
  const quote = window[equals + 1]
  return quote === QUOTE || quote === APOSTROPHE ? equals + 2 : WRONG
}

/** The index of the quote that ends the value. */
function skipValue(window: Uint8Array, from: number, end: number): number {
  const quote = window[from - 1]!
  for (let at = from; at < end; at++) {
    const byte = window[at]!
    if (byte === quote) return at
    if (byte === LESS || byte < SPACE) return WRONG
  }
  return ENDED
}

function isName(window: Uint8Array, at: number, length: number, name: Uint8Array): boolean {
  return length === name.length && compareBytes(window, at, name) === 'match'
}

function isHost(window: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_HOST_BYTES) return false
  for (let at = start; at < end; at++) if (!isVisible(window[at]!)) return false
  return true
}
