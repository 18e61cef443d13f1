import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, DIGITS, LETTERS, LF, SPACE } from './ascii.js'
import { byteSet, compareLetters, type Comparison, ENDED, latin1Bytes, skipWhile } from './compare-bytes.js'
import { isSmtpWord, mailOrFileGreeting, SMTP_WORDS } from './mail-or-file-greeting.js'
import { endOfWord, findTellingWord, greetingForm, MAX_GREETING_BYTES } from './telling-word.js'

/** RFC 5321 section 4.5.3.1.2. */
const MAX_DOMAIN_BYTES = 255

/** RFC 5321 section 3.1: "no SMTP service here", in place of a greeting. */
const NO_SERVICE = '554'
const NO_SERVICE_DIGIT = 0x35
const refusal = greetingForm({ codes: [NO_SERVICE], hasManyLines: true, words: SMTP_WORDS })

/** RFC 5321 section 4.1.1.1, RFC 2033 section 4.1. */
const HELLO_COMMANDS = ['ehlo', 'helo', 'lhlo'].map(latin1Bytes)
const HELLO_BYTES = 4
/** RFC 5321 sections 4.1.2 and 4.1.3: a domain, or an address in brackets. Names with an underscore are seen, too. */
const DOMAIN = byteSet(`-._:[]${DIGITS}${LETTERS}`)

/**
 * SMTP and LMTP, RFC 5321 and RFC 2033: by a server's greeting that says so in a word, or by the client's first command. A
 * greeting without such a word may be FTP's, and is left to the client's command.
 */
export const smtp: Sniffer = {
  protocol: 'smtp',
  serverFirst: true,
  maxBytes: Math.max(MAX_GREETING_BYTES, HELLO_BYTES + 1 + MAX_DOMAIN_BYTES + 2),
  samples: {
    client: ['EHLO client.example\r\n', 'HELO [192.0.2.1]\r\n', 'lhlo mail\r\n'],
    server: [
      '220 mail.example ESMTP Postfix\r\n',
      '220-mail.example ready\r\n220 SMTP at your service\r\n',
      '554 No SMTP service here\r\n',
      '421 mail.example ESMTP: too many connections\r\n',
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

function sniffGreeting(window: Uint8Array): Sniff {
  const word = findTellingWord(window, window[0] === NO_SERVICE_DIGIT ? refusal : mailOrFileGreeting)
  if (word < 0) return word === ENDED ? 'need-more' : 'no-match'
  return isSmtpWord(window, word, endOfWord(window, word) - word) ? 'match' : 'no-match'
}
