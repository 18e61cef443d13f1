/** A peer's address. `host` is an IP literal; IPv4-mapped IPv6 peers are normalised to IPv4. */
export interface Address {
  readonly host: string
  readonly port: number
}

const MAPPED_PREFIX = '::ffff:'

/** `::ffff:10.0.0.1` becomes `10.0.0.1`; everything else stays. */
export function normalizeHost(host: string): string {
  return host.startsWith(MAPPED_PREFIX) && host.includes('.') ? host.slice(MAPPED_PREFIX.length) : host
}

/** `host:port`, with brackets around IPv6. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
