import type { Sniff, Sniffer } from '../core/sniffer.js'
import { latin1 } from '../protocols/byte-views.js'
import { DIGITS, LF } from './ascii.js'
import { readBounded } from './big-endian.js'
import { compareAny } from './compare-any.js'
import { byteSet, compareBytes, ENDED, latin1Bytes, skipWhile } from './compare-bytes.js'
import { unfinished } from './unfinished.js'

/** ZooKeeper's jute records, big-endian: length(4; of what follows) and a record. */
const LENGTH_BYTES = 4
/**
 * ConnectRequest: protocol version(4, zero) last zxid(8) timeout(4, ms) session id(8) password(4 of length, 16) read-only(1, since
 * 3.4). ConnectResponse is the same without the zxid.
 */
const PROTOCOL_VERSION = Uint8Array.of(0, 0, 0, 0)
const ZXID = LENGTH_BYTES + PROTOCOL_VERSION.length
const ZXID_BYTES = 8
const TIMEOUT_BYTES = 4
const SESSION_ID_BYTES = 8
const PASSWORD_LENGTH = Uint8Array.of(0, 0, 0, 16)
const PASSWORD_BYTES = 16
const READ_ONLY_BYTES = 1
/** A bound of ours, 4.6 hours: servers allow 20 ticks, which are 40 s unless told otherwise. 0: the session has expired. */
const MAX_TIMEOUT_MS = 0xff_ffff

/**
 * Administrator's Guide, "The Four Letter Words": a server looks at the first four bytes, whatever follows. These begin nothing else;
 * of the others, which are words or begin some, the line must end.
 */
const WORDS = ['crst', 'gtmk', 'isro', 'mntr', 'ruok', 'srst', 'srvr', 'wchc', 'wchp', 'wchs'].map(latin1Bytes)
const WORDS_OF_A_LINE = ['conf', 'cons', 'dirs', 'dump', 'envi', 'stat'].map(latin1Bytes)
const ALL_WORDS = [...WORDS, ...WORDS_OF_A_LINE]
const WORD_BYTES = 4

/** Answers to stat and srvr, to mntr, to envi; and to a word that 4lw.commands.whitelist does not have. */
const BEFORE_VERSION = ['Zookeeper version: ', 'zk_version\t', 'Environment:\nzookeeper.version='].map(latin1Bytes)
const NOT_ALLOWED = latin1Bytes(' is not executed because it is not in the whitelist.')
/** A hyphen and what the build was made from follow, as in 3.8.0-39, or not even that. */
const VERSION = byteSet(`.${DIGITS}`)
const MAX_VERSION_BYTES = 32

/**
 * ZooKeeper (its Administrator's Guide and zookeeper.jute): by the client's ConnectRequest or a word of four letters, or by the
 * server's ConnectResponse or its answer to such a word. Fact: `version` of the server.
 */
export const zookeeper: Sniffer = {
  protocol: 'zookeeper',
  maxBytes: WORD_BYTES + NOT_ALLOWED.length,
  samples: {
    client: [
      `\0\0\0\x2d${'\0'.repeat(12)}\0\0\x75\x30${'\0'.repeat(8)}\0\0\0\x10${'\0'.repeat(17)}`,
      `\0\0\0\x2c${'\0'.repeat(12)}\0\0\x27\x10\x01\0\x15\x7f\x63\xeb\0\0\0\0\0\x10${'k'.repeat(16)}`,
      'ruok\n',
      'stat\n',
    ],
    server: [
      `\0\0\0\x25\0\0\0\0\0\0\x75\x30\x01\0\x15\x7f\x63\xeb\0\0\0\0\0\x10${'k'.repeat(16)}\0`,
      'Zookeeper version: 3.8.0-39, built on 2024-12-29 17:54 UTC\nClients:\n',
      'conf is not executed because it is not in the whitelist.\n',
    ],
  },
  client: (window) => (window[0] === 0 ? sniffConnect(window, ZXID_BYTES) : sniffWord(window)),
  server: (window) => (window[0] === 0 ? sniffConnect(window, 0) : sniffAnswer(window)),
}

/** ConnectRequest or, without a zxid, ConnectResponse, up to the length of the password. */
function sniffConnect(window: Uint8Array, zxidBytes: number): Sniff {
  const timeout = ZXID + zxidBytes
  const password = timeout + TIMEOUT_BYTES + SESSION_ID_BYTES
  const bytes = password + PASSWORD_LENGTH.length + PASSWORD_BYTES - LENGTH_BYTES
  const length = readBounded(window, 0, LENGTH_BYTES, bytes + READ_ONLY_BYTES)
  if (length < 0) return unfinished(length)
  if (length < bytes) return 'no-match'
  const version = compareBytes(window, LENGTH_BYTES, PROTOCOL_VERSION)
  if (version !== 'match') return version
  // A zxid is not negative.
  if (window.length > ZXID && zxidBytes > 0 && window[ZXID]! >= 0x80) return 'no-match'
  if (window.length <= timeout) return 'need-more'
  const read = readBounded(window, timeout, TIMEOUT_BYTES, MAX_TIMEOUT_MS)
  return read < 0 ? unfinished(read) : compareBytes(window, password, PASSWORD_LENGTH)
}

function sniffWord(window: Uint8Array): Sniff {
  const word = compareAny(window, 0, WORDS)
  if (word !== 'no-match') return word
  const line = compareAny(window, 0, WORDS_OF_A_LINE)
  if (line !== 'match') return line
  if (window.length === WORD_BYTES) return 'need-more'
  return window[WORD_BYTES] === LF ? 'match' : 'no-match'
}

function sniffAnswer(window: Uint8Array): Sniff {
  for (const text of BEFORE_VERSION) {
    const compared = compareBytes(window, 0, text)
    if (compared === 'match') return describe(window, text.length)
    if (compared === 'need-more') return compared
  }
  const word = compareAny(window, 0, ALL_WORDS)
  return word === 'match' ? compareBytes(window, WORD_BYTES, NOT_ALLOWED) : word
}

function describe(window: Uint8Array, start: number): Sniff {
  const end = skipWhile(window, start, window.length, VERSION, MAX_VERSION_BYTES)
  if (end === ENDED) return 'sure'
  return end > start ? { facts: { version: latin1(window, start, end) } } : 'match'
}
