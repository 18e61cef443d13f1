import type { Sniff, Sniffer } from '../core/sniffer.js'

// "Adobe's Real Time Messaging Protocol" 1.0, sections 5.2.2 and 5.2.3: C0 is version(1), C1 is time(4) zero(4) random(1528).
const VERSION = 3
const ZERO = 5
const HANDSHAKE_BYTES = 1 + 1536
/**
 * In place of the zeros, Adobe's players from version 9 on and what imitates them put their own version, as 9.0.124.2: FFmpeg's
 * libavformat/rtmp.h has RTMP_CLIENT_VER1 to 4. The players' versions go from 9 to 32, and 128 marks an encrypted digest.
 */
const MIN_PLAYER = 9
const MAX_PLAYER = 32
const DIGEST_PLAYER = 128
const PLAYER_PLATFORM = 2

/**
 * RTMP, by the client's handshake, C0 and C1, which it sends at once and then waits: all 1,537 bytes have to be there, since only the
 * first nine say something.
 */
export const rtmp: Sniffer = {
  protocol: 'rtmp',
  maxBytes: HANDSHAKE_BYTES,
  samples: {
    client: [handshake('\0\x12\xd6\x87\0\0\0\0'), handshake('\0\0\0\0\x09\0\x7c\x02')],
  },
  client: sniffHandshake,
}

function sniffHandshake(window: Uint8Array): Sniff {
  const { length } = window
  if (length > 0 && window[0] !== VERSION) return 'no-match'
  if (length > ZERO && !isFirst(window[ZERO]!)) return 'no-match'
  if (length > ZERO + 1 && window[ZERO + 1] !== 0) return 'no-match'
  if (length > ZERO + 2 && window[ZERO] === 0 && window[ZERO + 2] !== 0) return 'no-match'
  if (length > ZERO + 3 && window[ZERO + 3] !== (window[ZERO] === 0 ? 0 : PLAYER_PLATFORM)) return 'no-match'
  if (length > ZERO + 3 && isCassandraOptions(window)) return 'no-match'
  return length < HANDSHAKE_BYTES ? 'need-more' : 'match'
}

/**
 * A whole OPTIONS of Cassandra's protocol version 3 (native_protocol_v3.spec section 2: version, flags, stream(2), opcode 5, length 0)
 * is the same as the first nine bytes of an RTMP client 5 ms after its start, modulo 256 ms, in the first minute.
 */
function isCassandraOptions(window: Uint8Array): boolean {
  return window[1] === 0 && window[2] === 0 && window[4] === 5 && window[ZERO] === 0
}

function isFirst(byte: number): boolean {
  return byte === 0 || (byte >= MIN_PLAYER && byte <= MAX_PLAYER) || byte === DIGEST_PLAYER
}

function handshake(head: string): string {
  return `\x03${head}${'\x5a'.repeat(HANDSHAKE_BYTES - 1 - head.length)}`
}
