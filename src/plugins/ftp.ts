import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { isDigit } from './ascii.js'
import {
  anyArgument,
  type Command,
  command,
  findDecidingLine,
  MAX_COMMANDS_BYTES,
  noArgument,
  oneOf,
  someArgument,
} from './command-lines.js'
import { ENDED } from './compare-bytes.js'
import { isSmtpWord, mailOrFileGreeting } from './mail-or-file-greeting.js'
import { matchWithUser } from './login-user.js'
import { endOfWord, findTellingWord, MAX_GREETING_BYTES } from './telling-word.js'

const BAR = 0x7c
/** A word that is longer than this is the name of the server's software. */
const FTP_BYTES = 3

/** RFC 959 section 5.3.1 and the RFCs named beside the others. USER and PASS are POP3's too, and USER is IRC's. */
const COMMANDS: readonly Command[] = [
  command('user', someArgument, 'goes-on', true),
  command('pass', anyArgument, 'goes-on', false),
  command('acct', someArgument, 'goes-on', false),
  // What POP3 and others have, too.
  command('noop', noArgument, 'goes-on', false),
  command('help', anyArgument, 'goes-on', false),
  command('stat', anyArgument, 'goes-on', false),
  command('list', anyArgument, 'goes-on', false),
  command('retr', anyArgument, 'goes-on', false),
  command('dele', anyArgument, 'goes-on', false),
  // RFC 7151.
  command('host', someArgument, 'goes-on', true),
  // RFC 4217 section 4. They name no SASL mechanism, which is what other protocols' AUTH has.
  command('auth', oneOf('tls', 'ssl'), 'decides', true),
  // RFC 2228 section 3.
  command('pbsz', startsWithDigit, 'decides', false),
  command('prot', oneOf('c', 's', 'e', 'p'), 'decides', false),
  // RFC 2389.
  command('feat', noArgument, 'decides', true),
  command('opts', someArgument, 'decides', false),
  command('syst', noArgument, 'decides', true),
  // What other protocols might have for another purpose counts behind a login only.
  command('type', oneOf('a', 'i', 'e'), 'decides', false),
  command('pwd', noArgument, 'decides', false),
  command('xpwd', noArgument, 'decides', false),
  command('cwd', someArgument, 'decides', false),
  command('cdup', noArgument, 'decides', false),
  command('mkd', someArgument, 'decides', false),
  command('site', someArgument, 'decides', false),
  command('clnt', someArgument, 'decides', false),
  command('pasv', noArgument, 'decides', false),
  command('port', startsWithDigit, 'decides', false),
  command('nlst', anyArgument, 'decides', false),
  command('stor', someArgument, 'decides', false),
  command('stou', anyArgument, 'decides', false),
  command('appe', someArgument, 'decides', false),
  command('mode', oneOf('s', 'b', 'c', 'z'), 'decides', false),
  command('stru', oneOf('f', 'r', 'p'), 'decides', false),
  // RFC 2428.
  command('eprt', (window, start) => window[start] === BAR, 'decides', false),
  command('epsv', anyArgument, 'decides', false),
  // RFC 3659.
  command('rest', startsWithDigit, 'decides', false),
  command('size', someArgument, 'decides', false),
  command('mdtm', someArgument, 'decides', false),
  command('mlst', anyArgument, 'decides', false),
  command('mlsd', anyArgument, 'decides', false),
]

/**
 * FTP, RFC 959: by a greeting that says FTP or a server's name in a word, or by the client's commands, from the first one on that no
 * other protocol has. A greeting without such a word may be SMTP's, and is left to the client. Facts: `software`, where the word is
 * a server's name; `user`.
 */
export const ftp: Sniffer = {
  protocol: 'ftp',
  serverFirst: true,
  maxBytes: Math.max(MAX_COMMANDS_BYTES, MAX_GREETING_BYTES),
  samples: {
    client: ['USER anonymous\r\nPASS guest@\r\nSYST\r\n', 'AUTH TLS\r\n', 'FEAT\r\n'],
    server: [
      '220 (vsFTPd 3.0.3)\r\n',
      '220 ProFTPD Server (Debian) [192.0.2.1]\r\n',
      '220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n',
      '220 ftp.example FTP server ready.\r\n',
      '421 Too many FTP clients\r\n',
    ],
  },
  client: sniffCommands,
  server: sniffGreeting,
}

function sniffCommands(window: Uint8Array): Sniff {
  const line = findDecidingLine(window, COMMANDS)
  if (line < 0) return line === ENDED ? 'need-more' : 'no-match'
  return matchWithUser(window)
}

function sniffGreeting(window: Uint8Array): Sniff {
  const word = findTellingWord(window, mailOrFileGreeting)
  if (word < 0) return word === ENDED ? 'need-more' : 'no-match'
  const end = endOfWord(window, word)
  if (isSmtpWord(window, word, end - word)) return 'no-match'
  return end - word > FTP_BYTES ? { facts: { software: latin1(window, word, end) } } : 'match'
}

function startsWithDigit(window: Uint8Array, start: number, end: number): boolean {
  return start < end && isDigit(window[start]!)
}
