import type { ObserverSet } from './observer-set.js'
import type { Side } from './side.js'
import type { Wire, WireReader } from './wire.js'

/** Who is told what happens to a relay. */
export interface RelayOwner {
  relaySideEnded(side: Side): void
  relaySideBroke(side: Side, error: NodeJS.ErrnoException): void
}

/**
 * Carries one direction: what `from` says goes to `to`, unchanged, at the pace at which `to` takes it. Two of them, crossed, are a
 * relay; one whose both ends are the same wire is an echo.
 */
export class RelayDirection implements WireReader {
  readonly #side: Side
  readonly #from: Wire
  readonly #to: Wire
  readonly #observers: ObserverSet
  readonly #owner: RelayOwner

  /** `side` is the one that `from` leads to. */
  constructor(side: Side, from: Wire, to: Wire, observers: ObserverSet, owner: RelayOwner) {
    this.#side = side
    this.#from = from
    this.#to = to
    this.#observers = observers
    this.#owner = owner
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#observers.isLooking) this.#observers.onBytes(this.#side, chunk)
    if (!this.#to.write(chunk)) this.#from.pause()
  }

  onEnd(): void {
    if (this.#observers.isLooking) this.#observers.onEnd(this.#side)
    this.#to.end()
    this.#owner.relaySideEnded(this.#side)
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#owner.relaySideBroke(this.#side, error)
  }

  /** `from` has taken what was written to it: whoever writes to it may go on. That is the other wire. */
  onDrain(): void {
    this.#to.resume()
  }
}
