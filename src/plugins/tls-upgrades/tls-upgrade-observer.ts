import type { Connection } from '../../core/connection.js'
import { GrowingBuffer } from '../../core/growing-buffer.js'
import type { Observer, Watch } from '../../core/observer.js'
import type { Side } from '../../core/side.js'
import { MAX_CLIENT_HELLO_BYTES, sniffClientHello } from '../../protocols/client-hello.js'
import type { UpgradeScan } from './upgrade-scan.js'

/** Who has not asked for TLS within so many bytes has logged in without it. */
const MAX_CLEAR_BYTES = 64 * 1024

/**
 * Follows a connection that begins in the clear into TLS, and adds what its inner ClientHello says (`sni`, `alpn`, ...) to the
 * connection's facts, with `upgrade: tls`. Looks at what the client says, up to the end of that hello.
 */
export class TlsUpgradeObserver implements Observer {
  readonly #connection: Connection
  readonly #scan: UpgradeScan
  #clearBytes = 0
  #hello: GrowingBuffer | undefined

  constructor(connection: Connection, scan: UpgradeScan) {
    this.#connection = connection
    this.#scan = scan
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    if (side === 'server') return
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
    watch.done()
    if (verdict === 'no-match') return
    const facts = typeof verdict === 'object' ? verdict.facts : {}
    this.#connection.addFacts({ upgrade: 'tls', ...facts })
    const inner = typeof facts['sni'] === 'string' ? `, for ${facts['sni']}` : ', without a server name'
    this.#connection.trace.add('upgrade', '', `to TLS${inner}`)
  }
}
