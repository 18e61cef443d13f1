import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isDigit, LF } from './ascii.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

/** RFC 6143 section 7.1.1: "RFB ", major version(3 digits), dot, minor version(3 digits), LF. */
const RFB = latin1Bytes('RFB ')
const DOT_AT = RFB.length + 3
const LF_AT = DOT_AT + 4
const DOT = 0x2e
const ZERO = 0x30

/**
 * VNC, by the version that each side says first: RFC 6143 section 7.1.1. The RFC has 3.3, 3.7 and 3.8; Apple's and RealVNC's servers
 * say others of the same form. Fact: `protocolVersion`, the server's is the highest that it knows.
 */
export const vnc: Sniffer = {
  protocol: 'vnc',
  serverFirst: true,
  maxBytes: LF_AT + 1,
  samples: { client: ['RFB 003.008\n\x01', 'RFB 003.003\n'], server: ['RFB 003.008\n', 'RFB 005.000\n'] },
  client: sniffVersion,
  server: sniffVersion,
}

function sniffVersion(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, RFB)
  if (compared !== 'match') return compared
  const end = Math.min(window.length, LF_AT + 1)
  for (let at = RFB.length; at < end; at++) {
    const byte = window[at]!
    if (at === DOT_AT ? byte !== DOT : at === LF_AT ? byte !== LF : !isDigit(byte)) return 'no-match'
  }
  if (end <= LF_AT) return 'need-more'
  return { facts: { protocolVersion: `${numberAt(window, RFB.length)}.${numberAt(window, DOT_AT + 1)}` } }
}

function numberAt(window: Uint8Array, at: number): string {
  let start = at
  while (start < at + 2 && window[start] === ZERO) start++
  return latin1(window, start, at + 3)
}
