import type { Sniff } from '../core/sniffer.js'
import { uint16, uint24 } from './byte-views.js'

/** Of the longer proof: a record's header (5), a message's header (4), and its version (2). */
export const SERVER_HELLO_PROOF_BYTES = 11

// RFC 8446 sections 5.1 and 4: type(1) legacy_record_version(2) length(2), then msg_type(1) length(3); big-endian.
const RECORD_HEADER_BYTES = 5
const ALERT_RECORD = 21
const HANDSHAKE_RECORD = 22
const MAX_FRAGMENT_BYTES = 16_384
const SERVER_HELLO = 2
/** RFC 5246 section 7.4.1.3: version(2) random(32) session_id<0..32> cipher_suite(2) compression_method(1), without extensions. */
const MIN_SERVER_HELLO_BYTES = 38
/** Cookie, key share and lists of extensions: far less. One that is longer says no more than a few kilobytes of certificates would. */
const MAX_SERVER_HELLO_BYTES = 0xffff

/** RFC 8446 section 6: level(1; warning or fatal) description(1). */
const ALERT_BYTES = 2
const ALERTS = alertDescriptions()

/** Recognises what a TLS server says first: a ServerHello (RFC 8446 section 4.1.3), or an alert instead (section 6). */
export function sniffServerHello(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] !== HANDSHAKE_RECORD && window[0] !== ALERT_RECORD) return 'no-match'
  if (window.length > 1 && window[1] !== 3) return 'no-match'
  if (window.length > 2 && window[2]! > 4) return 'no-match'
  return window[0] === HANDSHAKE_RECORD ? sniffHandshake(window) : sniffAlert(window)
}

function sniffHandshake(window: Uint8Array): Sniff {
  const { length } = window
  if (length > 3 && window[3]! > MAX_FRAGMENT_BYTES >> 8) return 'no-match'
  if (length < RECORD_HEADER_BYTES) return 'need-more'
  const fragment = uint16(window, 3)
  if (fragment > MAX_FRAGMENT_BYTES || fragment < 4 + MIN_SERVER_HELLO_BYTES) return 'no-match'
  if (length > 5 && window[5] !== SERVER_HELLO) return 'no-match'
  if (length > 6 && window[6] !== 0) return 'no-match'
  if (length < 9) return 'need-more'
  const message = uint24(window, 6)
  if (message < MIN_SERVER_HELLO_BYTES || message > MAX_SERVER_HELLO_BYTES) return 'no-match'
  if (length > 9 && window[9] !== 3) return 'no-match'
  if (length < SERVER_HELLO_PROOF_BYTES) return 'need-more'
  return window[10]! <= 3 ? 'match' : 'no-match'
}

function sniffAlert(window: Uint8Array): Sniff {
  const { length } = window
  if (length > 3 && window[3] !== 0) return 'no-match'
  if (length > 4 && window[4] !== ALERT_BYTES) return 'no-match'
  if (length > 5 && window[5] !== 1 && window[5] !== 2) return 'no-match'
  if (length < RECORD_HEADER_BYTES + ALERT_BYTES) return 'need-more'
  return ALERTS[window[6]!] === 1 ? 'match' : 'no-match'
}

/** Why no server's hello or alert begins so, of its last byte, as a phrase that goes on after it. */
export function whyNoServerHello(window: Uint8Array): string {
  const isAlert = window[0] === ALERT_RECORD
  switch (window.length - 1) {
    case 0:
      return `is neither a handshake record (${HANDSHAKE_RECORD}) nor an alert (${ALERT_RECORD})`
    case 1:
      return 'is no major version 3'
    case 2:
      return 'is no minor version from 0 to 4'
    case 3:
    case 4:
      return isAlert ? `makes another length than ${ALERT_BYTES}` : 'makes no length of a record with a ServerHello'
    case 5:
      return isAlert ? 'is no level of an alert' : `is no ServerHello (${SERVER_HELLO})`
    case 6:
      return isAlert ? 'describes no alert' : 'makes no length of a ServerHello'
    case 7:
    case 8:
      return 'makes no length of a ServerHello'
    default:
      return 'is of no version that a ServerHello has'
  }
}

/** RFC 8446 section 6 and appendix B.2, the ones of older versions and of extensions with them. */
function alertDescriptions(): Uint8Array {
  const set = new Uint8Array(256)
  for (const description of [
    ...[0, 10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109, 110],
    ...[111, 112, 113, 114, 115, 116, 120, 121],
  ])
    set[description] = 1
  return set
}
