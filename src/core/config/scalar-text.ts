import { isIP, isIPv4, isIPv6 } from 'node:net'
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

/** Bounds on a duration, in milliseconds. */
export interface DurationBounds {
  readonly minMs?: number
  readonly maxMs?: number
}

/** Bounds on a size, in bytes. */
export interface SizeBounds {
  readonly minBytes?: number
  readonly maxBytes?: number
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
export const MAX_PORT = 65_535
/** RFC 1035 section 2.3.4, without the dot at the end. */
const MAX_NAME_LENGTH = 253

export const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
export const SIZE = /^(\d+(?:\.\d+)?)(B|kB|MB|GB|KiB|MiB|GiB)$/
const HOST_PORT = /^(\[[^\]]*\]|[^:[\]]*):(\d+)$/
const INHERITED = /^fd:(.*)$/
/** sd_listen_fds(3): the first one that is passed on; 0 to 2 are the standard streams. */
const FIRST_DESCRIPTOR = 3
const MAX_DESCRIPTOR = 1_048_575
/** systemd.socket(5), FileDescriptorName=: up to 255 characters, no colon and no control characters. */
const DESCRIPTOR_NAME = /^[!-9;-~]{1,255}$/
/** RFC 1123 section 2.1, and the underscore that Docker's and SRV names have. */
const HOST_NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?$/

export const A_DURATION = 'a duration such as 10s, 500ms or 3m'
export const A_SIZE = 'a size such as 16KiB or 1MiB'
export const A_HOST_PORT = 'host:port such as 127.0.0.1:80, "[::1]:80" or db.internal:4406'
export const A_LISTEN_ADDRESS = 'an address to listen on such as :8080, 0.0.0.0:80 or "[::]:443"'
export const A_LISTENER_ADDRESS = `${A_LISTEN_ADDRESS}, or fd:3 for a socket that is passed in`
export const A_DNS_NAME = 'a DNS name such as _http._tcp.shop.default.svc.cluster.local'
export const A_STATUS = 'a status or a range of them such as "204" or "200-299"'
export const A_CIDR = 'a range of addresses such as 10.0.0.0/8 or "fd00::/8"'

/** `1.5s` as whole milliseconds. */
export function parseDuration(
  text: string,
  { minMs = 0, maxMs = MAX_DURATION_MS }: DurationBounds = {},
): Parsed<number> {
  const match = DURATION.exec(text)
  if (!match) return { problem: `expected ${A_DURATION}, got ${got(text)}` }
  const ms = Math.round(Number(match[1]) * MS_PER_UNIT[match[2]!]!)
  return within(ms, text, minMs, maxMs, formatDuration)
}

/** `16KiB` as whole bytes. */
export function parseSize(
  text: string,
  { minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER }: SizeBounds = {},
): Parsed<number> {
  const match = SIZE.exec(text)
  if (!match) return { problem: `expected ${A_SIZE}, got ${got(text)}` }
  const bytes = Math.round(Number(match[1]) * BYTES_PER_UNIT[match[2]!]!)
  return within(bytes, text, minBytes, maxBytes, formatSize)
}

/** `[::1]:80` and `db.internal:80` as host and port; the host is without brackets. */
export function parseHostPort(text: string): Parsed<HostPort> {
  return parseAddress(text, A_HOST_PORT, 1)
}

/** As `parseHostPort`; without a host all interfaces (`::`), and port 0 takes a free one. */
export function parseListenAddress(text: string): Parsed<HostPort> {
  return parseAddress(text.startsWith(':') ? `[::]${text}` : text, A_LISTEN_ADDRESS, 0, text)
}

/** As `parseListenAddress`, and `fd:3` or `fd:NAME`. */
export function parseListenerAddress(text: string): Parsed<ListenAddress> {
  const inherited = INHERITED.exec(text)?.[1]
  if (inherited === undefined)
    return parseAddress(text.startsWith(':') ? `[::]${text}` : text, A_LISTENER_ADDRESS, 0, text)
  return parseInherited(inherited, text)
}

/** `10.0.0.0/8`; an address alone stands for itself. */
export function parseCidr(text: string): Parsed<Cidr> {
  const [host = '', prefixText, ...rest] = text.split('/')
  const version = isIP(host)
  if (version === 0 || rest.length > 0) return { problem: `expected ${A_CIDR}, got ${got(text)}` }
  const bits = version === 4 ? 32 : 128
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : NaN
  if (!(prefix <= bits)) return { problem: `prefix must be 0 to ${bits}, got ${got(prefixText)}` }
  return { value: { host, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } }
}

/** A name as resolvers take it; no address. */
export function parseDnsName(text: string): Parsed<string> {
  const isName = text.length <= MAX_NAME_LENGTH && HOST_NAME.test(text) && !/^[\d.]+$/.test(text)
  return isName ? { value: text } : { problem: `expected ${A_DNS_NAME}, got ${got(text)}` }
}

/** `204` and `200-299`. */
export function parseStatusRange(text: string): Parsed<StatusRange> {
  const [from = 0, to = from] = /^[1-5]\d\d(-[1-5]\d\d)?$/.test(text) ? text.split('-').map(Number) : []
  return from > 0 && to >= from ? { value: { from, to } } : { problem: `expected ${A_STATUS}, got ${got(text)}` }
}

/** The shortest text that `parseDuration` reads as this number of milliseconds. */
export function formatDuration(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms !== 0 && ms % MS_PER_UNIT[name]! === 0) ?? (ms === 0 ? 's' : 'ms')
  return `${ms / MS_PER_UNIT[unit]!}${unit}`
}

/** The shortest text that `parseSize` reads as this number of bytes. */
export function formatSize(bytes: number): string {
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => bytes !== 0 && bytes % BYTES_PER_UNIT[name]! === 0) ?? 'B'
  return `${bytes / BYTES_PER_UNIT[unit]!}${unit}`
}

function parseInherited(inherited: string, text: string): Parsed<InheritedSocket> {
  if (!DESCRIPTOR_NAME.test(inherited))
    return { problem: `expected fd:3, or fd:NAME as in FileDescriptorName= of systemd, got ${got(text)}` }
  const number = /^\d+$/.test(inherited) ? Number(inherited) : undefined
  if (number !== undefined && (number < FIRST_DESCRIPTOR || number > MAX_DESCRIPTOR))
    return { problem: `descriptors are passed in from ${FIRST_DESCRIPTOR} on, got ${got(text)}` }
  return { value: { inherited } }
}

function within(
  value: number,
  text: string,
  min: number,
  max: number,
  format: (value: number) => string,
): Parsed<number> {
  if (value < min) return { problem: `must be at least ${format(min)}, got ${text}` }
  if (value > max) return { problem: `must be at most ${format(max)}, got ${text}` }
  return { value }
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
