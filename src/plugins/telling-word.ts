import { CR, DIGITS, LETTERS, LF, SPACE, TAB } from './ascii.js'
import { byteSet, compareLetters, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'

/**
 * Greetings of servers that begin with a reply code of three digits: SMTP (RFC 5321 section 4.2), FTP (RFC 959 section 4.2) and NNTP
 * (RFC 3977 section 3.2). Codes are shared and the text is free, so that only a word of it can say which of them speaks.
 */
export interface GreetingForm {
  /** The codes with which it begins. */
  readonly codes: readonly Uint8Array[]
  /** A line whose code is followed by a hyphen is not the last one: RFC 5321 section 4.2.1. */
  readonly hasManyLines: boolean
  /** The words that say whose greeting it is, in lower case; letters of either case match. */
  readonly words: readonly Uint8Array[]
  /** Ends of such words; a word with a dot is a host's name, and none. */
  readonly endings: readonly Uint8Array[]
  /** The last letters of words and endings, as a `byteSet`: most words are told apart by that. */
  readonly lastLetters: Uint8Array
}

interface GreetingTexts {
  readonly codes: readonly string[]
  readonly hasManyLines: boolean
  readonly words: readonly string[]
  readonly endings?: readonly string[]
}

/** For constants: it allocates. */
export function greetingForm({ codes, hasManyLines, words, endings = [] }: GreetingTexts): GreetingForm {
  const last = [...words, ...endings].map((word) => word.slice(-1)).join('')
  return {
    codes: codes.map(latin1Bytes),
    hasManyLines,
    words: words.map(latin1Bytes),
    endings: endings.map(latin1Bytes),
    lastLetters: byteSet(last + last.toUpperCase()),
  }
}

/** A line or two: servers say in the first words what they are. Short, since each look begins at the first byte. */
export const MAX_GREETING_BYTES = 256

const CODE_BYTES = 3
const HYPHEN = 0x2d
const DOT = 0x2e
/** No word that tells is shorter or longer. */
const MIN_WORD_BYTES = 3
const MAX_WORD_BYTES = 32

const OTHER = 0
const TEXT = 1
const WORD = 2
/**
 * What each byte is. A host's name is one word, so that smtp.example.com does not say SMTP. Greetings are ASCII by RFC 5321 section
 * 4.2, and not always: other bytes than controls are text.
 */
const KINDS = kindsOfBytes()

/**
 * The index of the first word that tells. `ENDED` where it may come yet, `WRONG` where the greeting is over without one, or is none.
 *
 * The first word may be the server's own name, such as `ftp` of a mail server: it counts only where no other tells. Each line begins
 * with the code again; FTP's may be free text between the first and the last (RFC 959 section 4.2), and are wrong here.
 */
export function findTellingWord(window: Uint8Array, form: GreetingForm): number {
  const end = Math.min(window.length, MAX_GREETING_BYTES)
  for (let line = 0; ;) {
    const text = skipCode(window, line, end, form)
    const found = text < 0 ? text : findWord(window, text, end, form)
    if (found === ENDED) return end < MAX_GREETING_BYTES ? ENDED : WRONG
    if (found === WRONG || window[found] !== LF) return found
    if (window[line + CODE_BYTES] === SPACE) return firstWord(window, form)
    line = found + 1
  }
}

/** Behind the last byte of the word at `at`, whose end is in the window. */
export function endOfWord(window: Uint8Array, at: number): number {
  let end = at
  while (KINDS[window[end]!] === WORD) end++
  return end
}

/** Behind code(3) and the hyphen or space. Later lines have the first one's code. */
function skipCode(window: Uint8Array, line: number, end: number, { codes, hasManyLines }: GreetingForm): number {
  for (let i = 0; i < CODE_BYTES; i++) {
    if (line + i >= end) return ENDED
    if (line === 0 ? !isCode(window, i + 1, codes) : window[line + i] !== window[i]) return WRONG
  }
  const text = line + CODE_BYTES
  if (text >= end) return ENDED
  return window[text] === SPACE || (hasManyLines && window[text] === HYPHEN) ? text + 1 : WRONG
}

/** Whether the window's first `length` bytes begin one of the codes. */
function isCode(window: Uint8Array, length: number, codes: readonly Uint8Array[]): boolean {
  for (const code of codes) {
    let i = 0
    while (i < length && window[i] === code[i]) i++
    if (i === length) return true
  }
  return false
}

/** The index of the next word that tells, or of the line's end. */
function findWord(window: Uint8Array, from: number, end: number, form: GreetingForm): number {
  let word = from
  for (let at = from; at < end; at++) {
    const kind = KINDS[window[at]!]
    if (kind === WORD) continue
    const isCandidate = at > word && form.lastLetters[window[at - 1]!] === 1
    if (isCandidate && tells(window, word, at, form) && !isHost(word, window[at]!)) return word
    if (kind === OTHER) return window[at] === LF ? at : WRONG
    word = at + 1
  }
  return ENDED
}

function tells(window: Uint8Array, word: number, end: number, { words, endings }: GreetingForm): boolean {
  const length = end - word
  if (length < MIN_WORD_BYTES || length > MAX_WORD_BYTES) return false
  if (isOneOf(window, word, length, words)) return true
  for (const ending of endings) {
    const at = end - ending.length
    if (at >= word && compareLetters(window, at, ending) === 'match') return !hasDot(window, word, at)
  }
  return false
}

/** Whether the word of `length` bytes at `at` is one of `words`, in either case. */
export function isOneOf(window: Uint8Array, at: number, length: number, words: readonly Uint8Array[]): boolean {
  for (const word of words) {
    if (word.length === length && compareLetters(window, at, word) === 'match') return true
  }
  return false
}

function hasDot(window: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (window[at] === DOT) return true
  return false
}

/** RFC 5321 section 4.2: the server's own name stands behind the first code, and a space behind it. */
function isHost(word: number, next: number): boolean {
  return word === CODE_BYTES + 1 && next === SPACE
}

function firstWord(window: Uint8Array, form: GreetingForm): number {
  const word = CODE_BYTES + 1
  return tells(window, word, endOfWord(window, word), form) ? word : WRONG
}

function kindsOfBytes(): Uint8Array {
  const kinds = new Uint8Array(256).fill(TEXT, 0x80).fill(TEXT, SPACE, 0x7f)
  for (const byte of [TAB, CR]) kinds[byte] = TEXT
  for (const byte of latin1Bytes(`-._${DIGITS}${LETTERS}`)) kinds[byte] = WORD
  return kinds
}
