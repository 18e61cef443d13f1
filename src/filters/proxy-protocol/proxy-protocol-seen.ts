import { formatAddress } from '../../core/address.js'
import { summaryKey } from '../../core/connection.js'
import type { ProxiedAddress, ProxyHeader, ProxySsl } from '../../protocols/proxy-protocol.js'

/** What the header of the proxy before us said. Comes from a trusted peer, and much of it from the client of that. */
export interface ProxyProtocolSeen {
  readonly version: 1 | 2
  /** `local`: the proxy before us speaks for itself, as its health checks do. */
  readonly command: 'local' | 'proxy'
  /** `host:port`. Absent where the header names no IP address. */
  readonly source?: string
  readonly destination?: string
  /** Paths of UNIX sockets. */
  readonly unix?: { readonly source: string; readonly destination: string }
  readonly alpn?: string
  /** The host name that the client asked for. */
  readonly authority?: string
  /** Hexadecimal. */
  readonly uniqueId?: string
  readonly netns?: string
  readonly ssl?: ProxySsl
  /** The other TLVs: their values in hexadecimal below their types (`0xea`); the first of a type. */
  readonly tlvs?: Readonly<Record<string, string>>
}

declare module '../../core/close-summary.js' {
  interface SummaryExtras {
    /** What `proxy-protocol` read. */
    readonly proxyProtocol?: ProxyProtocolSeen
  }
}

export const PROXY_PROTOCOL = summaryKey('proxyProtocol')

/** ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL, NETNS: read, and not shown as bytes. */
const NAMED_TYPES: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x05, 0x20, 0x30])

/** A header's facts, owned: nothing of the window that it was read from is kept. */
export function proxyProtocolSeen(header: ProxyHeader): ProxyProtocolSeen {
  const { version, command, source, destination, unix, alpn, authority, uniqueId, netns, ssl } = header
  const others = header.tlvs.filter(({ type }) => !NAMED_TYPES.has(type)).reverse()
  return {
    version,
    command,
    ...(source && { source: format(source) }),
    ...(destination && { destination: format(destination) }),
    ...(unix && { unix }),
    ...(alpn !== undefined && { alpn }),
    ...(authority !== undefined && { authority }),
    ...(uniqueId && { uniqueId: hex(uniqueId) }),
    ...(netns !== undefined && { netns }),
    ...(ssl && { ssl }),
    // Reversed above: of a type that stands twice, the first one is written last.
    ...(others.length > 0 && {
      tlvs: Object.fromEntries(others.map(({ type, value }) => [`0x${hex(Uint8Array.of(type))}`, hex(value)])),
    }),
  }
}

function format({ host, port }: ProxiedAddress): string {
  return formatAddress(host, port)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
