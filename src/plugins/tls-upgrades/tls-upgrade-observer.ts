import type { Connection } from '../../core/connection.js'
import { GrowingBuffer } from '../../core/growing-buffer.js'
import type { Observer, Watch } from '../../core/observer.js'
import type { Side } from '../../core/side.js'
import type { Facts } from '../../core/sniffer.js'
import { MAX_CLIENT_HELLO_BYTES, sniffClientHello } from '../../protocols/client-hello.js'
import { ServerAnswer } from './server-answer.js'
import type { UpgradeScan } from './upgrade-scan.js'

/** Who has not asked for TLS within so many bytes has logged in without it. */
const MAX_CLEAR_BYTES = 64 * 1024

/**
 * Follows a connection that begins in the clear into TLS, and adds what its inner ClientHello says (`sni`, `alpn`, `ja4`, `ech`, and
 * `tlsVersion`) to the connection's facts, with `upgrade: tls`: once the hello is whole and the server has answered it in TLS. A
 * client may say a hello that nobody agreed to: `openssl s_client -starttls smtp` does not read what the server says to STARTTLS.
 */
export class TlsUpgradeObserver implements Observer {
  readonly #connection: Connection
  readonly #scan: UpgradeScan
  readonly #answer = new ServerAnswer()
  #clearBytes = 0
  /** The client's bytes since TLS began, until `#facts` are read from them. */
  #hello: GrowingBuffer | undefined
  /** What the hello says. */
  #facts: Facts | undefined

  constructor(connection: Connection, scan: UpgradeScan) {
    this.#connection = connection
    this.#scan = scan
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    if (side === 'client') this.#hearClient(chunk, watch)
    else if (this.#hello) this.#answer.next(chunk)
    else return
    this.#conclude(watch)
  }

  #hearClient(chunk: Uint8Array, watch: Watch): void {
    if (this.#facts) return
    if (this.#hello) return this.#readHello(this.#hello, chunk, watch)
    const start = this.#scan.next(chunk)
    if (start >= 0) return this.#readHello((this.#hello = new GrowingBuffer()), chunk.subarray(start), watch)
    this.#clearBytes += chunk.length
    if (this.#scan.isOver || this.#clearBytes > MAX_CLEAR_BYTES) watch.done()
  }

  #readHello(hello: GrowingBuffer, chunk: Uint8Array, watch: Watch): void {
    hello.append(chunk.subarray(0, MAX_CLIENT_HELLO_BYTES - hello.length))
    const verdict = sniffClientHello(hello.first(MAX_CLIENT_HELLO_BYTES))
    if (verdict === 'need-more' || verdict === 'sure') return
    if (verdict === 'no-match') return watch.done()
    hello.take()
    this.#facts = typeof verdict === 'object' ? innerFacts(verdict.facts) : {}
  }

  #conclude(watch: Watch): void {
    const { verdict } = this.#answer
    if (verdict === 'need-more') return
    if (verdict === 'match' && !this.#facts) return // Said before the hello was whole: an alert, or TLS that goes on in a moment.
    watch.done()
    const facts = this.#facts ?? {}
    const { sni } = facts
    const name = typeof sni === 'string' ? `, for ${sni}` : ''
    if (verdict === 'match') this.#connection.addFacts({ upgrade: 'tls', ...facts })
    const note = verdict === 'match' ? `to TLS${name}` : `the client began TLS${name}; the server did not`
    this.#connection.trace.add('upgrade', '', note)
  }
}

/** `version` is the outer protocol's where that has one, such as the server's of MySQL. */
function innerFacts({ version, ...facts }: Facts): Facts {
  return version === undefined ? facts : { ...facts, tlsVersion: version }
}
