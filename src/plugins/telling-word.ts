import { CR, DIGITS, isDigit, isPrintable, LETTERS, LF, SPACE, TAB } from './ascii.js'
import { byteSet, ENDED, WRONG } from './compare-bytes.js'

/**
 * Greetings of servers that begin with a reply code of three digits: SMTP (RFC 5321 section 4.2), FTP (RFC 959 section 4.2) and NNTP
 * (RFC 3977 section 3.2). Codes are shared and the text is free, so that only a word of it can say which of them speaks.
 */
export interface GreetingForm {
  /** The codes with which it begins. */
  readonly codes: readonly Uint8Array[]
  /** A line whose code is followed by a hyphen is not the last one: RFC 5321 section 4.2.1. */
  readonly hasManyLines: boolean
  /** Whether the word of `length` bytes at `at` says whose greeting it is. */
  tells(window: Uint8Array, at: number, length: number): boolean
}

/** Two of the lines of 512 octets that RFC 5321 section 4.5.3.1.5 and RFC 3977 section 3.1 allow. */
export const MAX_GREETING_BYTES = 1024

const CODE_BYTES = 3
const HYPHEN = 0x2d
/** What a word consists of. The name of a host is one word, so that smtp.example.com does not say SMTP. */
const WORD = byteSet(`-._${DIGITS}${LETTERS}`)
/** No word that tells is longer. */
const MAX_WORD_BYTES = 32
/** Where the window was cut inside a line's text. */
const IN_TEXT = -1

/**
 * The index of the first word that tells. `ENDED` where it may come yet, `WRONG` where the greeting is over without one, or is none.
 *
 * The first word may be the server's own name, such as `ftp` of a mail server: it counts only where no other tells.
 * Each line begins with the code again; FTP's may be free text between the first and the last (RFC 959 section 4.2), and are wrong here.
 */
export function findTellingWord(window: Uint8Array, seen: number, form: GreetingForm): number {
  const end = Math.min(window.length, MAX_GREETING_BYTES)
  let line = lineNear(window, seen)
  for (;;) {
    const from = line === IN_TEXT ? wordNear(window, seen) : skipCode(window, line, end, form)
    const found = from < 0 ? from : findWord(window, from, end, form)
    if (found === ENDED) return end < MAX_GREETING_BYTES ? ENDED : WRONG
    if (found === WRONG || window[found] !== LF) return found
    if (isLastLine(window, line === IN_TEXT ? startOfLine(window, found) : line)) return firstWord(window, form)
    line = found + 1
  }
}

/** The start of the line that had only its code, or less, in the first `seen` bytes. */
function lineNear(window: Uint8Array, seen: number): number {
  for (let at = seen - 1; at >= seen - CODE_BYTES - 1; at--) {
    if (at < 0) return 0
    if (window[at] === LF) return at + 1
  }
  return IN_TEXT
}

/** The start of the word that the first `seen` bytes end in; where it is too long to tell, some index that says so. */
function wordNear(window: Uint8Array, seen: number): number {
  let at = seen
  while (at > seen - MAX_WORD_BYTES - 1 && WORD[window[at - 1]!] === 1 && !isBehindCode(window, at)) at--
  return at
}

function isBehindCode(window: Uint8Array, at: number): boolean {
  const line = at - CODE_BYTES - 1
  return line === 0 || window[line - 1] === LF
}

/** Behind code(3) and the hyphen or space. Later lines have the first one's code. */
function skipCode(window: Uint8Array, line: number, end: number, { codes, hasManyLines }: GreetingForm): number {
  for (let i = 0; i < CODE_BYTES; i++) {
    if (line + i >= end) return ENDED
    const digit = window[line + i]!
    if (line === 0 ? !isDigit(digit) || !isCode(window, i + 1, codes) : digit !== window[i]) return WRONG
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
    const byte = window[at]!
    if (WORD[byte] === 1) continue
    if (tells(window, word, at, form) && !isHost(word, byte)) return word
    if (byte === LF) return at
    if (!isText(byte)) return WRONG
    word = at + 1
  }
  return ENDED
}

/** RFC 5321 section 4.2: the server's own name stands behind the first code, and a space behind it. */
function isHost(word: number, next: number): boolean {
  return word === CODE_BYTES + 1 && next === SPACE
}

function tells(window: Uint8Array, word: number, end: number, form: GreetingForm): boolean {
  const length = end - word
  return length > 0 && length <= MAX_WORD_BYTES && form.tells(window, word, length)
}

function startOfLine(window: Uint8Array, end: number): number {
  let at = end
  while (at > 0 && window[at - 1] !== LF) at--
  return at
}

function isLastLine(window: Uint8Array, line: number): boolean {
  return window[line + CODE_BYTES] === SPACE
}

function firstWord(window: Uint8Array, form: GreetingForm): number {
  const word = CODE_BYTES + 1
  return tells(window, word, endOfWord(window, word), form) ? word : WRONG
}

/** Behind the last byte of the word at `at`, whose end is in the window. */
export function endOfWord(window: Uint8Array, at: number): number {
  let end = at
  while (WORD[window[end]!] === 1) end++
  return end
}

/** Greetings are ASCII by RFC 5321 section 4.2, and not always: other bytes than controls pass. */
function isText(byte: number): boolean {
  return isPrintable(byte) || byte === TAB || byte === CR || byte >= 0x80
}
