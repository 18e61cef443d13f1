import type { Facts, Sniff } from '../core/sniffer.js'
import { uint16 } from './byte-views.js'

/**
 * RFC 5246 appendix E.2: msg_length(2; the highest bit set, the rest counts what follows) msg_type(1) version(2)
 * cipher_spec_length(2) session_id_length(2) challenge_length(2) cipher_specs session_id challenge; big-endian. SSL 2.0's own
 * CLIENT-HELLO (draft-hickman-netscape-ssl-00 section 2.5) is the same with its own version.
 */
export const SSLV2_HELLO_PROOF_BYTES = 11
const LENGTH_BYTES = 2
const FIXED_BYTES = SSLV2_HELLO_PROOF_BYTES - LENGTH_BYTES
const CLIENT_HELLO = 1
const CIPHER_SPEC_BYTES = 3
/** Either none, or one of SSL 2.0. */
const SESSION_ID_BYTES = 16
const MIN_CHALLENGE_BYTES = 16
const MAX_CHALLENGE_BYTES = 32
const MIN_BYTES = FIXED_BYTES + CIPHER_SPEC_BYTES + MIN_CHALLENGE_BYTES
/** As many cipher specs as have numbers fit; what is sent has 5 to 60 of them, 3 bytes each. */
const MAX_BYTES = 1023

/** By major and minor version: SSL 2.0 says 0.2. */
const NAMES_OF_3 = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2']
const SSL_2 = 2

/**
 * Recognises a ClientHello in the format of SSL 2.0, as old clients send it that also speak SSL 3.0 or TLS, and SSL 2.0 itself.
 * Fact: `version`, the highest one offered; the format has no room for more.
 */
export function sniffSslv2Hello(window: Uint8Array): Sniff {
  const { length } = window
  if (length === 0) return 'need-more'
  if (window[0]! >> 2 !== 0x80 >> 2) return 'no-match'
  if (length === 1) return 'need-more'
  const messageBytes = uint16(window, 0) & MAX_BYTES
  if (messageBytes < MIN_BYTES) return 'no-match'
  if (length > 2 && window[2] !== CLIENT_HELLO) return 'no-match'
  if (length > 3 && window[3] !== 3 && window[3] !== 0) return 'no-match'
  if (length > 4 && nameOf(window) === undefined) return 'no-match'
  return length < SSLV2_HELLO_PROOF_BYTES ? sniffLengths(window) : describe(window, messageBytes)
}

function nameOf(window: Uint8Array): string | undefined {
  if (window[3] === 3) return NAMES_OF_3[window[4]!]
  return window[4] === SSL_2 ? 'SSLv2' : undefined
}

/** The lengths as far as they have arrived: each is below 256 in its turn, but for the first. */
function sniffLengths(window: Uint8Array): Sniff {
  if (window.length > 5 && window[5]! > MAX_BYTES >> 8) return 'no-match'
  if (window.length > 6 && !isCipherSpecLength(uint16(window, 5))) return 'no-match'
  if (window.length > 7 && window[7] !== 0) return 'no-match'
  if (window.length > 8 && !isSessionIdLength(window[8]!)) return 'no-match'
  return window.length > 9 && window[9] !== 0 ? 'no-match' : 'need-more'
}

function isCipherSpecLength(bytes: number): boolean {
  return bytes > 0 && bytes % CIPHER_SPEC_BYTES === 0
}

function isSessionIdLength(bytes: number): boolean {
  return bytes === 0 || bytes === SESSION_ID_BYTES
}

/** The lengths are all there, and say together what the message's own length says. */
function describe(window: Uint8Array, messageBytes: number): Sniff {
  const cipherSpecs = uint16(window, 5)
  const sessionId = uint16(window, 7)
  const challenge = uint16(window, 9)
  if (!isCipherSpecLength(cipherSpecs) || !isSessionIdLength(sessionId)) return 'no-match'
  if (challenge < MIN_CHALLENGE_BYTES || challenge > MAX_CHALLENGE_BYTES) return 'no-match'
  if (FIXED_BYTES + cipherSpecs + sessionId + challenge !== messageBytes) return 'no-match'
  const facts: Facts = { version: nameOf(window)! }
  return { facts }
}

/** Why no hello of SSL 2.0 begins so, of its last byte, as a phrase that goes on after it. */
export function whyNoSslv2Hello(window: Uint8Array): string {
  switch (window.length - 1) {
    case 1:
      return `makes no length of a hello, ${MIN_BYTES} to ${MAX_BYTES}`
    case 2:
      return `is no CLIENT-HELLO (${CLIENT_HELLO})`
    case 3:
    case 4:
      return 'is of no version of SSL or TLS before 1.3'
    case 5:
    case 6:
      return 'makes no length of cipher specs'
    case 7:
    case 8:
      return `makes no length of a session id, 0 or ${SESSION_ID_BYTES}`
    default:
      return `makes no length of a challenge that fits, ${MIN_CHALLENGE_BYTES} to ${MAX_CHALLENGE_BYTES}`
  }
}
