import { isIP, isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'
import type { HostPort, InheritedSocket, ListenAddress, StatusRange } from './config.js'
import { got } from './got.js'

/** A scalar's text, read: its value, or what is wrong with it. */
export type Parsed<T> = { readonly value: T; readonly problem?: undefined } | { readonly problem: string }

/** A range of addresses, as `net.BlockList.addSubnet` takes it. */
export interface Cidr {
  readonly host: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** SI prefixes count in thousands, binary ones (IEC 80000-13) in 1024s. */
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** Node's timers hold 2^31 - 1 ms, 24.8 days; beyond that they fire at once. */
const MAX_DURATION_MS = 24 * 86_400_000
const MAX_PORT = 65_535
/** RFC 1035 section 2.3.4, without the dot at the end. */
const MAX_NAME_LENGTH = 253

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const SIZE = /^(\d+(?:\.\d+)?)(B|kB|MB|GB|KiB|MiB|GiB)$/
const HOST_PORT = /^(\[[^\]]*\]|[^:[\]]*):(\d+)$/
const INHERITED = /^fd:(.*)$/
/** sd_listen_fds(3): the first one that is passed on; 0 to 2 are the standard streams. */
const FIRST_DESCRIPTOR = 3
const MAX_DESCRIPTOR = 1_048_575
/** systemd.socket(5), FileDescriptorName=: up to 255 characters, no colon and no control characters. */
const DESCRIPTOR_NAME = /^[!-9;-~]{1,255}$/
/** RFC 1123 section 2.1, and the underscore that Docker's and SRV names have. */
const HOST_NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?$/

const A_DURATION = 'a duration such as 10s, 500ms or 3m'
const A_SIZE = 'a size such as 16KiB or 1MiB'
const A_HOST_PORT = 'host:port such as 127.0.0.1:80, "[::1]:80" or db.internal:4406'
const A_LISTEN_ADDRESS = 'an address to listen on such as :8080, 0.0.0.0:80 or "[::]:443"'
const A_LISTENER_ADDRESS = `${A_LISTEN_ADDRESS}, or fd:3 for a socket that is passed in`
const A_DNS_NAME = 'a DNS name such as _http._tcp.shop.default.svc.cluster.local'
const A_STATUS = 'a status or a range of them such as "204" or "200-299"'
const A_CIDR = 'a range of addresses such as 10.0.0.0/8 or "fd00::/8"'

/** Bounds on a duration, in milliseconds. */
export interface DurationBounds {
  readonly minMs?: number
  readonly maxMs?: number
}

/** A duration with its unit (ms, s, m, h, d; decimals allowed), as whole milliseconds. */
export function duration({ minMs = 0, maxMs = MAX_DURATION_MS }: DurationBounds = {}) {
  const parse = (text: string) => within(parseDuration(text), text, minMs, maxMs, formatDuration)
  return scalar(parse, A_DURATION, { pattern: DURATION.source, examples: ['10s', '500ms', '3m'] })
}

/** Bounds on a size, in bytes. */
export interface SizeBounds {
  readonly minBytes?: number
  readonly maxBytes?: number
}

/** A size with its unit (B; kB, MB, GB in thousands; KiB, MiB, GiB in 1024s), as whole bytes. */
export function size({ minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER }: SizeBounds = {}) {
  const parse = (text: string) => within(parseSize(text), text, minBytes, maxBytes, formatSize)
  return scalar(parse, A_SIZE, { pattern: SIZE.source, examples: ['16KiB', '1MiB'] })
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

/** `[::1]:80` and `db.internal:80` as host and port; the host is without brackets. */
export function parseHostPort(text: string): Parsed<HostPort> {
  return parseAddress(text, A_HOST_PORT, 1)
}

export function parseListenAddress(text: string): Parsed<HostPort> {
  return parseAddress(text.startsWith(':') ? `[::]${text}` : text, A_LISTEN_ADDRESS, 0, text)
}

function parseListenerAddress(text: string): Parsed<ListenAddress> {
  const inherited = INHERITED.exec(text)?.[1]
  if (inherited === undefined)
    return parseAddress(text.startsWith(':') ? `[::]${text}` : text, A_LISTENER_ADDRESS, 0, text)
  return parseInherited(inherited, text)
}

function parseInherited(inherited: string, text: string): Parsed<InheritedSocket> {
  if (!DESCRIPTOR_NAME.test(inherited))
    return { problem: `expected fd:3, or fd:NAME as in FileDescriptorName= of systemd, got ${got(text)}` }
  const number = /^\d+$/.test(inherited) ? Number(inherited) : undefined
  if (number !== undefined && (number < FIRST_DESCRIPTOR || number > MAX_DESCRIPTOR))
    return { problem: `descriptors are passed in from ${FIRST_DESCRIPTOR} on, got ${got(text)}` }
  return { value: { inherited } }
}

/** The shortest text that `duration` reads as this number of milliseconds. */
export function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms !== 0 && ms % MS_PER_UNIT[name]! === 0) ?? (ms === 0 ? 's' : 'ms')
  return `${ms / MS_PER_UNIT[unit]!}${unit}`
}

