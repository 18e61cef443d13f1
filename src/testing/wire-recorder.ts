import { GrowingBuffer } from '../core/growing-buffer.js'
import type { Wire, WireReader } from '../core/wire.js'

/** A reader that keeps what a wire said, as copies. */
export class WireRecorder implements WireReader {
  readonly #held = new GrowingBuffer()
  /** The peer has ended its half. */
  hasEnded = false
  error: NodeJS.ErrnoException | undefined
  isClosed = false
  /** How often `onDrain` was called. */
  drains = 0

  /** Begins to read `wire`. */
  constructor(wire: Wire) {
    wire.read(this)
    wire.whenClosed(() => (this.isClosed = true))
  }

  /** All that was said so far. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#held.first(this.#held.length))
  }

  /** The same, each byte as a latin1 character. */
  get text(): string {
    return Buffer.from(this.bytes).toString('latin1')
  }

  onChunk(chunk: Uint8Array): void {
    this.#held.append(chunk)
  }

  onEnd(): void {
    this.hasEnded = true
  }

  onError(error: NodeJS.ErrnoException): void {
    this.error = error
  }

  onDrain(): void {
    this.drains++
  }
}
