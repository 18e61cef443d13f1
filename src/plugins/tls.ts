import type { Side } from '../core/side.js'
import type { Sniff, Sniffer } from '../core/sniffer.js'
import { sniffClientHello, whyNoClientHello } from '../protocols/client-hello.js'
import { SERVER_HELLO_PROOF_BYTES, sniffServerHello, whyNoServerHello } from '../protocols/server-hello.js'
import { SSLV2_HELLO_PROOF_BYTES, sniffSslv2Hello, whyNoSslv2Hello } from '../protocols/sslv2-hello.js'

// RFC 8446 section 4.1.2: legacy_version, random, no session id, one cipher suite, no compression; section 4.2: no extensions.
const MINIMAL_HELLO = `\x03\x03${'\x5a'.repeat(32)}\0\0\x02\x13\x01\x01\0\0\0`
/** SNI and ALPN, and an outer encrypted hello of no more than its type (RFC 9849 section 5). */
const EXTENSIONS = '\0\0\0\x11\0\x0f\0\0\x0cshop.example\0\x10\0\x05\0\x03\x02h2\xfe\x0d\0\x01\0'

/** RFC 5246 appendix E.2: one cipher spec, no session id, a challenge of 16. */
const SSLV2_HELLO = `\x80\x1c\x01\x03\x01\0\x03\0\0\0\x10\0\0\x2f${'\x5a'.repeat(16)}`
const SERVER_HELLO = `\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x03${'\x5a'.repeat(32)}\0\x13\x01\0`
const HANDSHAKE_FAILURE = '\x15\x03\x01\0\x02\x02\x28'

/**
 * TLS 1.0 to 1.3, SSL 3.0 and 2.0, by the client's hello: RFC 8446 sections 4.1.2 and 5.1, and in the format of SSL 2.0 RFC 5246
 * appendix E.2; or, where that was missed, by the server's hello or alert: RFC 8446 sections 4.1.3 and 6. Facts, of the client's
 * hello: `sni`, `alpn`, `version`, `ja4` and `ech`, as far as it has them.
 */
export const tls: Sniffer = {
  protocol: 'tls',
  maxBytes: Math.max(SSLV2_HELLO_PROOF_BYTES, SERVER_HELLO_PROOF_BYTES),
  // A server's alert has seven bytes, the first four of which may also be the length of a MongoDB reply of 64 to 256 KiB.
  before: ['mongodb'],
  samples: {
    client: [
      hello('\x03\x01', MINIMAL_HELLO),
      hello('\x03\x01', `${MINIMAL_HELLO.slice(0, -2)}\0${String.fromCharCode(EXTENSIONS.length)}${EXTENSIONS}`),
      SSLV2_HELLO,
    ],
    server: [SERVER_HELLO, HANDSHAKE_FAILURE],
  },
  client: sniffHello,
  server: sniffServerHello,
  whyNot,
}

/** A record's first byte is below 0x80, the length of an SSL 2.0 message has its highest bit set. */
function sniffHello(window: Uint8Array): Sniff {
  return isSslv2(window) ? sniffSslv2Hello(window) : sniffClientHello(window)
}

function isSslv2(window: Uint8Array): boolean {
  return window.length > 0 && window[0]! >= 0x80
}

function whyNot(window: Uint8Array, side: Side): string {
  if (side === 'server') return whyNoServerHello(window)
  // A first byte that is neither is not the beginning of a record, which is what most would expect.
  return isSslv2(window) && window.length > 1 ? whyNoSslv2Hello(window) : whyNoClientHello(window)
}

/** A record with one ClientHello. Both lengths must fit into one byte. */
function hello(recordVersion: string, body: string): string {
  const message = `\x01\0\0${String.fromCharCode(body.length)}${body}`
  return `\x16${recordVersion}\0${String.fromCharCode(message.length)}${message}`
}
