import type { Sniff, Sniffer } from '../core/sniffer.js'
import { DIGITS, isDigit, isLetter, isPrintable, isVisible, LETTERS, SPACE } from './ascii.js'
import { type Command, command, findDecidingLine, MAX_COMMANDS_BYTES, someArgument } from './command-lines.js'
import { byteSet, compareBytes, compareLetters, ENDED, latin1Bytes, skipWhile } from './compare-bytes.js'

const COLON = 0x3a
const HASH = 0x23
const AMPERSAND = 0x26

/** RFC 2812 section 2.3.1: nickname = letter or special, then letters, digits, specials and hyphens. */
const NICKNAME = byteSet(`-[]\\\`_^{|}${DIGITS}${LETTERS}`)
/** RFC 2812 section 2.3.1: a server's name is a host's, a user's is nick!user@host. */
const PREFIX = byteSet(`-._:/!@~[]\\\`^{|}${DIGITS}${LETTERS}`)
/** RFC 2812 section 2.3.1: a host's name has at most 63 characters; a nick and a user's name stand before it. */
const MAX_PREFIX_BYTES = 128

/** ircv3.net, "Capability Negotiation": the subcommands that a client sends. */
const CAP_COMMANDS = ['ls', 'req', 'list', 'end'].map(latin1Bytes)
/** RFC 2812 sections 3.1 and 3.3. PASS and USER are FTP's and POP3's too, but not with such arguments. */
const COMMANDS: readonly Command[] = [
  command('cap', isCapability, 'decides', true),
  command('pass', someArgument, 'goes-on', true),
  command('nick', isNickname, 'decides', true),
  command('user', isUser, 'decides', true),
  command('privmsg', isMessage, 'decides', true),
]

/** RFC 1459 era servers greet so, before they know a nickname: with AUTH or an asterisk in its place. */
const NOTICES = ['NOTICE AUTH :', 'NOTICE * :'].map(latin1Bytes)
/** RFC 2812 section 3.7.4. */
const ERROR = latin1Bytes('ERROR :')
/** What a server says with its name before it to a client that it does not know yet. */
const PREFIXED = ['NOTICE ', 'CAP ', 'PING '].map(latin1Bytes)
/** RFC 2812 section 5: a reply is a number of three digits. */
const NUMERIC_DIGITS = 3

/**
 * IRC, RFC 2812 and RFC 1459: by the client's registration, or by what the server says first: a message with its name before it, a
 * notice to nobody yet, or an error that ends it.
 */
export const irc: Sniffer = {
  protocol: 'irc',
  serverFirst: true,
  maxBytes: MAX_COMMANDS_BYTES,
  samples: {
    client: ['CAP LS 302\r\n', 'NICK wiz\r\nUSER wiz 0 * :Wiz\r\n', 'PASS secret\r\nNICK wiz\r\n'],
    server: [
      ':irc.example NOTICE * :*** Looking up your hostname...\r\n',
      ':irc.example 001 wiz :Welcome to the network\r\n',
      'NOTICE AUTH :*** Looking up your hostname\r\n',
      'ERROR :Closing Link: [192.0.2.1] (Too many connections)\r\n',
    ],
  },
  client: sniffCommands,
  server: sniffMessage,
}

function sniffCommands(window: Uint8Array): Sniff {
  const line = findDecidingLine(window, COMMANDS)
  if (line >= 0) return 'match'
  return line === ENDED ? 'need-more' : 'no-match'
}

function isCapability(window: Uint8Array, start: number, end: number): boolean {
  for (const subcommand of CAP_COMMANDS) {
    const after = start + subcommand.length
    if (compareLetters(window, start, subcommand, end) === 'match') return after === end || window[after] === SPACE
  }
  return false
}

/** A nickname, a colon before it or not; RFC 1459 section 4.1.2 has a count of hops behind it. */
function isNickname(window: Uint8Array, start: number, end: number): boolean {
  const first = window[start] === COLON ? start + 1 : start
  if (first >= end || NICKNAME[window[first]!] === 0 || isDigit(window[first]!)) return false
  let at = first
  while (at < end && NICKNAME[window[at]!] === 1) at++
  while (at < end && (window[at] === SPACE || isDigit(window[at]!))) at++
  return at === end
}

/** RFC 2812 section 3.1.3: user, mode, unused, and a real name, which has spaces only behind a colon. */
function isUser(window: Uint8Array, start: number, end: number): boolean {
  let at = start
  for (let parameter = 0; parameter < 3; parameter++) {
    const from = at
    while (at < end && isVisible(window[at]!)) at++
    if (at === from || at >= end) return false
    while (at < end && window[at] === SPACE) at++
  }
  if (at < end && window[at] === COLON) return true
  const from = at
  while (at < end && window[at] !== SPACE) at++
  return at > from && at === end
}

/** RFC 2812 section 3.3.1: a target, a nickname or a channel, and the text. */
function isMessage(window: Uint8Array, start: number, end: number): boolean {
  const first = window[start]!
  if (start >= end || !(isLetter(first) || first === HASH || first === AMPERSAND)) return false
  let at = start
  while (at < end && isVisible(window[at]!)) at++
  return at + 1 < end && window[at + 1] === COLON
}

function sniffMessage(window: Uint8Array): Sniff {
  if (window.length === 0) return 'need-more'
  if (window[0] === COLON) return sniffPrefixed(window)
  const error = sniffText(window, ERROR)
  if (error !== 'no-match') return error
  let result: Sniff = 'no-match'
  for (const notice of NOTICES) {
    const verdict = sniffText(window, notice)
    if (verdict === 'match') return verdict
    if (verdict === 'need-more') result = verdict
  }
  return result
}

/** These bytes, and something to read. */
function sniffText(window: Uint8Array, start: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, start)
  if (compared !== 'match') return compared
  if (window.length === start.length) return 'need-more'
  return isPrintable(window[start.length]!) ? 'match' : 'no-match'
}

/** Colon, prefix, space, and a command with its parameter or a number. */
function sniffPrefixed(window: Uint8Array): Sniff {
  const end = skipWhile(window, 1, window.length, PREFIX, MAX_PREFIX_BYTES)
  if (end < 0) return end === ENDED ? 'need-more' : 'no-match'
  if (end === 1 || window[end] !== SPACE) return 'no-match'
  const at = end + 1
  if (window.length === at) return 'need-more'
  return isDigit(window[at]!) ? sniffNumeric(window, at) : sniffCommand(window, at)
}

function sniffNumeric(window: Uint8Array, at: number): Sniff {
  const after = at + NUMERIC_DIGITS
  for (let i = at; i < after; i++) {
    if (i === window.length) return 'need-more'
    if (!isDigit(window[i]!)) return 'no-match'
  }
  if (window.length === after) return 'need-more'
  if (window[after] !== SPACE) return 'no-match'
  if (window.length === after + 1) return 'need-more'
  return isVisible(window[after + 1]!) ? 'match' : 'no-match'
}

function sniffCommand(window: Uint8Array, at: number): Sniff {
  let result: Sniff = 'no-match'
  for (const word of PREFIXED) {
    const compared = compareBytes(window, at, word)
    if (compared === 'need-more') result = compared
    if (compared !== 'match') continue
    if (window.length === at + word.length) return 'need-more'
    return isVisible(window[at + word.length]!) ? 'match' : 'no-match'
  }
  return result
}
