import { Duplex } from 'node:stream'
import type { Wire, WireReader } from '../core/wire.js'

/** A wire as a stream, for `node:http` or `node:tls`. */
export class WireDuplex extends Duplex {
  readonly #wire: Wire
  readonly reader: WireReader
  #onWritten: (() => void) | undefined

  constructor(wire: Wire) {
    super({ allowHalfOpen: true })
    this.#wire = wire
    this.reader = {
      onChunk: (chunk) => {
        if (!this.push(Buffer.from(chunk))) wire.pause()
      },
      onEnd: () => void this.push(null),
      onError: (error) => void this.destroy(error),
      onDrain: () => this.#written(),
    }
  }

  override _read(): void {
    this.#wire.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#wire.write(chunk)) callback()
    else this.#onWritten = callback
  }

  override _final(callback: () => void): void {
    this.#wire.end()
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (error) this.#wire.reset()
    else this.#wire.close()
    callback(error)
  }

  #written(): void {
    const onWritten = this.#onWritten
    this.#onWritten = undefined
    onWritten?.()
  }
}
