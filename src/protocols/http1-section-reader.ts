import { indexOfByte } from './byte-views.js'
import type { BodyFraming } from './http1-body-framing.js'
import { COLON, CR, IS_TOKEN, isBlank, LF, SPACE } from './http1-characters.js'
import type { Http1Failure } from './http1-failure.js'
import { type Http1Fields, type Http1Head } from './http1-head.js'

export type SectionKind = 'request-head' | 'response-head' | 'trailers'

/** The chunk is used up and the section is not complete. */
export const SECTION_CUT = -1
/** `failure` says why. */
export const SECTION_FAILED = -2

/** Bytes of a value that are looked at one by one; the rest of a longer one is left to native search, which costs 20 to 60 ns to begin. */
const NEAR_BYTES = 32

/** First size of the buffer that keeps a section which a chunk's end has cut; it doubles up to the bound. */
const FIRST_HELD_BYTES = 512

/**
 * Reads one head or trailer section at a time, line by line, from chunks cut anywhere.
 *
 * A section that lies within one chunk is neither copied nor decoded. One that is cut is kept, from its first byte, in a buffer
 * of its own that never grows beyond `maxBytes` and is let go at the section's end.
 */
export class Http1SectionReader {
  failure: Http1Failure | undefined
  readonly #maxBytes: number
  readonly #head: Http1Head
  readonly #framing: BodyFraming
  #kind: SectionKind = 'trailers'
  /** The first line of a head is still to come. */
  #wantsStartLine = false
  #isComplete = false
  /** Where the first field line begins, from the section's start. */
  #fieldsOffset = 0
  #held: Uint8Array | undefined
  #heldBytes = 0
  #heldLine = 0
  // Where CR and NUL stand next in the bytes being read, as far as that was asked: each byte is searched once.
  #nextCr = -1
  #nextNul = -1

  /** Start line and framing of what it reads are put into `head` and `framing`. */
  constructor(head: Http1Head, framing: BodyFraming, maxBytes: number) {
    this.#head = head
    this.#framing = framing
    this.#maxBytes = maxBytes
  }

  begin(kind: SectionKind): void {
    this.#kind = kind
    this.#wantsStartLine = kind !== 'trailers'
    this.#isComplete = false
    this.#fieldsOffset = 0
    if (kind !== 'trailers') this.#framing.reset()
  }

  /**
   * Reads on in `chunk` from `from` on. Gives the position after the section's end, with `into` set to the whole section; or one of
   * the two constants.
   */
  read(chunk: Uint8Array, from: number, into: Http1Fields): number {
    this.#nextCr = this.#nextNul = -1
    return this.#held === undefined
      ? this.#readInPlace(chunk, from, into)
      : this.#readHeld(this.#held, chunk, from, into)
  }

  #readInPlace(chunk: Uint8Array, from: number, into: Http1Fields): number {
    let line = from
    while (!this.#isComplete) {
      if (!this.#wantsStartLine) {
        line = this.#readPlainFields(chunk, line, Math.min(chunk.length, from + this.#maxBytes))
        if (line === SECTION_FAILED) return SECTION_FAILED
      }
      const isStartLine = this.#wantsStartLine
      const next = this.#readLine(chunk, line, chunk.length, from)
      if (next === SECTION_FAILED) return SECTION_FAILED
      if ((next === SECTION_CUT ? chunk.length : next) - from > this.#maxBytes) return this.#failTooLarge(isStartLine)
      if (next === SECTION_CUT) {
        this.#hold(chunk, from, line)
        return SECTION_CUT
      }
      line = next
    }
    this.#show(into, chunk, from, line)
    return line
  }

