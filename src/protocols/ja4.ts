import { hash } from 'node:crypto'
import { latin1 } from './byte-views.js'

// JA4, the TLS client fingerprint: https://github.com/FoxIO-LLC/ja4, "technical_details/JA4.md". Sections are those of that page.

/** What the fingerprint is made of. Lists are whole, GREASE included, in the client's order. */
export interface Ja4Parts {
  /** The highest version offered, as on the wire: 0x0304 is TLS 1.3. */
  readonly version: number
  readonly hasServerName: boolean
  /** Where the bytes are that the four ranges below count in. */
  readonly bytes: Uint8Array
  readonly cipherSuites: ByteRange
  /** The first ALPN protocol: empty where there is none. */
  readonly firstProtocol: ByteRange
  readonly signatureAlgorithms: ByteRange
  /** Extension types, of which the first `extensionCount` count. Sorted in place. */
  readonly extensions: Uint16Array
  readonly extensionCount: number
}

export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** "TLS and DTLS Version". */
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, '13'],
  [0x0303, '12'],
  [0x0302, '11'],
  [0x0301, '10'],
  [0x0300, 's3'],
  [0x0002, 's2'],
])
const UNKNOWN_VERSION = '00'

/** "Number of Ciphers". */
const MAX_COUNT = 99
const NO_LIST = '000000000000'
const NO_PROTOCOL = '00'
const HASH_CHARACTERS = 12

// "Extension hash": both stand in the first section already.
const SERVER_NAME = 0x0000
const ALPN = 0x0010

const COMMA = 0x2c
const HEX_DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** A hello that fills the default window holds no more numbers of 16 bits. */
const MAX_NUMBERS = 8192
/** Most connections come from few programs, and their hashes take longer than all the rest. When it is full it begins anew. */
const MAX_REMEMBERED_HASHES = 256
/** Lists have a dozen or two numbers. Long ones, which nobody honest sends, are hashed each time, and keep no memory. */
const MAX_REMEMBERED_BYTES = 512
/** Short lists are sorted by insertion, which is the fastest for them. */
const MAX_INSERTED = 64

/** The numbers that a hash is made of, two bytes each, in the order that makes its key. */
const packed = new Uint8Array(2 * MAX_NUMBERS)
/** By packed numbers. */
const suiteHashes = new Map<string, string>()
const extensionHashes = new Map<string, string>()

/** As in `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
export function ja4(parts: Ja4Parts): string {
  const { version, hasServerName, bytes, cipherSuites, firstProtocol, signatureAlgorithms, extensions } = parts
  const suitesEnd = packRange(bytes, cipherSuites, 0)
  const suites = suitesEnd === 0 ? NO_LIST : remembered(suiteHashes, suitesEnd, () => hashSuites(suitesEnd))

  // The order of suites is a program's own; that of extensions some draw anew for each connection.
  const extensionCount = withoutGrease(extensions, parts.extensionCount)
  sort(extensions, extensionCount)
  const namesEnd = packExtensions(extensions, extensionCount)
  const end = packRange(bytes, signatureAlgorithms, namesEnd)
  const rest = namesEnd === 0 ? NO_LIST : remembered(extensionHashes, end, () => hashExtensions(namesEnd, end))

  const versionText = VERSIONS.get(version) ?? UNKNOWN_VERSION
  const counts = twoDigits(suitesEnd / 2) + twoDigits(extensionCount)
  const protocol = protocolText(bytes, firstProtocol)
  return `t${versionText}${hasServerName ? 'd' : 'i'}${counts}${protocol}_${suites}_${rest}`
}

/** RFC 8701 section 2: two equal bytes that end in 0xa. */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
}

/** Packs the numbers of a range from `at` on, GREASE left out; where they end. */
function packRange(bytes: Uint8Array, { start, end }: ByteRange, at: number): number {
  let packedEnd = at
  for (let i = start; i + 1 < end; i += 2) {
    const high = bytes[i]!
    const low = bytes[i + 1]!
    if (high === low && (low & 0x0f) === 0x0a) continue
    packed[packedEnd++] = high
    packed[packedEnd++] = low
  }
  return packedEnd
}

/** Packs the extensions that are hashed; where they end. */
function packExtensions(extensions: Uint16Array, count: number): number {
  let end = 0
  for (let i = 0; i < count; i++) {
    const type = extensions[i]!
    if (type === SERVER_NAME || type === ALPN) continue
    packed[end++] = type >> 8
    packed[end++] = type
  }
  return end
}

/** Moves what is no GREASE to the front; how many there are. */
function withoutGrease(values: Uint16Array, count: number): number {
  let kept = 0
  for (let i = 0; i < count; i++) if (!isGrease(values[i]!)) values[kept++] = values[i]!
  return kept
}

function sort(values: Uint16Array, count: number): void {
  if (count > MAX_INSERTED) {
    values.subarray(0, count).sort()
    return
  }
  for (let i = 1; i < count; i++) {
    const value = values[i]!
    let at = i
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!
    values[at] = value
  }
}

/** What was made before of the same packed numbers. */
function remembered(hashes: Map<string, string>, end: number, make: () => string): string {
  if (end > MAX_REMEMBERED_BYTES) return make()
  const key = latin1(packed, 0, end)
  const known = hashes.get(key)
  if (known !== undefined) return known
  if (hashes.size >= MAX_REMEMBERED_HASHES) hashes.clear()
  const made = make()
  hashes.set(key, made)
  return made
}

function hashSuites(end: number): string {
  const numbers = new Uint16Array(end / 2)
  for (let i = 0; i < numbers.length; i++) numbers[i] = (packed[2 * i]! << 8) | packed[2 * i + 1]!
  numbers.sort()
  for (const [i, number] of numbers.entries()) {
    packed[2 * i] = number >> 8
    packed[2 * i + 1] = number
  }
  return hashOf(hexList(0, end))
}

function hashExtensions(namesEnd: number, end: number): string {
  const names = hexList(0, namesEnd)
  return hashOf(namesEnd === end ? names : `${names}_${hexList(namesEnd, end)}`)
}

/** Packed numbers as four hex digits each, commas between. */
function hexList(start: number, end: number): string {
  const text = new Uint8Array(((end - start) / 2) * 5)
  let to = 0
  for (let at = start; at < end; at++) {
    text[to++] = HEX_DIGITS[packed[at]! >> 4]!
    text[to++] = HEX_DIGITS[packed[at]! & 15]!
    if ((at - start) % 2 === 1) text[to++] = COMMA
  }
  return latin1(text, 0, to - 1)
}

function hashOf(text: string): string {
  return hash('sha256', text).slice(0, HASH_CHARACTERS)
}

function twoDigits(count: number): string {
  return count < 10 ? `0${count}` : String(Math.min(count, MAX_COUNT))
}

/** "ALPN Extension Value": its first and last character, or those of its hex digits where one of them is neither letter nor digit. */
function protocolText(bytes: Uint8Array, { start, end }: ByteRange): string {
  if (start === end) return NO_PROTOCOL
  const first = bytes[start]!
  const last = bytes[end - 1]!
  if (isAlphanumeric(first) && isAlphanumeric(last)) return String.fromCharCode(first, last)
  return String.fromCharCode(HEX_DIGITS[first >> 4]!, HEX_DIGITS[last & 15]!)
}

function isAlphanumeric(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a)
}
