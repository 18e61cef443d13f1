import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isVisible } from './ascii.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

/** RFC 4253 section 4.2: the identification line, CR LF included. */
const MAX_LINE_BYTES = 255
/** 1.99 is a server that speaks 2.0 and older ones (RFC 4253 section 5.1); 1.5 is the last of those. */
const PREFIXES = ['SSH-2.0-', 'SSH-1.99-', 'SSH-1.5-'].map(latin1Bytes)

/**
 * SSH, by the identification line that each side sends first: RFC 4253 section 4.2, SSH-protoversion-softwareversion SP comments
 * CR LF. Fact: `software`.
 *
 * A server may send other lines before it. They are not waited for: every server that greets with text would be held up for the
 * rare one that does. Such a connection is named by its client, which need not wait for the server.
 */
export const ssh: Sniffer = {
  protocol: 'ssh',
  serverFirst: true,
  maxBytes: Math.max(...PREFIXES.map((prefix) => prefix.length)),
  samples: {
    client: ['SSH-2.0-OpenSSH_9.6\r\n', 'SSH-2.0-PuTTY_Release_0.81\r\n', 'SSH-1.5-OpenSSH_6.6\n'],
    server: ['SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n', 'SSH-1.99-Cisco-1.25\n'],
  },
  client: sniffIdentification,
  server: sniffIdentification,
}

function sniffIdentification(window: Uint8Array): Sniff {
  let result: Sniff = 'no-match'
  for (const prefix of PREFIXES) {
    const compared = compareBytes(window, 0, prefix)
    if (compared === 'match') return describe(window, prefix.length)
    if (compared === 'need-more') result = compared
  }
  return result
}

/** The software's name ends at a space, at the line's end, or at the NUL that some pad with. */
function describe(window: Uint8Array, start: number): Sniff {
  const end = Math.min(window.length, MAX_LINE_BYTES)
  let at = start
  while (at < end && isVisible(window[at]!)) at++
  if (at === end) return end < MAX_LINE_BYTES ? 'sure' : 'match'
  return at === start ? 'match' : { facts: { software: latin1(window, start, at) } }
}