  #hold(chunk: Uint8Array, from: number, line: number): void {
    const count = chunk.length - from
    this.#held = new Uint8Array(Math.min(this.#maxBytes, Math.max(FIRST_HELD_BYTES, count * 2)))
    this.#held.set(from === 0 ? chunk : chunk.subarray(from))
    this.#heldBytes = count
    this.#heldLine = line - from
  }

  /** Moves line after line into the buffer, so that a line is read only once it is whole, and nothing after the section is taken. */
  #readHeld(held: Uint8Array, chunk: Uint8Array, from: number, into: Http1Fields): number {
    let buffer = held
    let at = from
    while (!this.#isComplete) {
      const lineFeed = indexOfByte(chunk, LF, at)
      const end = lineFeed < 0 ? chunk.length : lineFeed + 1
      if (this.#heldBytes + end - at > this.#maxBytes) return this.#failTooLarge(this.#wantsStartLine)
      buffer = this.#append(buffer, chunk, at, end)
      at = end
      if (lineFeed < 0) return SECTION_CUT
      this.#nextCr = this.#nextNul = -1
      const next = this.#readLine(buffer, this.#heldLine, this.#heldBytes, 0)
      if (next < 0) return SECTION_FAILED
      this.#heldLine = next
    }
    this.#show(into, buffer, 0, this.#heldBytes)
    this.#held = undefined
    return at
  }

  #append(held: Uint8Array, chunk: Uint8Array, start: number, end: number): Uint8Array {
    const size = this.#heldBytes + end - start
    let buffer = held
    if (size > buffer.length) {
      buffer = new Uint8Array(Math.min(this.#maxBytes, size * 2))
      buffer.set(held.subarray(0, this.#heldBytes))
      this.#held = buffer
    }
    buffer.set(chunk.subarray(start, end), this.#heldBytes)
    this.#heldBytes = size
    return buffer
  }

  #show(into: Http1Fields, bytes: Uint8Array, start: number, end: number): void {
    into.bytes = bytes
    into.start = start
    into.end = end
    into.fieldsStart = start + this.#fieldsOffset
  }

  /** Where the next line begins, or one of the two constants. A line cut at `limit` contains no LF. */
  #readLine(bytes: Uint8Array, start: number, limit: number, sectionStart: number): number {
    if (!this.#wantsStartLine) return this.#readFieldLine(bytes, start, limit)
    const next =
      this.#kind === 'request-head'
        ? this.#readRequestLine(bytes, start, limit)
        : this.#readStatusLine(bytes, start, limit)
    if (next >= 0) {
      this.#wantsStartLine = false
      this.#fieldsOffset = next - sectionStart
    }
    return next
  }

  /** RFC 9112 section 3: method SP request-target SP HTTP-version. One space each, no blanks elsewhere. */
  #readRequestLine(bytes: Uint8Array, start: number, limit: number): number {
    let at = start
    while (at < limit && IS_TOKEN[bytes[at]!] === 1) at++
    if (at === limit) return SECTION_CUT
    if (at === start || bytes[at] !== SPACE) return this.#fail('invalid-request-line')
    this.#head.methodEnd = at - start
    const target = ++at
    while (at < limit && bytes[at]! > SPACE && bytes[at] !== DELETE) at++
    if (at === limit) return SECTION_CUT
    if (at === target || bytes[at] !== SPACE) return this.#fail('invalid-request-line')
    this.#head.targetEnd = at - start
    this.#head.status = 0
    const versionEnd = this.#readVersion(bytes, at + 1, limit, 'invalid-request-line')
    return versionEnd < 0 ? versionEnd : this.#readLineEnd(bytes, versionEnd, limit, 'invalid-request-line')
  }

  /** RFC 9112 section 4: HTTP-version SP status-code SP [reason-phrase]. The second space is missing in practice. */
  #readStatusLine(bytes: Uint8Array, start: number, limit: number): number {
    const at = this.#readVersion(bytes, start, limit, 'invalid-status-line')
    if (at < 0) return at
    let status = 0
    for (let i = 0; i < 4; i++) {
      if (at + i === limit) return SECTION_CUT
      const byte = bytes[at + i]!
      if (i === 0 ? byte !== SPACE : byte < 0x30 || byte > 0x39) return this.#fail('invalid-status-line')
      if (i > 0) status = status * 10 + byte - 0x30
    }
    if (status < 100) return this.#fail('invalid-status-line')
    this.#head.status = status
    if (at + 4 === limit) return SECTION_CUT
    if (bytes[at + 4] !== SPACE) return this.#readLineEnd(bytes, at + 4, limit, 'invalid-status-line')
    const lineFeed = this.#findLineFeed(bytes, at + 5, limit)
    return lineFeed < 0 ? lineFeed : lineFeed + 1
  }

  /** RFC 9112 section 2.3. A higher minor version would be read as 1.1, but none exists: whoever writes one means something else. */
  #readVersion(bytes: Uint8Array, start: number, limit: number, otherwise: Http1Failure): number {
    const known = Math.min(limit - start, VERSION.length)
    for (let i = 0; i < known; i++) {
      if (bytes[start + i] === VERSION.charCodeAt(i)) continue
      const isOtherMajor = i === VERSION.indexOf('1') && isDigit(bytes[start + i]!)
      return this.#fail(isOtherMajor ? 'unsupported-version' : otherwise)
    }
    const at = start + VERSION.length
    if (at >= limit) return SECTION_CUT
    const minor = bytes[at]! - 0x30
    if (minor !== 0 && minor !== 1) return this.#fail(isDigit(bytes[at]!) ? 'unsupported-version' : otherwise)
    this.#head.minorVersion = minor
    return at + 1
  }

  /** CRLF, or LF alone, which RFC 9112 section 2.2 lets a recipient accept. */
  #readLineEnd(bytes: Uint8Array, at: number, limit: number, otherwise: Http1Failure): number {
    if (at >= limit) return SECTION_CUT
    if (bytes[at] === LF) return at + 1
    if (bytes[at] !== CR) return this.#fail(otherwise)
    if (at + 1 === limit) return SECTION_CUT
    return bytes[at + 1] === LF ? at + 2 : this.#fail('bare-cr')
  }

  /**
   * Passes over field lines that are plain, which nearly all are: whole, short, without tabs and other controls, and ended by CRLF. Gives
   * where the first one begins that is not, or the empty line; or that it has failed. All in one loop: a call for each line would cost as much as the line.
   */
  #readPlainFields(bytes: Uint8Array, start: number, limit: number): number {
    const isHead = this.#kind !== 'trailers'
    for (let line = start; ;) {
      let at = line
      while (at < limit && IS_TOKEN[bytes[at]!] === 1) at++
      if (at === line || at === limit || bytes[at] !== COLON) return line
      const nameEnd = at++
      while (at < limit && bytes[at] === SPACE) at++
      const value = at
      const near = Math.min(limit, at + NEAR_BYTES)
      while (at < near && bytes[at]! > CR) at++
      if (at + 1 >= limit || bytes[at] !== CR || bytes[at + 1] !== LF) return line
      if (isHead && MAY_FRAME[bytes[line]!] === 1) {
        let end = at
        while (end > value && bytes[end - 1] === SPACE) end--
        const failure = this.#framing.addField(bytes, line, nameEnd, value, end)
        if (failure !== undefined) return this.#fail(failure)
      }
      line = at + 2
    }
  }

  /** RFC 9112 section 5: field-name ":" OWS field-value OWS. An empty line ends the section. */
  #readFieldLine(bytes: Uint8Array, start: number, limit: number): number {
    let at = start
    while (at < limit && IS_TOKEN[bytes[at]!] === 1) at++
    if (at === limit) return SECTION_CUT
    if (at === start || bytes[at] !== COLON) return this.#readNoField(bytes, start, at, limit)
    const nameEnd = at++
    while (at < limit && isBlank(bytes[at])) at++
    const lineFeed = this.#findLineFeed(bytes, at, limit)
    if (lineFeed < 0) return lineFeed
    let end = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
    while (end > at && isBlank(bytes[end - 1])) end--
    if (this.#kind !== 'trailers') {
      const failure = this.#framing.addField(bytes, start, nameEnd, at, end)
      if (failure !== undefined) return this.#fail(failure)
    }
    return lineFeed + 1
  }

  /** The empty line, or what stands where a field name or its colon should: at `at`. */
  #readNoField(bytes: Uint8Array, start: number, at: number, limit: number): number {
    const byte = bytes[at]!
    if (at === start && (byte === CR || byte === LF)) {
      const next = this.#readLineEnd(bytes, at, limit, 'bare-cr')
      this.#isComplete = next >= 0
      return next
    }
    if (!isBlank(byte)) return this.#fail('invalid-field-name')
    return this.#fail(at === start ? 'obs-fold' : 'space-before-colon')
  }

  /** RFC 9110 section 5.5: CR, LF and NUL are invalid in a value and dangerous; other control characters pass. */
  #findLineFeed(bytes: Uint8Array, from: number, limit: number): number {
    const near = Math.min(limit, from + NEAR_BYTES)
    for (let at = from; at < near; at++) {
      const byte = bytes[at]!
      if (byte > CR) continue
      if (byte === LF) return at
      if (byte === 0) return this.#fail('invalid-field-value')
      if (byte !== CR) continue
      if (at + 1 === limit) return SECTION_CUT
      return bytes[at + 1] === LF ? at + 1 : this.#fail('bare-cr')
    }
    return near === limit ? SECTION_CUT : this.#findFarLineFeed(bytes, near)
  }

  #findFarLineFeed(bytes: Uint8Array, from: number): number {
    const lineFeed = indexOfByte(bytes, LF, from)
    if (lineFeed < 0) return SECTION_CUT
    if (this.#nextCr < from) this.#nextCr = indexOrInfinity(bytes, CR, from)
    if (this.#nextNul < from) this.#nextNul = indexOrInfinity(bytes, 0, from)
    if (this.#nextCr < lineFeed - 1) return this.#fail('bare-cr')
    return this.#nextNul < lineFeed ? this.#fail('invalid-field-value') : lineFeed
  }

  /** `isStartLine`: that line alone is too much. */
  #failTooLarge(isStartLine: boolean): number {
    if (isStartLine && this.#kind === 'request-head') return this.#fail('request-line-too-long')
    return this.#fail(this.#kind === 'trailers' ? 'trailers-too-large' : 'head-too-large')
  }

  #fail(failure: Http1Failure): number {
    this.failure = failure
    this.#held = undefined
    return SECTION_FAILED
  }
}

const VERSION = 'HTTP/1.'

/** First letters of the fields that `BodyFraming` looks at. */
const MAY_FRAME = new Uint8Array(256)
for (const letter of 'chtuCHTU') MAY_FRAME[letter.charCodeAt(0)] = 1
const DELETE = 0x7f

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function indexOrInfinity(bytes: Uint8Array, byte: number, from: number): number {
  const index = indexOfByte(bytes, byte, from)
  return index < 0 ? Infinity : index
}
