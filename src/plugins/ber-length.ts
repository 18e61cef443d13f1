import { ENDED, WRONG } from './compare-bytes.js'

/** Above it begins the long form: the low bits are the number of octets that follow. */
const LONG_FORM = 0x80
/** Some encoders always send four. */
const MAX_OCTETS = 4
/** A first message of more than 16 MiB is no message. So the first of four octets is zero. */
const MAX_LENGTH = 0xff_ffff

/** How many bytes the length at a byte of this value takes, itself included. */
export function berLengthBytes(first: number): number {
  return first < LONG_FORM ? 1 : 1 + (first & ~LONG_FORM)
}

/**
 * The length at `at` in BER's definite form, ITU-T X.690 section 8.1.3: short, or long with any zeros in front; `ENDED` where the
 * window holds no more, `WRONG` for the indefinite form (RFC 4511 section 5.1 and RFC 4120 section 5.1 forbid it) and for what is
 * too long.
 */
export function readBerLength(window: Uint8Array, at: number): number {
  if (at >= window.length) return ENDED
  const first = window[at]!
  if (first < LONG_FORM) return first
  const octets = first & ~LONG_FORM
  if (octets === 0 || octets > MAX_OCTETS) return WRONG
  let length = 0
  for (let i = 1; i <= octets; i++) {
    if (at + i >= window.length) return ENDED
    if (i === 1 && octets === MAX_OCTETS && window[at + i] !== 0) return WRONG
    length = length * 256 + window[at + i]!
  }
  return length <= MAX_LENGTH ? length : WRONG
}
