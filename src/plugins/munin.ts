import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isVisible, LF } from './ascii.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

/** guide.munin-monitoring.org, "Data exchange between Munin-Master and Munin-Node": the node greets with its name. */
const GREETING = latin1Bytes('# munin node at ')
/** RFC 1035 section 2.3.4: a host's name has 255 octets at most. */
const MAX_NAME_BYTES = 255

/** Munin's node, by its greeting; the master waits for it. Fact: `host`, the node's name. */
export const munin: Sniffer = {
  protocol: 'munin',
  serverFirst: true,
  maxBytes: GREETING.length + MAX_NAME_BYTES + 1,
  samples: { server: ['# munin node at db1.example\n'] },
  server: sniffGreeting,
}

function sniffGreeting(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, GREETING)
  if (compared !== 'match') return compared
  const start = GREETING.length
  const end = Math.min(window.length, start + MAX_NAME_BYTES + 1)
  for (let at = start; at < end; at++) {
    if (isVisible(window[at]!)) continue
    return window[at] === LF && at > start ? { facts: { host: latin1(window, start, at) } } : 'no-match'
  }
  return end > start + MAX_NAME_BYTES ? 'no-match' : 'need-more'
}
