import { CR, LF, SPACE, TAB } from '../ascii.js'
import { latin1Bytes } from '../compare-bytes.js'
import { HANDSHAKE_RECORD, type UpgradeScan } from './upgrade-scan.js'

/** RFC 6120 section 5.4.2.1: `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, also with a closing tag of its own. */
const STARTTLS = latin1Bytes('<starttls')
const TAG_END = 0x3e

/** XMPP: behind the tag that asks for TLS. */
export class XmppScan implements UpgradeScan {
  /** Bytes of `<starttls` that the last ones agree with. */
  #matched = 0
  #isAsked = false
  #isBehindTag = false
  readonly isOver = false

  next(chunk: Uint8Array): number {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (this.#isAsked && this.#isBehindTag && byte === HANDSHAKE_RECORD) return i
      this.#isBehindTag = byte === TAG_END || (this.#isBehindTag && isSpace(byte))
      // The first byte stands nowhere else in it: after a mismatch only that one can begin anew.
      this.#matched = byte === STARTTLS[this.#matched] ? this.#matched + 1 : byte === STARTTLS[0] ? 1 : 0
      if (this.#matched < STARTTLS.length) continue
      this.#isAsked = true
      this.#matched = 0
    }
    return -1
  }
}

/** RFC 6120 section 4.6.1: between stanzas there may be whitespace, and some clients put a line feed behind each. */
function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LF || byte === CR
}
