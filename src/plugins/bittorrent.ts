import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { DIGITS, LETTERS } from './ascii.js'
import { byteSet, compareBytes, latin1Bytes } from './compare-bytes.js'

/** BEP 3, "peer protocol": 19 and the name, then reserved(8) info hash(20) peer id(20). */
const HEADER = latin1Bytes('\x13BitTorrent protocol')
const PEER_ID = HEADER.length + 8 + 20
/** BEP 20: a peer id begins with a hyphen, two letters for the program, four characters for its version, and a hyphen. */
const CLIENT_ID_BYTES = 8
const CLIENT_ID = byteSet(DIGITS + LETTERS)
const HYPHEN = 0x2d

/**
 * BitTorrent's peer protocol, BEP 3, by the handshake, which both sides begin with. One that is encrypted looks like random bytes and
 * is not recognised. Fact: `software`, as in `TR2940`, of a peer that says it as BEP 20 has it.
 */
export const bittorrent: Sniffer = {
  protocol: 'bittorrent',
  maxBytes: HEADER.length,
  samples: {
    client: [`\x13BitTorrent protocol${'\0'.repeat(8)}${'h'.repeat(20)}-TR2940-abcdefghijkl`],
    server: [`\x13BitTorrent protocol${'\0'.repeat(8)}${'h'.repeat(20)}-lt0D80-abcdefghijkl`],
  },
  client: sniffHandshake,
  server: sniffHandshake,
}

function sniffHandshake(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, HEADER)
  return compared === 'match' ? describe(window) : compared
}

function describe(window: Uint8Array): Sniff {
  const end = PEER_ID + CLIENT_ID_BYTES
  for (let at = PEER_ID; at < end; at++) {
    if (at >= window.length) return 'sure'
    const byte = window[at]!
    const isHyphen = at === PEER_ID || at === end - 1
    if (isHyphen ? byte !== HYPHEN : CLIENT_ID[byte] === 0) return 'match'
  }
  return { facts: { software: latin1(window, PEER_ID + 1, end - 1) } }
}
