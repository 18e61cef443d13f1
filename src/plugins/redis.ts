import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, isDigit, isLetter, isVisible, LF, SPACE } from './ascii.js'
import { compareAny } from './compare-any.js'
import { compareBytes, type Comparison, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'

/** An inline command that is recognised fits in; those of clients and health checks have at most a few dozen. */
const MAX_BYTES = 256
/** Redis ignores empty lines: networking.c, processInlineBuffer. */
const MAX_EMPTY_LINES = 4
/** The longest section of INFO, as subcommand of COMMAND, has 15 letters. */
const MAX_WORD_BYTES = 24

/** RESP, "Arrays" and "Maps": the type, how many elements, CRLF; "Bulk strings": $, how many bytes, CRLF. */
const ARRAY = 0x2a
const MAP = 0x25
const BULK = 0x24
/** Redis takes no command of more than 1,048,576 words. */
const MAX_COUNT_DIGITS = 7
/** No command's name has 100 bytes. */
const MAX_NAME_DIGITS = 2
/** A string has at most 512 MiB. */
const MAX_STRING_DIGITS = 9

const ZERO = 0x30
/** Set in a lower-case letter. */
const LOWER_CASE = 0x20
const QUOTE = 0x22
const APOSTROPHE = 0x27
const BACKSLASH = 0x5c
const CRLF = latin1Bytes('\r\n')

/** Inline commands whose first bytes no other protocol has, in lower case; a letter may be of either case. */
const INLINE = ['ping\r\n', 'dbsize\r\n', 'flushall\r\n', 'keys *\r\n', 'config get ', 'config set '].map(latin1Bytes)
/** Followed by nothing or by one word of letters. SIP's INFO has an address there. */
const INLINE_WITH_WORD = ['info', 'command'].map(latin1Bytes)
const HELLO = latin1Bytes('hello ')
const SET = latin1Bytes('set ')

/** RESP, "Simple strings" and "Simple errors": the answers that no POP3 server gives, which has +OK and -ERR too. */
const ANSWERS = [
  '+PONG\r\n',
  '-DENIED Redis is running in protected mode',
  '-NOAUTH ',
  '-WRONGPASS ',
  '-NOPERM ',
  '-NOPROTO ',
  '-LOADING ',
  '-MISCONF ',
  '-READONLY ',
  '-MASTERDOWN ',
  '-CLUSTERDOWN ',
  '-MOVED ',
  '-WRONGTYPE ',
  '-ERR unknown command ',
  '-ERR wrong number of arguments for ',
  '-ERR Protocol error: ',
  '-ERR max number of clients reached',
  '-ERR AUTH <password> called without any password configured',
].map(latin1Bytes)

/**
 * Redis and what speaks its protocol, as Valkey and KeyDB (redis.io/docs, "Redis serialization protocol specification"): by the
 * client's first command, an array of bulk strings or one of the inline commands that are nobody else's; or by the server's answer.
 */
export const redis: Sniffer = {
  protocol: 'redis',
  maxBytes: MAX_BYTES,
  samples: {
    client: [
      '*1\r\n$7\r\nCOMMAND\r\n',
      '*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n',
      'PING\r\n',
      'info replication\r\n',
      'SET greeting "hello world"\r\n',
    ],
    server: [
      '+PONG\r\n',
      '-NOAUTH Authentication required.\r\n',
      "-ERR unknown command 'x', with args beginning with: \r\n",
      '-DENIED Redis is running in protected mode because protected mode is enabled\r\n',
      '*2\r\n$3\r\nfoo\r\n$3\r\nbar\r\n',
      '%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n',
    ],
  },
  client: sniffCommand,
  server: sniffAnswer,
}

function sniffCommand(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] !== ARRAY) return sniffInline(window)
  const name = skipBulkHeader(window, MAX_NAME_DIGITS)
  if (name < 0) return name === ENDED ? 'need-more' : 'no-match'
  if (window.length <= name) return 'need-more'
  return isVisible(window[name]!) ? 'match' : 'no-match'
}

function sniffAnswer(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] !== ARRAY && window[0] !== MAP) return compareAny(window, 0, ANSWERS)
  const string = skipBulkHeader(window, MAX_STRING_DIGITS)
  if (string < 0) return string === ENDED ? 'need-more' : 'no-match'
  return 'match'
}

/** The index behind the headers of an array or map and of the bulk string that is its first element. */
function skipBulkHeader(window: Uint8Array, mostDigits: number): number {
  const bulk = skipNumberLine(window, 1, MAX_COUNT_DIGITS)
  if (bulk < 0) return bulk
  if (bulk >= window.length) return ENDED
  return window[bulk] === BULK ? skipNumberLine(window, bulk + 1, mostDigits) : WRONG
}

