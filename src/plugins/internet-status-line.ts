import type { Sniff } from '../core/sniffer.js'
import { isDigit, SPACE } from './ascii.js'
import { compareBytes } from './compare-bytes.js'

/** RFC 2326 section 7.1, RFC 7826 section 8.1, RFC 3261 section 7.2: a space and three digits, the first of which is 1 to 6. */
export const STATUS_BYTES = 5
const MAX_STATUS_CLASS = 0x36

/** Version SP status-code SP, as RTSP and SIP have it. All versions have the same length. */
export function sniffStatusLine(window: Uint8Array, versions: readonly Uint8Array[]): Sniff {
  let result: Sniff = 'no-match'
  for (const version of versions) {
    const compared = compareBytes(window, 0, version)
    if (compared === 'match') return sniffStatus(window, version.length)
    if (compared === 'need-more') result = compared
  }
  return result
}

function sniffStatus(window: Uint8Array, at: number): Sniff {
  const end = Math.min(window.length, at + STATUS_BYTES)
  for (let i = at; i < end; i++) if (!isPossible(window[i]!, i - at)) return 'no-match'
  return end < at + STATUS_BYTES ? 'need-more' : 'match'
}

function isPossible(byte: number, index: number): boolean {
  if (index === 0 || index === STATUS_BYTES - 1) return byte === SPACE
  return isDigit(byte) && (index > 1 || (byte > 0x30 && byte <= MAX_STATUS_CLASS))
}
