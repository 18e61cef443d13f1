import type { Sniff, Sniffer } from '../core/sniffer.js'
import { isVisible } from './ascii.js'
import { compareBytes, latin1Bytes } from './compare-bytes.js'

// Java RMI Specification section 10.2, "RMI Transport Protocol": Header: 0x4a 0x52 0x4d 0x49 Version(2) Protocol(1)
const MAGIC = latin1Bytes('JRMI')
const VERSION = MAGIC.length
const PROTOCOL = VERSION + 2
/** JDK 1.1 and later send 2. */
const MAX_VERSION = 2
/** StreamProtocol, SingleOpProtocol, MultiplexProtocol. */
const FIRST_PROTOCOL = 0x4b
const LAST_PROTOCOL = 0x4d

/** ProtocolAck: 0x4e, and the client's host, UTF with length(2), and port(4), as the server sees them. */
const ACK = 0x4e
const ACK_HOST = 3
/** An IPv6 address with a zone. */
const MAX_HOST_BYTES = 64

/** Java RMI, by the header of the client, or by the server's ProtocolAck with the client's address (Java RMI Specification, section 10.2). */
export const javaRmi: Sniffer = {
  protocol: 'java-rmi',
  maxBytes: ACK_HOST + MAX_HOST_BYTES + 2,
  samples: { client: ['JRMI\0\x02\x4b', 'JRMI\0\x02\x4c'], server: ['\x4e\0\x09127.0.0.1\0\0\xc3\x50'] },
  client: sniffHeader,
  server: sniffAck,
}

function sniffHeader(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, MAGIC)
  if (compared !== 'match') return compared
  if (window.length > VERSION && window[VERSION] !== 0) return 'no-match'
  if (window.length <= VERSION + 1) return 'need-more'
  const version = window[VERSION + 1]!
  if (version === 0 || version > MAX_VERSION) return 'no-match'
  if (window.length === PROTOCOL) return 'need-more'
  const protocol = window[PROTOCOL]!
  return protocol >= FIRST_PROTOCOL && protocol <= LAST_PROTOCOL ? 'match' : 'no-match'
}

/** A port's high bytes are zero, so that no text passes. */
function sniffAck(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== ACK) return 'no-match'
  if (window.length > 1 && window[1] !== 0) return 'no-match'
  if (window.length < ACK_HOST) return 'need-more'
  const bytes = window[2]!
  if (bytes === 0 || bytes > MAX_HOST_BYTES) return 'no-match'
  const port = ACK_HOST + bytes
  for (let at = ACK_HOST; at < port + 2; at++) {
    if (at === window.length) return 'need-more'
    if (at < port ? !isVisible(window[at]!) : window[at] !== 0) return 'no-match'
  }
  return 'match'
}
