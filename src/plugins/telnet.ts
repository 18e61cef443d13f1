import type { Sniff, Sniffer } from '../core/sniffer.js'

/** RFC 854, "TELNET Command Structure": IAC, a command, and for these four an option. */
const IAC = 0xff
/** RFC 855: what a side has more to say about an option that it has offered. */
const SUBNEGOTIATION = 0xfa
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
 * What some say alone and then wait for the answer to: WILL ECHO (RFC 857) and SUPPRESS-GO-AHEAD (RFC 858); DO TERMINAL-TYPE, with
 * which servers of 3270 terminals begin (RFC 1576 section 2), AUTHENTICATION (RFC 2941), NEW-ENVIRON (RFC 1572) and TN3270E (RFC 2355).
 */
const WILL_ALONE = [1, 3]
const DO_ALONE = [24, 37, 39, 40]

/**
 * Telnet, by the option negotiation that either side begins with: RFC 854 and RFC 855. Some of WILL and DO are enough alone. Behind the
 * others, and behind WONT and DONT, which answer one, a second command is wanted: three bytes are little to go by. A server that only says `login:` is not recognised.
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
  if (first !== 'match' || isSaidAlone(window[1]!, window[2]!)) return first
  return sniffCommand(window, COMMAND_BYTES)
}

function isSaidAlone(command: number, option: number): boolean {
  return (command === WILL && WILL_ALONE.includes(option)) || (command === DO && DO_ALONE.includes(option))
}

function sniffCommand(window: Uint8Array, at: number): Sniff {
  if (window.length > at && window[at] !== IAC) return 'no-match'
  if (window.length > at + 1 && !isNegotiation(window[at + 1]!)) {
    return at > 0 && window[at + 1] === SUBNEGOTIATION ? 'match' : 'no-match'
  }
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
