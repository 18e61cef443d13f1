import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, DIGITS, isDigit, isLetter, isVisible, LETTERS, LF, SPACE } from './ascii.js'
import { byteSet, compareLetters, ENDED, latin1Bytes, skipWhile } from './compare-bytes.js'

const ASTERISK = 0x2a
const PARENTHESIS = 0x28

/** RFC 9051 section 9: greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF, each a word, a space and a text. */
const CONDITIONS = ['ok', 'preauth', 'bye'].map(latin1Bytes)
const CONDITION_START = 2

/** RFC 9051 section 9: tag. Of what ASTRING-CHAR allows, as much as clients use. */
const TAG = byteSet(`.-_${DIGITS}${LETTERS}`)
const MAX_TAG_BYTES = 16
/** RFC 9051 sections 6.1 and 6.2, RFC 2971: what a client may say first and no other tagged protocol so says. */
const BARE_COMMANDS = ['capability', 'starttls'].map(latin1Bytes)
/** With the byte that their argument may begin with: a name, a mechanism (ACAP's is quoted), a list. */
const COMMANDS_WITH_ARGUMENT: readonly (readonly [Uint8Array, (byte: number) => boolean])[] = [
  [latin1Bytes('login'), isVisible],
  [latin1Bytes('authenticate'), isLetter],
  [latin1Bytes('id'), (byte) => byte === PARENTHESIS],
]

/**
 * IMAP4, RFC 9051 and RFC 3501: by the server's greeting, or by the client's first command behind a tag. The tag has a digit or is
 * one character, which is less than the grammar allows: `EHLO capability` is SMTP.
 */
export const imap: Sniffer = {
  protocol: 'imap',
  serverFirst: true,
  maxBytes: MAX_TAG_BYTES + ' authenticate P'.length,
  samples: {
    client: ['a001 CAPABILITY\r\n', '. STARTTLS\r\n', 'A1 LOGIN mrc secret\r\n', 'a1 AUTHENTICATE PLAIN\r\n'],
    server: [
      '* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS] Dovecot ready.\r\n',
      '* PREAUTH IMAP4rev1 server logged in as Smith\r\n',
      '* BYE Autologout; idle for too long\r\n',
    ],
  },
  client: sniffCommand,
  server: sniffGreeting,
}

function sniffGreeting(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== ASTERISK) return 'no-match'
  if (window.length > 1 && window[1] !== SPACE) return 'no-match'
  if (window.length <= CONDITION_START) return 'need-more'
  let result: Sniff = 'no-match'
  for (const condition of CONDITIONS) {
    const compared = compareLetters(window, CONDITION_START, condition)
    if (compared === 'match') return sniffText(window, CONDITION_START + condition.length)
    if (compared === 'need-more') result = compared
  }
  return result
}

/** A space and a text that is not empty; also a code in brackets begins with a visible character. */
function sniffText(window: Uint8Array, at: number): Sniff {
  if (window.length === at) return 'need-more'
  if (window[at] !== SPACE) return 'no-match'
  if (window.length === at + 1) return 'need-more'
  return isVisible(window[at + 1]!) || window[at + 1]! >= 0x80 ? 'match' : 'no-match'
}

function sniffCommand(window: Uint8Array): Sniff {
  const tagEnd = skipWhile(window, 0, window.length, TAG, MAX_TAG_BYTES)
  if (tagEnd < 0) return tagEnd === ENDED ? 'need-more' : 'no-match'
  if (window[tagEnd] !== SPACE || !isTag(window, tagEnd)) return 'no-match'
  const at = tagEnd + 1
  if (window.length === at) return 'need-more'

  let result: Sniff = 'no-match'
  for (const command of BARE_COMMANDS) {
    const compared = compareLetters(window, at, command)
    if (compared === 'match') return sniffLineEnd(window, at + command.length)
    if (compared === 'need-more') result = compared
  }
  for (const [command, isStart] of COMMANDS_WITH_ARGUMENT) {
    const compared = compareLetters(window, at, command)
    if (compared === 'match') return sniffArgument(window, at + command.length, isStart)
    if (compared === 'need-more') result = compared
  }
  return result
}

function isTag(window: Uint8Array, end: number): boolean {
  if (end === 1) return true
  for (let at = 0; at < end; at++) if (isDigit(window[at]!)) return true
  return false
}

function sniffLineEnd(window: Uint8Array, at: number): Sniff {
  if (window.length === at) return 'need-more'
  if (window[at] === LF) return 'match'
  if (window[at] !== CR) return 'no-match'
  if (window.length === at + 1) return 'need-more'
  return window[at + 1] === LF ? 'match' : 'no-match'
}

function sniffArgument(window: Uint8Array, at: number, isStart: (byte: number) => boolean): Sniff {
  if (window.length === at) return 'need-more'
  if (window[at] !== SPACE) return 'no-match'
  if (window.length === at + 1) return 'need-more'
  return isStart(window[at + 1]!) ? 'match' : 'no-match'
}
