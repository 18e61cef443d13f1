/** Says whether a server name (SNI) is meant. Case and a trailing dot do not matter (RFC 6066 section 3, RFC 4343). */
export interface ServerNamePattern {
  /** As written. */
  readonly text: string
  matches(serverName: string): boolean
  /** Every name that `other` matches, this one matches too. */
  covers(other: ServerNamePattern): boolean
}

/** `shop.example.com` is that name; `*.example.com` any name below it, at any depth, and not `example.com` itself (Envoy's rule). */
export function parseServerNamePattern(text: string): ServerNamePattern {
  const name = normalizeServerName(text)
  const suffix = name.startsWith('*.') ? name.slice(1) : undefined
  const isBelow = (serverName: string): boolean =>
    suffix !== undefined && serverName.length > suffix.length && serverName.endsWith(suffix)
  return {
    text,
    matches: (serverName) =>
      suffix === undefined ? normalizeServerName(serverName) === name : isBelow(normalizeServerName(serverName)),
    covers: (other) =>
      name === normalizeServerName(other.text) || isBelow(normalizeServerName(other.text).replace(/^\*/, 'x')),
  }
}

/** The names' only valid forms: a star may stand for the whole first label, and nowhere else. */
export const SERVER_NAME_PATTERN =
  /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/

function normalizeServerName(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}
