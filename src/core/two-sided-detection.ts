import { Detection, type SnifferPlan } from './detection.js'
import type { DetectionResult, DetectOutcome } from './detection-result.js'
import { GrowingBuffer } from './growing-buffer.js'
import type { LookedAt } from './looked-at.js'
import type { Side } from './side.js'

type OtherOutcome = Exclude<DetectOutcome, 'detected'>

/**
 * Detection of a conversation that nobody holds up: both sides, in the order in which they spoke. One side's no leaves the other
 * open. Live connections go through it beside their relay, recordings through `sniff` and `explain`. Pure: no time, no I/O.
 */
export class TwoSidedDetection {
  readonly #detection: Detection
  readonly #windowBytes: number
  readonly #client = new GrowingBuffer()
  readonly #server = new GrowingBuffer()
  #isFull = false
  /** Every sniffer has said no to what a side said: not because it ended, or is full. */
  #hasSaidNo = false
  #otherwise: OtherOutcome | undefined

  /** `windowBytes`: of each side, no more than its first so many bytes are looked at. */
  constructor(plan: SnifferPlan, windowBytes: number, lookedAt?: LookedAt) {
    this.#detection = new Detection(plan, lookedAt)
    this.#windowBytes = windowBytes
  }

  /** Shows what a side says next. What concludes is not kept: most conversations say in one chunk what they are. */
  show(side: Side, chunk: Uint8Array): void {
    if (this.isConcluded) return
    const kept = this.#kept(side)
    const room = this.#windowBytes - kept.length
    const taken = chunk.length > room ? chunk.subarray(0, room) : chunk
    const isFirst = kept.length === 0
    if (!isFirst) kept.append(taken)
    this.#detection.look(side, isFirst ? taken : kept.first(this.#windowBytes))
    if (this.#detection.isNo(side)) this.#hasSaidNo = true
    else if (chunk.length >= room) {
      this.#isFull = true
      this.#detection.settle(side)
    }
    this.#concludeIfOver()
    if (isFirst && !this.isConcluded) kept.append(taken)
  }

  /** A side has said all: who still waits for its bytes waits in vain. The other side stays open. */
  end(side: Side): void {
    if (this.isConcluded) return
    this.#detection.settle(side)
    this.#concludeIfOver()
  }

  /** Both sides have said all that there is. */
  conclude(): void {
    if (this.isConcluded) return
    this.#detection.settle('client')
    this.#detection.settle('server')
    this.#otherwise = this.#whyNameless
  }

  /** There is nothing left to learn: further bytes are not looked at. */
  get isConcluded(): boolean {
    return this.#otherwise !== undefined
  }

  /** The name is there, and the facts that come with it. */
  get isComplete(): boolean {
    return this.#detection.isComplete
  }

  /** The result as it stands; final once it is concluded. */
  get result(): DetectionResult {
    return this.#detection.result(this.#otherwise ?? 'ended')
  }

  /** Bytes of a side that are kept: those before the chunk that concluded. Borrowed until the next `show`. */
  kept(side: Side): Uint8Array {
    return this.#kept(side).first(this.#windowBytes)
  }

  #concludeIfOver(): void {
    const detection = this.#detection
    if (detection.isComplete || (detection.isNo('client') && detection.isNo('server')))
      this.#otherwise = this.#whyNameless
  }

  /** Where one side's every sniffer has said no, all is said, whatever the other one did: unknown. Else somebody still waited. */
  get #whyNameless(): OtherOutcome {
    if (this.#isFull) return 'full'
    return this.#hasSaidNo ? 'unknown' : 'ended'
  }

  #kept(side: Side): GrowingBuffer {
    return side === 'client' ? this.#client : this.#server
  }
}
