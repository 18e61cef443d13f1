import type { Sniff, Sniffer } from '../core/sniffer.js'
import { CR, LF, SPACE, TAB } from './ascii.js'
import {
  anyArgument,
  type Command,
  command,
  findDecidingLine,
  MAX_COMMANDS_BYTES,
  noArgument,
  someArgument,
} from './command-lines.js'
import { compareBytes, ENDED, latin1Bytes } from './compare-bytes.js'
import { matchWithUser } from './login-user.js'

/** RFC 1939 section 4: the greeting is a positive response. */
const OK = latin1Bytes('+OK ')
/** A response may have 512 characters (section 3). So much text without its end is enough. */
const MAX_TEXT_END = 128

/** RFC 1939 sections 5 to 7. FTP has those that go on, too. */
const COMMANDS: readonly Command[] = [
  command('user', someArgument, 'goes-on', true),
  command('pass', anyArgument, 'goes-on', false),
  command('stat', noArgument, 'goes-on', false),
  command('list', anyArgument, 'goes-on', false),
  command('noop', noArgument, 'goes-on', false),
  command('retr', someArgument, 'goes-on', false),
  command('dele', someArgument, 'goes-on', false),
  command('rset', noArgument, 'decides', false),
  command('top', someArgument, 'decides', false),
  command('apop', someArgument, 'decides', true),
  command('uidl', anyArgument, 'decides', false),
  // RFC 2449 section 5, RFC 2595 section 4.
  command('capa', noArgument, 'decides', true),
  command('stls', noArgument, 'decides', true),
  // Without an argument, as some clients ask for the mechanisms (draft-myers-sasl-pop3).
  command('auth', noArgument, 'goes-on', true),
]

/**
 * POP3, RFC 1939: by the server's greeting, or by the client's commands, from the first one on that no other protocol has. A greeting
 * has a text behind +OK: the bare `+OK` is also how Redis and NATS answer. An `-ERR` in its place is Redis's too and names nothing.
 * Fact: `user`.
 */
export const pop3: Sniffer = {
  protocol: 'pop3',
  serverFirst: true,
  maxBytes: Math.max(MAX_TEXT_END + 1, MAX_COMMANDS_BYTES),
  samples: {
    client: ['CAPA\r\n', 'USER mrose\r\nPASS secret\r\nSTAT\r\nUIDL\r\n'],
    server: ['+OK POP3 server ready\r\n', '+OK Dovecot (Debian) ready.\r\n'],
  },
  client: sniffCommands,
  server: sniffGreeting,
}

function sniffCommands(window: Uint8Array): Sniff {
  const line = findDecidingLine(window, COMMANDS)
  if (line < 0) return line === ENDED ? 'need-more' : 'no-match'
  return matchWithUser(window)
}

/** A text up to CRLF, whose letters are seen to be of any encoding. */
function sniffGreeting(window: Uint8Array): Sniff {
  const compared = compareBytes(window, 0, OK)
  if (compared !== 'match') return compared
  if (window.length === OK.length) return 'need-more'
  if (window[OK.length]! <= SPACE) return 'no-match'
  const end = Math.min(window.length, MAX_TEXT_END)
  for (let at = OK.length; at < end; at++) {
    const byte = window[at]!
    if (byte >= SPACE || byte === TAB) continue
    if (byte !== CR) return 'no-match'
    if (at + 1 === window.length) return 'need-more'
    return window[at + 1] === LF ? 'match' : 'no-match'
  }
  return end < MAX_TEXT_END ? 'need-more' : 'match'
}
