import { z } from 'zod'
import type { StatusRange } from './config.js'
import { got } from './got.js'
import {
  A_CIDR,
  A_DNS_NAME,
  A_DURATION,
  A_HOST_PORT,
  A_LISTEN_ADDRESS,
  A_LISTENER_ADDRESS,
  A_SIZE,
  A_STATUS,
  DURATION,
  type DurationBounds,
  MAX_PORT,
  type Parsed,
  parseCidr,
  parseDnsName,
  parseDuration,
  parseHostPort,
  parseListenAddress,
  parseListenerAddress,
  parseSize,
  parseStatusRange,
  SIZE,
  type SizeBounds,
} from './scalar-text.js'

/** A duration with its unit (ms, s, m, h, d; decimals allowed), as whole milliseconds. */
export function duration(bounds: DurationBounds = {}) {
  return scalar((text) => parseDuration(text, bounds), A_DURATION, {
    pattern: DURATION.source,
    examples: ['10s', '500ms', '3m'],
  })
}

/** A size with its unit (B; kB, MB, GB in thousands; KiB, MiB, GiB in 1024s), as whole bytes. */
export function size(bounds: SizeBounds = {}) {
  return scalar((text) => parseSize(text, bounds), A_SIZE, { pattern: SIZE.source, examples: ['16KiB', '1MiB'] })
}

/** A TCP port, 1 to 65535. */
export function port() {
  return z.int().min(1).max(MAX_PORT)
}

/** Where to connect to: an IP literal (IPv6 in brackets) or a DNS name, and a port. */
export function hostPort() {
  return scalar(parseHostPort, A_HOST_PORT, {
    pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]+):\\d{1,5}$',
    examples: ['127.0.0.1:80', '[::1]:80', 'db.internal:4406'],
  })
}

/** Where to listen: as `hostPort`, and `:8080` for all interfaces of both families (host `::`). Port 0 takes a free one. */
export function listenAddress() {
  return scalar(parseListenAddress, A_LISTEN_ADDRESS, {
    pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]*):\\d{1,5}$',
    examples: ['127.0.0.1:8081', ':8080', '[::]:443'],
  })
}

/** As `listenAddress`; and `fd:3` or `fd:NAME` for a socket that the parent process listens on. */
export function listenerAddress() {
  return scalar(parseListenerAddress, A_LISTENER_ADDRESS, {
    pattern: '^(fd:[!-9;-~]+|(\\[[0-9A-Fa-f:.]+\\]|[^:\\[\\]\\s]*):\\d{1,5})$',
    examples: ['127.0.0.1:8081', ':8080', '[::]:443', 'fd:3'],
  })
}

/** A range of IP addresses in CIDR notation; an address alone stands for itself. */
export function cidr() {
  return scalar(parseCidr, A_CIDR, {
    pattern: '^[0-9A-Fa-f:.]+(/\\d{1,3})?$',
    examples: ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'],
  })
}

/** A DNS name, for the records it has; a dot at the end makes it absolute. */
export function dnsName() {
  return scalar(parseDnsName, A_DNS_NAME, {
    pattern: '^[A-Za-z0-9_.-]{1,254}$',
    examples: ['_http._tcp.shop.default.svc.cluster.local'],
  })
}

/** A status of HTTP, or a range of them: `204`, `200-399`. */
export function statusRange() {
  const range = scalar(parseStatusRange, A_STATUS, {
    pattern: '^[1-5]\\d\\d(-[1-5]\\d\\d)?$',
    examples: ['200-299', '404'],
  })
  return z.union([
    z
      .int()
      .min(100)
      .max(599)
      .transform((status): StatusRange => ({ from: status, to: status })),
    range,
  ])
}

/** A schema for text that `parse` reads. In JSON Schema it is a string with a pattern, which is looser than `parse`. */
export function scalar<T>(
  parse: (text: string) => Parsed<T>,
  expected: string,
  meta: { readonly pattern: string; readonly examples: readonly string[] },
) {
  // Where it is missing, who reads the configuration says so better.
  const notText = (issue: { readonly input?: unknown }) =>
    issue.input === undefined
      ? undefined
      : `expected ${expected}, got ${got(issue.input)}${unitHint(issue.input, meta)}`
  return z
    .string({ error: notText })
    .meta({ ...meta, examples: [...meta.examples] })
    .transform((text, context): T => {
      const parsed = parse(text)
      if (parsed.problem === undefined) return parsed.value
      context.addIssue({ code: 'custom', message: parsed.problem })
      return z.NEVER
    })
}

function unitHint(input: unknown, meta: { readonly pattern: string; readonly examples: readonly string[] }): string {
  if (typeof input !== 'number') return ''
  const unit = meta.pattern === DURATION.source ? 's' : meta.pattern === SIZE.source ? 'B' : undefined
  return unit === undefined ? '' : `; say the unit: ${input}${unit}`
}
