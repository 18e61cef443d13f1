import type { Sniff, Sniffer } from '../core/sniffer.js'
import {
  anyArgument,
  type Command,
  command,
  findDecidingLine,
  MAX_COMMANDS_BYTES,
  oneOf,
  someArgument,
} from './command-lines.js'
import { ENDED } from './compare-bytes.js'
import { findTellingWord, greetingForm, MAX_GREETING_BYTES } from './telling-word.js'

/** RFC 3977 section 5.1: 200 and 201, with and without posting; 400 and 502, no service. One line each: section 3.2. */
const greeting = greetingForm({
  codes: ['200', '201', '400', '502'],
  hasManyLines: false,
  // The protocol, which RFC 3977 does not ask for; how INN calls its servers; Leafnode.
  words: ['nntp', 'nnrp', 'internetnews', 'leafnode'],
})

/** RFC 3977 sections 5.2 and 5.3, RFC 4644 section 2.3, RFC 4643 section 2.3. */
const COMMANDS: readonly Command[] = [
  command('capabilities', anyArgument, 'decides', true),
  command('mode', oneOf('reader', 'stream'), 'decides', true),
  command('authinfo', someArgument, 'decides', true),
]

/**
 * NNTP, RFC 3977: by a server's greeting that says so in a word, or by a command with which clients begin. Codes 200 and 201 alone
 * are also those of others, and are left to the client.
 */
export const nntp: Sniffer = {
  protocol: 'nntp',
  serverFirst: true,
  maxBytes: Math.max(MAX_GREETING_BYTES, MAX_COMMANDS_BYTES),
  samples: {
    client: ['MODE READER\r\n', 'CAPABILITIES\r\n', 'AUTHINFO USER reader\r\n'],
    server: [
      '200 news.example InterNetNews NNRP server INN 2.7.1 ready (posting ok)\r\n',
      '201 Leafnode NNTP daemon, version 1.12.0 at news.example\r\n',
    ],
  },
  client: sniffCommands,
  server: sniffGreeting,
}

function sniffCommands(window: Uint8Array): Sniff {
  return verdictOf(findDecidingLine(window, COMMANDS))
}

function sniffGreeting(window: Uint8Array): Sniff {
  return verdictOf(findTellingWord(window, greeting))
}

function verdictOf(index: number): Sniff {
  if (index >= 0) return 'match'
  return index === ENDED ? 'need-more' : 'no-match'
}
