import type { Sniff, Sniffer } from '../core/sniffer.js'
import { compareBytes } from './compare-bytes.js'

/** RFC 1002 section 4.3.1: type(1) flags(1; bit 0 is the length's 17th) length(2, big-endian). MS-SMB2 section 2.1: zero and length(3). */
const HEADER_BYTES = 4
const MESSAGE = 0x00
const SESSION_REQUEST = 0x81
/** The smallest of SMB1: a header of 32 bytes, a count of words, a count of bytes. */
const MIN_MESSAGE_BYTES = 35
/** The first message negotiates, and is far smaller. */
const MAX_LENGTH_HIGH = 1

/** MS-CIFS section 2.2.3.1 and MS-SMB2 section 2.2.1: 0xff or 0xfe, and the letters. */
const SMB1 = 0xff
const SMB2 = 0xfe
const LETTERS = Uint8Array.of(0x53, 0x4d, 0x42)
/** MS-SMB2 section 2.2.1.2: StructureSize(2, little-endian) is 64. */
const SMB2_STRUCTURE_SIZE = Uint8Array.of(64, 0)

/** RFC 1002 section 4.3.2: the names that are called and that calls, each of 34 bytes without a scope. */
const MIN_NAMES_BYTES = 68
/** A name has 255 bytes at most. */
const MAX_NAMES_BYTES = 510
/** RFC 1001 section 14.1: 16 bytes, each as two letters from A to P. Then the scope's labels, and zero. */
const ENCODED_BYTES = 32
const FIRST_LETTER = 0x41
const LAST_LETTER = 0x50
const MAX_LABEL_BYTES = 63
const NAME_START = HEADER_BYTES + 1

/**
 * SMB 1 to 3 over TCP or NetBIOS, by the header of either side's first message (MS-SMB2 section 2.1, MS-CIFS section 2.2.3.1), or by
 * the client's NetBIOS session request (RFC 1002 section 4.3.2). The client speaks first.
 */
export const smb: Sniffer = {
  protocol: 'smb',
  maxBytes: NAME_START + ENCODED_BYTES + 1,
  samples: {
    client: [
      `\0\0\0\x2f\xffSMBr\0\0\0\0\x18\x01\x28${'\0'.repeat(16)}\0\x02NT LM 0.12\0`,
      `\0\0\0\x66\xfeSMB\x40\0\x01\0\0\0\0\0\0\0\0\0${'\0'.repeat(20)}`,
      `\x81\0\0\x44\x20${'CKFDENECFDEFFCFGEFFCCACACACACACA'}\0\x20${'EEEFENEPCACACACACACACACACACACACA'}\0`,
    ],
    server: [
      `\0\0\0\x55\xffSMBr\0\0\0\0\x98\x01\x28${'\0'.repeat(16)}\x11`,
      `\0\0\0\xf8\xfeSMB\x40\0\x01\0\0\0\0\0\0\0\x01\0${'\0'.repeat(20)}`,
    ],
  },
  client: (window) =>
    window.length > 0 && window[0] === SESSION_REQUEST ? sniffSession(window) : sniffMessage(window),
  server: sniffMessage,
}

function sniffMessage(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== MESSAGE) return 'no-match'
  if (window.length > 1 && window[1]! > MAX_LENGTH_HIGH) return 'no-match'
  if (window.length < HEADER_BYTES) return 'need-more'
  if (window[1] === 0 && window[2] === 0 && window[3]! < MIN_MESSAGE_BYTES) return 'no-match'
  if (window.length === HEADER_BYTES) return 'need-more'
  const version = window[HEADER_BYTES]
  if (version !== SMB1 && version !== SMB2) return 'no-match'
  const compared = compareBytes(window, HEADER_BYTES + 1, LETTERS)
  if (compared !== 'match' || version === SMB1) return compared
  return compareBytes(window, HEADER_BYTES + 4, SMB2_STRUCTURE_SIZE)
}

/** The name that is called, without its scope. */
function sniffSession(window: Uint8Array): Sniff {
  if (window.length > 1 && window[1] !== 0) return 'no-match'
  if (window.length < HEADER_BYTES) return 'need-more'
  const bytes = (window[2]! << 8) | window[3]!
  if (bytes < MIN_NAMES_BYTES || bytes > MAX_NAMES_BYTES) return 'no-match'
  if (window.length === HEADER_BYTES) return 'need-more'
  if (window[HEADER_BYTES] !== ENCODED_BYTES) return 'no-match'
  const end = NAME_START + ENCODED_BYTES
  for (let at = NAME_START; at < end; at++) {
    if (at === window.length) return 'need-more'
    if (window[at]! < FIRST_LETTER || window[at]! > LAST_LETTER) return 'no-match'
  }
  if (end === window.length) return 'need-more'
  return window[end]! <= MAX_LABEL_BYTES ? 'match' : 'no-match'
}
