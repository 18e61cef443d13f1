import type { Sniff } from '../core/sniffer.js'
import { ENDED } from './compare-bytes.js'

/** What it means for the verdict that a part was not read: `ENDED` may become more, anything else (`WRONG`) is a no. */
export function unfinished(read: number): Sniff {
  return read === ENDED ? 'need-more' : 'no-match'
}
