import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isPrintable, isVisible } from './ascii.js'
import { ENDED, WRONG } from './compare-bytes.js'

// "SOCKS: A protocol for TCP proxy across firewalls" (openssh.com/txt/socks4.protocol): VN(1) CD(1) DSTPORT(2) DSTIP(4)
// USERID(NUL-terminated); big-endian.
const VERSION = 4
const CONNECT = 1
const BIND = 2
const PORT = 2
const ADDRESS = 4
const USER = 8
/** Nobody says how long. RFC 1929 and RFC 1035 allow 255 for what is meant. */
const MAX_USER_BYTES = 255
const MAX_DOMAIN_BYTES = 255

/**
 * SOCKS 4 and 4a, by the client's request, which is all that it says before it is answered. "SOCKS 4A: A simple extension"
 * (openssh.com/txt/socks4a.protocol): an address of 0.0.0.x, x not zero, and the domain behind the user's NUL. Facts: `host`, the
 * destination, and `user` where it is not empty.
 */
export const socks4: Sniffer = {
  protocol: 'socks4',
  maxBytes: USER + MAX_USER_BYTES + 1 + MAX_DOMAIN_BYTES + 1,
  samples: {
    client: [
      '\x04\x01\0\x50\xc0\0\x02\x01joe\0',
      '\x04\x01\x01\xbb\0\0\0\x01\0shop.example\0',
      '\x04\x02\x1f\x90\xc0\0\x02\x01\0',
    ],
  },
  client: sniffRequest,
}

function sniffRequest(window: Uint8Array): Sniff {
  for (let at = 0; at < USER; at++) {
    if (at === window.length) return 'need-more'
    if (!isPossible(window, at)) return 'no-match'
  }
  const userEnd = findNul(window, USER, MAX_USER_BYTES, isPrintable)
  if (userEnd < 0) return userEnd === ENDED ? 'need-more' : 'no-match'
  if (window[ADDRESS] !== 0) return describe(window, userEnd, addressText(window))
  const domain = userEnd + 1
  const domainEnd = findNul(window, domain, MAX_DOMAIN_BYTES, isVisible)
  if (domainEnd < 0) return domainEnd === ENDED ? 'need-more' : 'no-match'
  return domainEnd === domain ? 'no-match' : describe(window, userEnd, latin1(window, domain, domainEnd).toLowerCase())
}

/** Whether the byte at `at` can stand there, those before it being right. */
function isPossible(window: Uint8Array, at: number): boolean {
  const byte = window[at]!
  switch (at) {
    case 0:
      return byte === VERSION
    case 1:
      return byte === CONNECT || byte === BIND
    case PORT + 1: // Port 0 cannot be connected to.
      return window[1] === BIND || byte !== 0 || window[PORT] !== 0
    case ADDRESS + 1:
    case ADDRESS + 2: // 0.0.0.x marks a domain; nothing else begins with 0 (RFC 1122 section 3.2.1.3).
      return window[ADDRESS] !== 0 || byte === 0
    case ADDRESS + 3:
      return window[ADDRESS] !== 0 || byte !== 0
    default:
      return true
  }
}

function findNul(window: Uint8Array, start: number, most: number, isAllowed: (byte: number) => boolean): number {
  const end = Math.min(window.length, start + most + 1)
  for (let at = start; at < end; at++) {
    const byte = window[at]!
    if (byte === 0) return at
    if (!isAllowed(byte)) return WRONG
  }
  return end > start + most ? WRONG : ENDED
}

function describe(window: Uint8Array, userEnd: number, host: string): Sniff {
  return { facts: userEnd === USER ? { host } : { host, user: latin1(window, USER, userEnd) } }
}

function addressText(window: Uint8Array): string {
  return `${window[ADDRESS]}.${window[ADDRESS + 1]}.${window[ADDRESS + 2]}.${window[ADDRESS + 3]}`
}
