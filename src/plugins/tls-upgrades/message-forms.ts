import { berLengthBytes, readBerLength } from '../ber-length.js'
import { compareBytes, latin1Bytes } from '../compare-bytes.js'
import type { MessageForm } from './message-scan.js'

/** MySQL, "Protocol::SSLRequest": the first packet of the client, cut off behind the character set; MariaDB's is the same. */
const MYSQL_HEADER_BYTES = 4
const MYSQL_SSL_REQUEST_BYTES = 32
/** Of the capabilities' second byte. */
const CLIENT_SSL = 0x08

/** Length(3, little-endian; what follows the header) sequence(1) capabilities(4, little-endian). */
export const mysqlMessages: MessageForm = {
  headBytes: MYSQL_HEADER_BYTES + 2,
  isFirstOnly: true,
  lengthOf: (head) =>
    head.length < MYSQL_HEADER_BYTES ? undefined : MYSQL_HEADER_BYTES + (head[0]! | (head[1]! << 8) | (head[2]! << 16)),
  asksForTls: (head) => head[0] === MYSQL_SSL_REQUEST_BYTES && (head[MYSQL_HEADER_BYTES + 1]! & CLIENT_SSL) !== 0,
}

/** PostgreSQL, "SSLRequest": length 8 and the code 80877103, big-endian. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f)
/** "GSSENCRequest": 80877104. A client that is refused one may ask for the other. */
const GSSENC_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30)

/** Length(4, big-endian; itself included), a code(4). What follows the first message that is neither request is another protocol. */
export const postgresMessages: MessageForm = {
  headBytes: SSL_REQUEST.length,
  lengthOf: (head) => {
    if (head.length < SSL_REQUEST.length) return undefined
    const isRequest = [SSL_REQUEST, GSSENC_REQUEST].some((request) => compareBytes(head, 0, request) === 'match')
    return isRequest ? SSL_REQUEST.length : undefined
  },
  asksForTls: (head) => compareBytes(head, 0, SSL_REQUEST) === 'match',
}

// LDAP, RFC 4511 section 4.1.1: SEQUENCE { messageID INTEGER, protocolOp, ... } in BER; RFC 4511 section 4.14.1: StartTLS is an
// ExtendedRequest [APPLICATION 23] whose requestName [0] is this.
const SEQUENCE = 0x30
const EXTENDED_REQUEST = 0x77
const START_TLS_OID = latin1Bytes('1.3.6.1.4.1.1466.20037')
const REQUEST_NAME = 0x80
/** Header with up to four bytes of length, a message id of four bytes, the operation's header, and the name behind its own. */
const LDAP_HEAD_BYTES = 6 + 6 + 6 + 2 + START_TLS_OID.length

export const ldapMessages: MessageForm = {
  headBytes: LDAP_HEAD_BYTES,
  lengthOf(head) {
    if (head[0] !== SEQUENCE) return undefined
    const length = readBerLength(head, 1)
    return length < 0 ? undefined : 1 + berLengthBytes(head[1]!) + length
  },
  asksForTls(head) {
    const operation = operationAt(head)
    if (head[operation] !== EXTENDED_REQUEST) return false
    for (let at = operation + 1; at + 2 + START_TLS_OID.length <= head.length; at++) {
      const isName = head[at] === REQUEST_NAME && head[at + 1] === START_TLS_OID.length
      if (isName && compareBytes(head, at + 2, START_TLS_OID) === 'match') return true
    }
    return false
  },
}

/** Behind the header of the message and its id. */
function operationAt(head: Uint8Array): number {
  const id = 1 + berLengthBytes(head[1] ?? 0)
  return id + 2 + (head[id + 1] ?? 0)
}

// RDP, MS-RDPBCGR section 2.2.1.1: TPKT (RFC 1006 section 6): version(1) reserved(1) length(2, big-endian; itself included), and an
// X.224 connection request; its negotiation request asks for TLS or for what runs over it.
const TPKT_VERSION = 3
const TPKT_HEADER_BYTES = 4

/** Whatever it asks for: TLS follows where the server has chosen it. */
export const rdpMessages: MessageForm = {
  headBytes: TPKT_HEADER_BYTES,
  isFirstOnly: true,
  lengthOf: (head) =>
    head[0] === TPKT_VERSION && head.length === TPKT_HEADER_BYTES ? (head[2]! << 8) | head[3]! : undefined,
  asksForTls: () => true,
}
