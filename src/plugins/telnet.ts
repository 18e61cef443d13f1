import type { Sniff, Sniffer } from '../core/sniffer.js'

/** RFC 854, "TELNET Command Structure": IAC, a command, and for these four an option. */
const IAC = 0xff
const WILL = 0xfb
const WONT = 0xfc
const DO = 0xfd
const DONT = 0xfe
const COMMAND_BYTES = 3

/** IANA, "Telnet Options": 0 to 49, 138 to 140, and 255 for the extended list. */
const LAST_OPTION = 49
const FIRST_LATER_OPTION = 138
const LAST_LATER_OPTION = 140
const EXTENDED_OPTIONS = 255

/**
 * Telnet, by the option negotiation that either side begins with: RFC 854 and RFC 855. WILL or DO with a registered option is enough;
 * WONT and DONT answer one, so that a second command is wanted behind them. A server that only says `login:` is not recognised.
 */
export const telnet: Sniffer = {
  protocol: 'telnet',
  serverFirst: true,
  maxBytes: 2 * COMMAND_BYTES,
  samples: {
    client: ['\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f', '\xff\xfc\x25\xff\xfb\x18'],
    server: ['\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23', '\xff\xfb\x01\xff\xfb\x03'],
  },
  client: sniffNegotiation,
  server: sniffNegotiation,
}

function sniffNegotiation(window: Uint8Array): Sniff {
  const first = sniffCommand(window, 0)
  if (first !== 'match' || window[1] === WILL || window[1] === DO) return first
  return sniffCommand(window, COMMAND_BYTES)
}

function sniffCommand(window: Uint8Array, at: number): Sniff {
  if (window.length > at && window[at] !== IAC) return 'no-match'
  if (window.length > at + 1 && !isNegotiation(window[at + 1]!)) return 'no-match'
  if (window.length < at + COMMAND_BYTES) return 'need-more'
  return isOption(window[at + 2]!) ? 'match' : 'no-match'
}

function isNegotiation(command: number): boolean {
  return command === WILL || command === WONT || command === DO || command === DONT
}

function isOption(option: number): boolean {
  if (option <= LAST_OPTION || option === EXTENDED_OPTIONS) return true
  return option >= FIRST_LATER_OPTION && option <= LAST_LATER_OPTION
}
