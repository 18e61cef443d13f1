import type { Sniff, Sniffer } from '../core/sniffer.js'
import { compareBytes } from './compare-bytes.js'

/**
 * OpenVPN's wire protocol (openvpn.github.io/openvpn-rfc, "Control channel packet"; doxygen, "Network protocol"): over TCP length(2),
 * then opcode and key id(1), session id(8), protection, count of acknowledged packets(1), their ids(4 each) and the other's session
 * id(8) where there are any, packet id(4); big-endian.
 */
const OPCODE = 2
const PROTECTION = 11

/** What a side says first: its opcode, with key id 0; the packet without protection; and how what follows that begins. */
interface Reset {
  readonly opcode: number
  readonly bytes: number
  readonly tail: Uint8Array
}

/** P_CONTROL_HARD_RESET_CLIENT_V2: nothing to acknowledge, and packet 0. */
const CLIENT_RESET: Reset = { opcode: 7 << 3, bytes: 14, tail: new Uint8Array(5) }
/** P_CONTROL_HARD_RESET_SERVER_V2: it acknowledges packet 0. */
const SERVER_RESET: Reset = { opcode: 8 << 3, bytes: 26, tail: Uint8Array.of(1, 0, 0, 0, 0) }
/** P_CONTROL_HARD_RESET_CLIENT_V3, with the client's wrapped key behind it: tls-crypt-v2. */
const CLIENT_RESET_V3 = 10 << 3
/** A wrapped key has 258 to 1,024 bytes. */
const MAX_V3_LENGTH_HIGH = 4

/** --tls-auth: HMAC, of SHA-1, SHA-256 or SHA-512, packet id(4), time(4). */
const HMAC_BYTES = [20, 32, 64]
/** --tls-crypt: packet id(4), time(4), HMAC of SHA-256(32); the rest is encrypted. As long as --tls-auth with SHA-256. */
const TLS_CRYPT_BYTES = 40
const ID_AND_TIME_BYTES = 8
/** A side's first packet has 1 for an id in its protection; 0x0f in front says that the key may be wrapped anew (version 2.6). */
const FIRST_ID = Uint8Array.of(0, 0, 0, 1)
const MAX_PROTECTION_BYTES = Math.max(...HMAC_BYTES) + ID_AND_TIME_BYTES
const EARLY_NEGOTIATION = 0x0f

/**
 * OpenVPN over TCP, by the first packet of a side: a reset in the clear, or under --tls-auth, --tls-crypt or --tls-crypt-v2. The reset
 * of version 1, which nobody has sent since 2.0, is not recognised.
 */
export const openvpn: Sniffer = {
  protocol: 'openvpn',
  maxBytes: PROTECTION + MAX_PROTECTION_BYTES + SERVER_RESET.tail.length,
  samples: {
    client: [
      '\0\x0e\x38sessionA\0\0\0\0\0',
      `\0\x2a\x38sessionA${'h'.repeat(20)}\0\0\0\x01\x65\0\0\0\0\0\0\0\0`,
      `\0\x36\x38sessionA\0\0\0\x01\x65\0\0\0${'h'.repeat(32)}crypt`,
      `\x01\x61\x50sessionA\x0f\0\0\x01\x65\0\0\0${'h'.repeat(32)}crypt`,
    ],
    server: [
      '\0\x1a\x40sessionB\x01\0\0\0\0sessionA\0\0\0\0',
      `\0\x42\x40sessionB\0\0\0\x01\x65\0\0\0${'h'.repeat(32)}encrypted`,
    ],
  },
  client: (window) =>
    window[OPCODE] === CLIENT_RESET_V3 ? sniffV3(window) : sniffReset(window, CLIENT_RESET, MAX_V3_LENGTH_HIGH),
  server: (window) => sniffReset(window, SERVER_RESET, 0),
}

/** `maxLengthHigh`: of the length's first byte, until the opcode is there. */
function sniffReset(window: Uint8Array, reset: Reset, maxLengthHigh: number): Sniff {
  const { length } = window
  if (length > 0 && window[0]! > maxLengthHigh) return 'no-match'
  if (length <= OPCODE) return 'need-more'
  if (window[0] !== 0 || window[OPCODE] !== reset.opcode) return 'no-match'
  const protection = window[1]! - reset.bytes
  if (protection === 0) return compareBytes(window, PROTECTION, reset.tail)
  if (protection === TLS_CRYPT_BYTES) {
    const id = compareBytes(window, PROTECTION, FIRST_ID)
    if (id !== 'no-match') return id
  }
  const hmac = protection - ID_AND_TIME_BYTES
  if (!HMAC_BYTES.includes(hmac)) return 'no-match'
  const id = compareBytes(window, PROTECTION + hmac, FIRST_ID)
  return id === 'match' ? compareBytes(window, PROTECTION + protection, reset.tail) : id
}

function sniffV3(window: Uint8Array): Sniff {
  if (window[0]! > MAX_V3_LENGTH_HIGH || window[0] === 0) return 'no-match'
  if (window.length <= PROTECTION) return 'need-more'
  const first = window[PROTECTION]
  return first === 0 || first === EARLY_NEGOTIATION
    ? compareBytes(window, PROTECTION + 1, FIRST_ID.subarray(1))
    : 'no-match'
}
