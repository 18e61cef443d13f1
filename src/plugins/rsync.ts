import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isDigit, LF, SPACE } from './ascii.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

/**
 * rsync's source, csprotocol.txt: "@RSYNCD: " and the version of the protocol, a dot and the subprotocol behind it since 3.0, then
 * since 3.2 a space and the digests that it knows; LF.
 */
const GREETING = latin1Bytes('@RSYNCD: ')
/** Versions have two digits (32 in 2025), subprotocols one. */
const MAX_VERSION_BYTES = 8
const DOT = 0x2e

/** The rsync daemon, by the line with which each side begins. Fact: `protocolVersion`. */
export const rsync: Sniffer = {
  protocol: 'rsync',
  serverFirst: true,
  maxBytes: GREETING.length + MAX_VERSION_BYTES + 1,
  samples: {
    client: ['@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n', '@RSYNCD: 31.0\n'],
    server: ['@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n', '@RSYNCD: 29\n'],
  },
  client: sniffGreeting,
  server: sniffGreeting,
}

function sniffGreeting(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, GREETING)
  if (compared !== 'match') return compared
  const start = GREETING.length
  const end = Math.min(window.length, start + MAX_VERSION_BYTES + 1)
  let dot = 0
  for (let at = start; at < end; at++) {
    const byte = window[at]!
    if (isDigit(byte)) continue
    if (at === start || at === dot + 1) return 'no-match'
    if (byte === LF || byte === SPACE) return { facts: { protocolVersion: latin1(window, start, at) } }
    if (byte !== DOT || dot > 0) return 'no-match'
    dot = at
  }
  return end > start + MAX_VERSION_BYTES ? 'no-match' : 'need-more'
}
