import type { PeekWindow } from './connection.js'
import { SluiceError } from './errors.js'
import { GrowingBuffer } from './growing-buffer.js'
import type { Side } from './side.js'
import type { Wire, WireReader } from './wire.js'

/** Who is told when a side breaks while its window is open. */
export interface WindowOwner {
  windowBroke(side: Side, error: NodeJS.ErrnoException): void
}

/**
 * Keeps what one side says until the relay takes over: reads into an owned buffer and pauses the wire when it is full. It holds
 * at most its limit and one read (128 KiB), and shows no more than its limit, however TCP cut the bytes.
 */
export class SideWindow implements PeekWindow, WireReader {
  readonly #wire: Wire
  readonly #side: Side
  readonly #owner: WindowOwner
  readonly #limitBytes: number
  readonly #held = new GrowingBuffer()
  #isPaused = false
  #error: NodeJS.ErrnoException | undefined
  #wake: ((error?: Error) => void) | undefined
  ended = false
  /** What `consume` took out so far. */
  consumedBytes = 0
  /** Called whenever `bytes` or `ended` changed. Detection's way in: no promise. */
  onChange: (() => void) | undefined

  constructor(wire: Wire, side: Side, limitBytes: number, owner: WindowOwner) {
    this.#wire = wire
    this.#side = side
    this.#limitBytes = limitBytes
    this.#owner = owner
  }

  get bytes(): Uint8Array {
    return this.#held.first(this.#limitBytes)
  }

  get full(): boolean {
    return this.#held.length >= this.#limitBytes
  }

  /** True where the side has said nothing: no byte and no end. */
  get isSilent(): boolean {
    return this.#held.length === 0 && !this.ended
  }

  more(): Promise<void> {
    if (this.#error) return Promise.reject(this.#error)
    if (this.ended || this.full) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#wake = (error) => (error ? reject(error) : resolve())
    })
  }

  consume(count: number): void {
    this.#held.consume(count)
    this.consumedBytes += count
    if (this.#isPaused && !this.full) {
      this.#isPaused = false
      this.#wire.resume()
    }
  }

  /** Everything that is held, also beyond the limit. The window is empty afterwards. */
  take(): Uint8Array {
    return this.#held.take()
  }

  onChunk(chunk: Uint8Array): void {
    this.#held.append(chunk)
    if (this.full && !this.#isPaused) {
      this.#isPaused = true
      this.#wire.pause()
    }
    this.#changed()
  }

  onEnd(): void {
    this.ended = true
    this.#changed()
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#error = error
    const wake = this.#wake
    this.#wake = undefined
    wake?.(error)
    this.#owner.windowBroke(this.#side, error)
  }

  /** The connection is over without an error of this side: who waits hears so. */
  abort(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.(new SluiceError('SLUICE_CONNECT_ABORTED', this.#side, 'the connection was closed'))
  }

  onDrain(): void {}

  onDetach(): Uint8Array {
    return this.take()
  }

  #changed(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
    this.onChange?.()
  }
}