/** The shortest text that `size` reads as this number of bytes. */
export function formatSize(bytes: number): string {
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => bytes !== 0 && bytes % BYTES_PER_UNIT[name]! === 0) ?? 'B'
  return `${bytes / BYTES_PER_UNIT[unit]!}${unit}`
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

function parseDuration(text: string): Parsed<number> {
  const match = DURATION.exec(text)
  if (!match) return { problem: `expected ${A_DURATION}, got ${got(text)}` }
  return { value: Math.round(Number(match[1]) * MS_PER_UNIT[match[2]!]!) }
}

function parseSize(text: string): Parsed<number> {
  const match = SIZE.exec(text)
  if (!match) return { problem: `expected ${A_SIZE}, got ${got(text)}` }
  return { value: Math.round(Number(match[1]) * BYTES_PER_UNIT[match[2]!]!) }
}

function within(
  parsed: Parsed<number>,
  text: string,
  min: number,
  max: number,
  format: (value: number) => string,
): Parsed<number> {
  if (parsed.problem !== undefined) return parsed
  if (parsed.value < min) return { problem: `must be at least ${format(min)}, got ${text}` }
  if (parsed.value > max) return { problem: `must be at most ${format(max)}, got ${text}` }
  return parsed
}

function parseAddress(text: string, expected: string, minPort: number, written = text): Parsed<HostPort> {
  const match = HOST_PORT.exec(text)
  if (!match) return { problem: `expected ${expected}, got ${got(written)}${addressHint(text)}` }
  const host = match[1]!.startsWith('[') ? match[1]!.slice(1, -1) : match[1]!
  const port = Number(match[2])
  if (match[1]!.startsWith('[') ? !isIPv6(host) : !isHost(host))
    return { problem: hostProblem(host, match[1]!, expected, written) }
  if (port < minPort || port > MAX_PORT) return { problem: `port must be ${minPort} to ${MAX_PORT}, got ${match[2]}` }
  return { value: { host, port } }
}

/** What looks like IPv4 has to be: resolvers read `010.1.2.3` in octal. */
function isHost(host: string): boolean {
  return /^[\d.]+$/.test(host) ? isIPv4(host) : host.length <= MAX_NAME_LENGTH && HOST_NAME.test(host)
}

function hostProblem(host: string, asWritten: string, expected: string, written: string): string {
  if (host === '') return `expected ${expected}, got ${got(written)}`
  if (asWritten.startsWith('[')) return `${got(host)} is not an IPv6 address`
  return /^[\d.]+$/.test(host)
    ? `${got(host)} is not an IPv4 address`
    : `${got(host)} is neither an IP address nor a DNS name`
}

function addressHint(text: string): string {
  const bare = /^(.+):(\d{1,5})$/.exec(text)
  if (isIPv6(text) && !(bare && isIPv6(bare[1]!))) return `; an IPv6 address needs brackets and a port: "[${text}]:80"`
  if (bare && isIPv6(bare[1]!)) return `; put the IPv6 address in brackets: "[${bare[1]}]:${bare[2]}"`
  if (/^[a-z]+:\/\//i.test(text)) return '; it is not a URL'
  return text !== '' && isHost(text) ? '; the port is missing' : ''
}

function parseDnsName(text: string): Parsed<string> {
  const isName = text.length <= MAX_NAME_LENGTH && HOST_NAME.test(text) && !/^[\d.]+$/.test(text)
  return isName ? { value: text } : { problem: `expected ${A_DNS_NAME}, got ${got(text)}` }
}

function parseStatusRange(text: string): Parsed<StatusRange> {
  const [from = 0, to = from] = /^[1-5]\d\d(-[1-5]\d\d)?$/.test(text) ? text.split('-').map(Number) : []
  return from > 0 && to >= from ? { value: { from, to } } : { problem: `expected ${A_STATUS}, got ${got(text)}` }
}

function parseCidr(text: string): Parsed<Cidr> {
  const [host = '', prefixText, ...rest] = text.split('/')
  const version = isIP(host)
  if (version === 0 || rest.length > 0) return { problem: `expected ${A_CIDR}, got ${got(text)}` }
  const bits = version === 4 ? 32 : 128
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : NaN
  if (!(prefix <= bits)) return { problem: `prefix must be 0 to ${bits}, got ${got(prefixText)}` }
  return { value: { host, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } }
}
