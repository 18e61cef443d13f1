import { SPACE } from './ascii.js'
import { compareBytes, compareLetters, type Comparison, ENDED, skipWhile, WRONG } from './compare-bytes.js'

/** A request line that is longer than this is not waited for. */
export const MAX_REQUEST_LINE_BYTES = 2048

/** What RTSP and SIP have of their own in a request line that is otherwise HTTP's. */
export interface RequestLine {
  /** As they are written, each with the space behind it. */
  readonly methods: readonly Uint8Array[]
  /** Schemes of the target, in lower case, and what follows each. */
  readonly schemes: readonly Uint8Array[]
  readonly afterScheme: Uint8Array
  /** The method that may have an asterisk for a target, with the space. */
  readonly withAsterisk?: Uint8Array
  /** All versions have the same length. */
  readonly versions: readonly Uint8Array[]
}

/** Where the parts of a request line are. */
export interface RequestLineParts {
  readonly methodEnd: number
  /** Behind the scheme and what follows it; -1 where the target is an asterisk. */
  readonly targetStart: number
  readonly targetEnd: number
}

const TARGET = targetBytes()
const ASTERISK = 0x2a

/**
 * Method SP request-URI SP version, as RTSP and SIP have it: RFC 2326 section 6.1, RFC 7826 section 7.1, RFC 3261 section 7.1. The
 * first `seen` bytes have been read before, and more were needed.
 */
export function readRequestLine(
  window: Uint8Array,
  seen: number,
  line: RequestLine,
): RequestLineParts | 'need-more' | 'no-match' {
  const target = behindOneOf(window, 0, line.methods)
  if (typeof target !== 'number') return target
  if (target === window.length) return 'need-more'
  if (window[target] === ASTERISK) {
    const { withAsterisk } = line
    if (withAsterisk === undefined || compareBytes(window, 0, withAsterisk) !== 'match') return 'no-match'
    return readVersion(window, line, target - 1, -1, target + 1)
  }
  const start = behindScheme(window, target, line)
  if (typeof start !== 'number') return start

  const from = Math.max(start, seen - 1 - line.versions[0]!.length)
  const end = Math.min(window.length, MAX_REQUEST_LINE_BYTES)
  const targetEnd = skipWhile(window, from, end, TARGET, MAX_REQUEST_LINE_BYTES)
  if (targetEnd === ENDED) return end < MAX_REQUEST_LINE_BYTES ? 'need-more' : 'no-match'
  return targetEnd === WRONG || targetEnd === start
    ? 'no-match'
    : readVersion(window, line, target - 1, start, targetEnd)
}

function readVersion(
  window: Uint8Array,
  { versions }: RequestLine,
  methodEnd: number,
  targetStart: number,
  targetEnd: number,
): RequestLineParts | 'need-more' | 'no-match' {
  if (window.length === targetEnd) return 'need-more'
  if (window[targetEnd] !== SPACE) return 'no-match'
  const end = behindOneOf(window, targetEnd + 1, versions)
  return typeof end === 'number' ? { methodEnd, targetStart, targetEnd } : end
}

/** The index behind the word that stands at `at`. */
function behindOneOf(window: Uint8Array, at: number, words: readonly Uint8Array[]): number | 'need-more' | 'no-match' {
  let result: 'need-more' | 'no-match' = 'no-match'
  for (const word of words) {
    const compared = compareBytes(window, at, word)
    if (compared === 'match') return at + word.length
    if (compared === 'need-more') result = compared
  }
  return result
}

function behindScheme(
  window: Uint8Array,
  at: number,
  { schemes, afterScheme }: RequestLine,
): number | 'need-more' | 'no-match' {
  let result: 'need-more' | 'no-match' = 'no-match'
  for (const scheme of schemes) {
    let compared: Comparison = compareLetters(window, at, scheme)
    if (compared === 'match') compared = compareBytes(window, at + scheme.length, afterScheme)
    if (compared === 'match') return at + scheme.length + afterScheme.length
    if (compared === 'need-more') result = compared
  }
  return result
}

/** Anything but controls and the space: RFC 3986 has neither. */
function targetBytes(): Uint8Array {
  const set = new Uint8Array(256).fill(1, SPACE + 1)
  set[0x7f] = 0
  return set
}