/** Behind a number above zero and its CRLF. */
function skipNumberLine(window: Uint8Array, at: number, mostDigits: number): number {
  let end = at
  while (end < window.length && isDigit(window[end]!)) {
    if (window[at] === ZERO || end - at === mostDigits) return WRONG
    end++
  }
  if (end >= window.length) return ENDED
  if (end === at) return WRONG
  const compared = compareBytes(window, end, CRLF)
  return compared === 'match' ? end + CRLF.length : compared === 'need-more' ? ENDED : WRONG
}

function sniffInline(window: Uint8Array): Sniff {
  const end = Math.min(window.length, MAX_BYTES)
  const start = skipEmptyLines(window, end)
  if (start < 0) return start === ENDED ? 'need-more' : 'no-match'
  // None of these begins another, so that no other can match while one wants more.
  for (const command of INLINE) {
    const compared = compareFolded(window, start, command, end)
    if (compared !== 'no-match') return compared
  }
  for (const command of INLINE_WITH_WORD) {
    const compared = compareFolded(window, start, command, end)
    if (compared === 'need-more') return compared
    if (compared === 'match') return sniffWord(window, start + command.length, end)
  }
  const hello = compareFolded(window, start, HELLO, end)
  if (hello !== 'no-match') return hello === 'match' ? sniffVersion(window, start + HELLO.length, end) : hello
  const set = compareFolded(window, start, SET, end)
  return set === 'match' ? sniffKeyAndValue(window, start + SET.length, end) : set
}

/** Behind empty lines, each CRLF or LF. */
function skipEmptyLines(window: Uint8Array, end: number): number {
  let at = 0
  for (let lines = 0; ; lines++) {
    if (at >= end) return ENDED
    if (window[at] !== CR && window[at] !== LF) return at
    if (lines === MAX_EMPTY_LINES) return WRONG
    if (window[at] === CR && ++at >= end) return ENDED
    if (window[at++] !== LF) return WRONG
  }
}

/** The end of the line, or a space, a word of letters and the end of the line. */
function sniffWord(window: Uint8Array, at: number, end: number): Sniff {
  if (at >= end) return 'need-more'
  if (window[at] !== SPACE) return compareBytes(window, at, CRLF, end)
  const last = Math.min(end, at + 1 + MAX_WORD_BYTES)
  let to = at + 1
  while (to < last && isLetter(window[to]!)) to++
  if (to >= end) return 'need-more'
  return to === at + 1 ? 'no-match' : compareBytes(window, to, CRLF, end)
}

/** HELLO's protver, 2 or 3, and the end of the line or another argument. */
function sniffVersion(window: Uint8Array, at: number, end: number): Sniff {
  if (at >= end) return 'need-more'
  if (window[at] !== ZERO + 2 && window[at] !== ZERO + 3) return 'no-match'
  if (at + 1 >= end) return 'need-more'
  return window[at + 1] === SPACE ? 'match' : compareBytes(window, at + 1, CRLF, end)
}

/** Two arguments and no third: memcached's set has four or five, and NUT's SET three. */
function sniffKeyAndValue(window: Uint8Array, at: number, end: number): Sniff {
  const space = skipArgument(window, at, end)
  if (space < 0) return unfinished(space, end)
  if (window[space] !== SPACE) return 'no-match'
  const lineEnd = skipArgument(window, space + 1, end)
  if (lineEnd < 0) return unfinished(lineEnd, end)
  const compared = compareBytes(window, lineEnd, CRLF, end)
  return compared === 'need-more' ? unfinished(ENDED, end) : compared
}

/** Behind an argument: visible characters, or any that are printable in quotes, with a backslash before what is to be escaped. */
function skipArgument(window: Uint8Array, start: number, end: number): number {
  if (start >= end) return ENDED
  const quote = window[start]!
  const isQuoted = quote === QUOTE || quote === APOSTROPHE
  for (let at = isQuoted ? start + 1 : start; at < end; at++) {
    const byte = window[at]!
    if (isQuoted && byte === quote) return at + 1 < end ? at + 1 : ENDED
    if (isQuoted && byte === BACKSLASH) at++
    else if (!isVisible(byte) && !(isQuoted && byte === SPACE)) return isQuoted || at === start ? WRONG : at
  }
  return ENDED
}

function unfinished(skipped: number, end: number): Sniff {
  return skipped === ENDED && end < MAX_BYTES ? 'need-more' : 'no-match'
}

/** As `compareBytes`, a letter in upper or lower case. `expected` has lower-case letters and any other characters. */
function compareFolded(window: Uint8Array, at: number, expected: Uint8Array, end = window.length): Comparison {
  for (let i = 0; i < expected.length; i++) {
    if (at + i >= end) return 'need-more'
    const byte = window[at + i]!
    if (byte !== expected[i] && (!isLetter(byte) || (byte | LOWER_CASE) !== expected[i])) return 'no-match'
  }
  return 'match'
}
