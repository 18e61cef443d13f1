import type { CloseSummary } from './close-summary.js'
import type { Observer, Watch } from './observer.js'
import type { Side } from './side.js'

const NO_BYTES = new Uint8Array(0)

/** One observer and what it asked for. It is the observer's `Watch` itself, so that a chunk costs no allocation. */
class Slot implements Watch {
  readonly observer: Observer
  skipClient = 0
  skipServer = 0
  isDone = false

  constructor(observer: Observer) {
    this.observer = observer
  }

  skip(side: Side, bytes: number): void {
    if (side === 'client') this.skipClient = bytes
    else this.skipServer = bytes
  }

  done(): void {
    this.isDone = true
  }

  see(side: Side, chunk: Uint8Array): void {
    const skip = side === 'client' ? this.skipClient : this.skipServer
    if (skip === 0) return this.observer.onBytes(side, chunk, this)
    if (skip > chunk.length) return this.skip(side, skip - chunk.length)
    this.skip(side, 0)
    this.observer.onBytes(side, NO_BYTES, this)
    if (this.isDone || skip === chunk.length) return
    this.see(side, chunk.subarray(skip))
  }

  end(side: Side): void {
    this.#cutSkip(side)
    this.observer.onEnd?.(side)
  }

  cutSkips(): void {
    this.#cutSkip('client')
    this.#cutSkip('server')
  }

  #cutSkip(side: Side): void {
    const missing = side === 'client' ? this.skipClient : this.skipServer
    if (missing === 0 || this.isDone) return
    this.skip(side, 0)
    this.observer.onSkipCut?.(side, missing)
  }
}

/** The observers of one connection. One that throws is dropped and reported; the connection never notices. */
export class ObserverSet {
  readonly #onDropped: (error: unknown) => void
  /** Those that still look. */
  #looking: Slot[] = []
  /** Those that wait for `onClose`, whether they still look or not. */
  #closing: Slot[] | undefined

  constructor(onDropped: (error: unknown) => void) {
    this.#onDropped = onDropped
  }

  /** False: nobody looks any more, and the relay need not call. */
  get isLooking(): boolean {
    return this.#looking.length > 0
  }

  /** Attached while a chunk is being shown, an observer sees that chunk too. */
  add(observer: Observer): Watch {
    const slot = new Slot(observer)
    if (observer.onClose) (this.#closing ??= []).push(slot)
    this.#looking.push(slot)
    return slot
  }

  /** Shows `chunk` to one observer that has just been added, before what the relay shows next. */
  replay(watch: Watch, side: Side, chunk: Uint8Array): void {
    const slot = watch as Slot
    if (!slot.isDone) this.#guard(slot, () => slot.see(side, chunk))
  }

  onBytes(side: Side, chunk: Uint8Array): void {
    const looking = this.#looking
    let isAnyDone = false
    // By index: an observer may attach others, which then see this chunk after it.
    for (let i = 0; i < looking.length; i++) {
      const slot = looking[i]!
      if (!slot.isDone) {
        try {
          slot.see(side, chunk)
        } catch (error) {
          this.#drop(slot, error)
        }
      }
      if (slot.isDone) isAnyDone = true
    }
    if (isAnyDone) this.#looking = looking.filter((slot) => !slot.isDone)
  }

  /** Tells an observer that has just been added of an end that came before it. */
  replayEnd(watch: Watch, side: Side): void {
    const slot = watch as Slot
    if (!slot.isDone) this.#guard(slot, () => slot.end(side))
  }

  onEnd(side: Side): void {
    const looking = this.#looking
    // By index, as above.
    for (let i = 0; i < looking.length; i++) {
      const slot = looking[i]!
      if (!slot.isDone) this.#guard(slot, () => slot.end(side))
    }
    this.#looking = looking.filter((slot) => !slot.isDone)
  }

  onClose(summary: CloseSummary): void {
    this.#looking = []
    for (const slot of this.#closing ?? []) {
      this.#guard(slot, () => slot.cutSkips())
      this.#guard(slot, () => slot.observer.onClose?.(summary))
    }
  }

  #guard(slot: Slot, call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#drop(slot, error)
    }
  }

  #drop(slot: Slot, error: unknown): void {
    slot.isDone = true
    this.#onDropped(error)
  }
}
