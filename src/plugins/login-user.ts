import type { Sniff } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isVisible } from './ascii.js'
import { compareLetters, latin1Bytes } from './compare-bytes.js'

const USER = latin1Bytes('user')
/** Longer than any account's name on Unix (32) or than most addresses; what is longer is not shown. */
const MAX_USER_BYTES = 64

/** A match with the fact `user`, where the client's first line is USER with a name. For windows whose lines have been read. */
export function matchWithUser(window: Uint8Array): Sniff {
  const start = USER.length + 1
  if (compareLetters(window, 0, USER) !== 'match') return 'match'
  let end = start
  while (isVisible(window[end]!) && end <= start + MAX_USER_BYTES) end++
  return end === start || end > start + MAX_USER_BYTES ? 'match' : { facts: { user: latin1(window, start, end) } }
}
