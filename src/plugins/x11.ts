import type { Sniff, Sniffer } from '../core/sniffer.js'

// X Window System Protocol, section 8, "Connection Setup": byte order(1) unused(1) major(2) minor(2) name length(2) data length(2)
// unused(2), in that byte order; then the name of an authorization protocol and its data.
const BIG_ENDIAN = 0x42
const LITTLE_ENDIAN = 0x6c
const MAJOR_VERSION = 11
const HEADER_BYTES = 12
/** Of bytes 2 to 9, as pairs, the most that each may be: version 11.0; XDM-AUTHORIZATION-1 has 19 letters; Kerberos a ticket. */
const MOST = [MAJOR_VERSION, 0, 64, 1024]
const LENGTHS = 6

/** X11, by the client's connection setup (X Window System Protocol, section 8). The client speaks first. */
export const x11: Sniffer = {
  protocol: 'x11',
  maxBytes: HEADER_BYTES,
  samples: {
    client: [
      'l\0\x0b\0\0\0\0\0\0\0\0\0',
      `l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0${'\x01'.repeat(16)}`,
      'B\0\0\x0b\0\0\0\0\0\0\0\0',
    ],
  },
  client: sniffSetup,
}

/** The two unused parts are not compared: some clients leave there what was in memory. */
function sniffSetup(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  const order = window[0]
  if (order !== BIG_ENDIAN && order !== LITTLE_ENDIAN) return 'no-match'
  for (let i = 0; i < MOST.length; i++) {
    const at = 2 + 2 * i
    const high = order === BIG_ENDIAN ? at : at + 1
    const low = order === BIG_ENDIAN ? at + 1 : at
    if (window.length > high && window[high]! > MOST[i]! >> 8) return 'no-match'
    if (i === 0 && window.length > low && window[low] !== MAJOR_VERSION) return 'no-match'
    if (window.length < at + 2) return 'need-more'
    const value = (window[high]! << 8) | window[low]!
    if (value > MOST[i]!) return 'no-match'
    // Without a name there is no data.
    if (at > LENGTHS && value > 0 && window[LENGTHS] === 0 && window[LENGTHS + 1] === 0) return 'no-match'
  }
  return window.length < HEADER_BYTES ? 'need-more' : 'match'
}
