import { formatAddress } from '../core/address.js'
import type { Facts, Sniff, Sniffer } from '../core/sniffer.js'
import {
  MAX_V1_BYTES,
  type ProxiedAddress,
  PROXY_V1_SIGNATURE,
  PROXY_V2_SIGNATURE,
  type ProxyHeader,
  readProxyHeader,
} from '../protocols/proxy-protocol.js'
import { compareBytes } from './compare-bytes.js'

/** Section 2.2: signature, version and command, family and transport, length. */
const V2_FIXED_BYTES = 16
/** A longer header of version 2, which TLVs may make, is named without its facts: the default window holds no more. */
const MAX_HEADER_BYTES = 16 * 1024

/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org, "The PROXY protocol", sections 2.1 and 2.2): a finding of its own where no
 * filter `proxy-protocol` takes the header away. What follows it is not looked at. Facts: `version`, and `source` and `destination`
 * where it has addresses.
 */
export const proxyProtocol: Sniffer = {
  protocol: 'proxy-protocol',
  maxBytes: MAX_V1_BYTES,
  samples: {
    client: [
      'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n',
      'PROXY UNKNOWN\r\n',
      '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb',
      '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0',
    ],
  },
  client: sniffHeader,
}

function sniffHeader(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  const isV1 = window[0] === PROXY_V1_SIGNATURE[0]
  const compared = compareBytes(window, 0, isV1 ? PROXY_V1_SIGNATURE : PROXY_V2_SIGNATURE)
  if (compared !== 'match') return compared
  return isV1 ? sniffV1(window) : sniffV2(window)
}

function sniffV1(window: Uint8Array): Sniff {
  const read = readProxyHeader(window, MAX_V1_BYTES)
  if (read.kind === 'header') return { facts: factsOf(read.header) }
  return read.kind === 'need-more' ? 'need-more' : 'no-match'
}

/** Sure with the fixed part. What is wrong with the TLVs behind it is wrong with a PROXY header. */
function sniffV2(window: Uint8Array): Sniff {
  const fixed = readProxyHeader(window.subarray(0, V2_FIXED_BYTES), MAX_HEADER_BYTES)
  if (fixed.kind === 'malformed') return 'no-match'
  if (window.length < V2_FIXED_BYTES) return 'need-more'
  const read = readProxyHeader(window, MAX_HEADER_BYTES)
  if (read.kind === 'header') return { facts: factsOf(read.header) }
  return read.kind === 'need-more' ? 'sure' : 'match'
}

function factsOf({ version, source, destination }: ProxyHeader): Facts {
  if (source === undefined || destination === undefined) return { version }
  return { version, source: text(source), destination: text(destination) }
}

function text({ host, port }: ProxiedAddress): string {
  return formatAddress(host, port)
}
