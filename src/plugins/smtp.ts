import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, DIGITS, isPrintable, LETTERS, LF, SPACE, TAB } from './ascii.js'
import {
  byteSet,
  compareBytes,
  compareLetters,
  type Comparison,
  ENDED,
  latin1Bytes,
  skipWhile,
} from './compare-bytes.js'

/** Two reply lines of the 512 octets that RFC 5321 section 4.5.3.1.5 allows. */
const MAX_BYTES = 1024
/** RFC 5321 section 4.5.3.1.2. */
const MAX_DOMAIN_BYTES = 255

/** RFC 5321 sections 3.1 and 4.3.2: ready, or "no SMTP service here". */
const READY = latin1Bytes('220')
const NO_SERVICE = latin1Bytes('554')
const CODE_BYTES = 3
const HYPHEN = 0x2d

/** What a word of the greeting consists of. A host's name is one word, so smtp.example.com says nothing. */
const WORD = byteSet(`-._${DIGITS}${LETTERS}`)
/** RFC 5321 section 4.2 asks for neither; nearly all servers say one (RFC 2033 section 4: LMTP). */
const SMTP_WORDS = ['esmtp', 'smtp', 'lmtp'].map(latin1Bytes)
/** FTP greets with 220, too (RFC 959 section 5.4). */
const FTP = latin1Bytes('ftp')

/** RFC 5321 section 4.1.1.1, RFC 2033 section 4.1. */
const HELLO_COMMANDS = ['ehlo', 'helo', 'lhlo'].map(latin1Bytes)
const HELLO_BYTES = 4
/** RFC 5321 sections 4.1.2 and 4.1.3: a domain, or an address in brackets. Names with an underscore are seen, too. */
const DOMAIN = byteSet(`-._:[]${DIGITS}${LETTERS}`)

/**
 * SMTP and LMTP, RFC 5321 and RFC 2033: by a server's greeting that says so in a word, or by the client's first command. A
 * greeting without such a word (FTP's is the same up to there) is left to the client's command.
 */
export const smtp: Sniffer = {
  protocol: 'smtp',
  serverFirst: true,
  maxBytes: MAX_BYTES,
  samples: {
    client: ['EHLO client.example\r\n', 'HELO [192.0.2.1]\r\n', 'lhlo mail\r\n'],
    server: [
      '220 mail.example ESMTP Postfix\r\n',
      '220-mail.example ready\r\n220 SMTP at your service\r\n',
      '554 No SMTP service here\r\n',
    ],
  },
  client: sniffHello,
  server: sniffGreeting,
}

/** EHLO SP domain CRLF. */
function sniffHello(window: Uint8Array): Sniff {
  const command = compareAny(window, 0, HELLO_COMMANDS)
  if (command !== 'match') return command
  if (window.length === HELLO_BYTES) return 'need-more'
  if (window[HELLO_BYTES] !== SPACE) return 'no-match'

  const start = HELLO_BYTES + 1
  const end = skipWhile(window, start, window.length, DOMAIN, MAX_DOMAIN_BYTES)
  if (end < 0) return end === ENDED ? 'need-more' : 'no-match'
  if (end === start) return 'no-match'
  if (window[end] === LF) return 'match'
  if (window[end] !== CR) return 'no-match'
  if (end + 1 === window.length) return 'need-more'
  return window[end + 1] === LF ? 'match' : 'no-match'
}

function compareAny(window: Uint8Array, at: number, words: readonly Uint8Array[]): Comparison {
  let result: Comparison = 'no-match'
  for (const word of words) {
    const compared = compareLetters(window, at, word)
    if (compared === 'match') return 'match'
    if (compared === 'need-more') result = compared
  }
  return result
}

/** Lines of code(3) and a hyphen, then one of code(3) and a space; RFC 5321 section 4.2.1. All have the same code. */
function sniffGreeting(window: Uint8Array): Sniff {
  const end = Math.min(window.length, MAX_BYTES)
  const code = window[0] === NO_SERVICE[0] ? NO_SERVICE : READY
  for (let line = 0; ;) {
    const text = line + CODE_BYTES
    const compared = compareBytes(window, line, code, end)
    if (compared === 'no-match') return 'no-match'
    if (compared === 'need-more' || text >= end) return unfinished(end)
    const isLast = window[text] === SPACE
    if (!isLast && window[text] !== HYPHEN) return 'no-match'

    const next = readText(window, text + 1, end)
    if (typeof next !== 'number') return next
    if (next === ENDED) return unfinished(end)
    if (isLast) return 'no-match'
    line = next
  }
}

function unfinished(end: number): Sniff {
  return end < MAX_BYTES ? 'need-more' : 'no-match'
}

/** Looks for the words that decide, up to the end of a line: a verdict, the index of the next line, or ENDED. */
function readText(window: Uint8Array, start: number, end: number): 'match' | 'no-match' | number {
  let word = start
  for (let at = start; at < end; at++) {
    const byte = window[at]!
    if (WORD[byte] === 1) continue
    const length = at - word
    if (length === FTP.length && compareLetters(window, word, FTP) === 'match') return 'no-match'
    if (isSmtpWord(window, word, length)) return 'match'
    if (byte === LF) return at + 1
    if (!isText(byte)) return 'no-match'
    word = at + 1
  }
  return ENDED
}

function isSmtpWord(window: Uint8Array, at: number, length: number): boolean {
  for (const word of SMTP_WORDS) {
    if (word.length === length && compareLetters(window, at, word) === 'match') return true
  }
  return false
}

/** Greetings are ASCII by RFC 5321 section 4.2, and not always: other bytes than controls pass. */
function isText(byte: number): boolean {
  return isPrintable(byte) || byte === TAB || byte === CR || byte >= 0x80
}
