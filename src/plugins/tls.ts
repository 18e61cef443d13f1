import type { Sniffer } from '../core/sniffer.js'
import { CLIENT_HELLO_PROOF_BYTES, sniffClientHello, whyNoClientHello } from '../protocols/client-hello.js'

// RFC 8446 section 4.1.2: legacy_version, random, no session id, one cipher suite, no compression; section 4.2: no extensions.
const MINIMAL_HELLO = `\x03\x03${'\x5a'.repeat(32)}\0\0\x02\x13\x01\x01\0\0\0`
const SNI_AND_ALPN = '\0\0\0\x11\0\x0f\0\0\x0cshop.example\0\x10\0\x05\0\x03\x02h2'

/**
 * TLS 1.0 to 1.3 and SSL 3.0, by the client's hello: RFC 8446 sections 4.1.2 and 5.1. Facts: `sni` and `alpn`, as far as the hello
 * has them. The server's bytes say nothing that its client has not said before.
 */
export const tls: Sniffer = {
  protocol: 'tls',
  maxBytes: CLIENT_HELLO_PROOF_BYTES,
  samples: {
    client: [
      hello('\x03\x01', MINIMAL_HELLO),
      hello('\x03\x01', `${MINIMAL_HELLO.slice(0, -2)}\0${String.fromCharCode(SNI_AND_ALPN.length)}${SNI_AND_ALPN}`),
    ],
  },
  client: sniffClientHello,
  whyNot: whyNoClientHello,
}

/** A record with one ClientHello. Both lengths must fit into one byte. */
function hello(recordVersion: string, body: string): string {
  const message = `\x01\0\0${String.fromCharCode(body.length)}${body}`
  return `\x16${recordVersion}\0${String.fromCharCode(message.length)}${message}`
}
