import { isIPv4, isIPv6 } from 'node:net'

/** Sixteen-bit groups of an IPv6 address. */
const GROUPS = 8
/** Bytes 0 to 11 of an IPv4-mapped IPv6 address. RFC 4291 section 2.5.5.2. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** The bytes of an IP literal in network order: 4, or 16 for IPv6. Undefined for anything else, also for IPv6 with a zone. */
export function ipBytes(literal: string): Uint8Array | undefined {
  if (isIPv4(literal)) return Uint8Array.from(literal.split('.'), Number)
  return isIPv6(literal) && !literal.includes('%') ? ipv6Bytes(literal) : undefined
}

/** As IPv6: what is IPv4 becomes IPv4-mapped. */
export function asIpv6Bytes(bytes: Uint8Array): Uint8Array {
  return bytes.length === 4 ? Uint8Array.from([...MAPPED, ...bytes]) : bytes
}

/** The literal of 4 or 16 bytes in network order: RFC 5952 for IPv6; an IPv4-mapped address is written as the IPv4 one. */
export function formatIpBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  return MAPPED.every((byte, index) => bytes[index] === byte) ? bytes.subarray(12).join('.') : formatGroups(bytes)
}

/** As `formatIpBytes`, always as IPv6. */
export function formatAsIpv6(bytes: Uint8Array): string {
  return bytes.length === 4 ? `::ffff:${bytes.join('.')}` : formatGroups(bytes)
}

function ipv6Bytes(literal: string): Uint8Array {
  const [left = '', right] = withoutDots(literal).split('::')
  const before = groupsOf(left)
  const after = groupsOf(right ?? '')
  const zeros = Array.from({ length: GROUPS - before.length - after.length }, () => 0)
  return Uint8Array.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]))
}

/** `::ffff:1.2.3.4` as `::ffff:102:304`. */
function withoutDots(literal: string): string {
  if (!literal.includes('.')) return literal
  const start = literal.lastIndexOf(':') + 1
  const [a = 0, b = 0, c = 0, d = 0] = literal.slice(start).split('.').map(Number)
  return `${literal.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))
}

/** RFC 5952 section 4: lower case, no leading zeros, the first longest run of two zero groups or more as `::`. */
function formatGroups(bytes: Uint8Array): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!)
  const [start, length] = longestZeroRun(groups)
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let longest: readonly [number, number] = [0, 0]
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > longest[1]) longest = [start, end - start]
  }
  return longest
}
