import type { Sniff, Sniffer } from '../core/sniffer.js'
import { uint16 } from './big-endian.js'

/** RFC 4271 section 4.1: marker(16, all ones) length(2, big-endian; itself included) type(1). */
const MARKER_BYTES = 16
const LENGTH = MARKER_BYTES
const TYPE = LENGTH + 2
/** Section 4.2: version(1) AS(2) hold time(2) identifier(4) length of parameters(1). */
const VERSION = TYPE + 1
const HOLD_TIME = VERSION + 3
const PARAMETERS_LENGTH = HOLD_TIME + 6
const MIN_OPEN_BYTES = PARAMETERS_LENGTH + 1
const MAX_MESSAGE_BYTES = 4096

const OPEN = 1
const BGP_4 = 4
/** Section 4.2: zero, or at least three seconds. */
const MIN_HOLD_TIME = 3
/** RFC 9072: the one-byte length is 255, and a longer one follows. */
const EXTENDED = 255

/** BGP-4, RFC 4271 sections 4.1 and 4.2, by the OPEN that each side sends first. */
export const bgp: Sniffer = {
  protocol: 'bgp',
  maxBytes: MIN_OPEN_BYTES,
  samples: { client: [open(65001)], server: [open(65002)] },
  client: sniffOpen,
  server: sniffOpen,
}

function sniffOpen(window: Uint8Array): Sniff {
  const { length } = window
  const ones = Math.min(length, MARKER_BYTES)
  for (let at = 0; at < ones; at++) if (window[at] !== 0xff) return 'no-match'
  if (length > LENGTH && window[LENGTH]! > MAX_MESSAGE_BYTES >> 8) return 'no-match'
  if (length < TYPE) return 'need-more'
  const bytes = uint16(window, LENGTH)
  if (bytes < MIN_OPEN_BYTES || bytes > MAX_MESSAGE_BYTES) return 'no-match'
  if (length > TYPE && window[TYPE] !== OPEN) return 'no-match'
  if (length > VERSION && window[VERSION] !== BGP_4) return 'no-match'
  if (length < HOLD_TIME + 2) return 'need-more'
  const holdTime = uint16(window, HOLD_TIME)
  if (holdTime !== 0 && holdTime < MIN_HOLD_TIME) return 'no-match'
  if (length < MIN_OPEN_BYTES) return 'need-more'
  const parametersBytes = window[PARAMETERS_LENGTH]!
  return parametersBytes === EXTENDED || parametersBytes === bytes - MIN_OPEN_BYTES ? 'match' : 'no-match'
}

/** An OPEN that offers nothing, from 192.0.2.1. */
function open(system: number): string {
  const rest = '\0\xb4\xc0\0\x02\x01\0'
  return `${'\xff'.repeat(MARKER_BYTES)}\0\x1d\x01\x04${String.fromCharCode(system >> 8, system & 0xff)}${rest}`
}
