import { sequenceDistance, type TcpSegment } from './tcp-segment.js'

/** Bytes of a side that the capture does not have. */
export interface Gap {
  /**
   * `not-captured`: packets are missing, and the other side acknowledged what came after them. `cut`: the snap length cut a packet.
   * `too-far-ahead`: more was held behind a hole than is kept.
   */
  readonly kind: 'not-captured' | 'cut' | 'too-far-ahead'
  readonly bytes: number
}

/** Hears what one side of a flow says, in the order of its sequence numbers, each byte once. */
export interface StreamSink {
  /** Borrowed: valid until it returns. */
  onBytes(bytes: Uint8Array): void
  onGap(gap: Gap): void
}

/** How much may be held of segments that came before their turn, over all flows. */
export class HeldBudget {
  readonly maxBytes: number
  bytes = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }
}

/** Out of its turn. The first copy that came of a byte counts, as far as the stream has not passed it: as tshark decides. */
interface HeldSegment {
  readonly sequence: number
  readonly payload: Uint8Array
  readonly length: number
}

/** What one held segment costs at least: bounds their number, and so the time that finding the next one takes. */
const LEAST_HELD_BYTES = 1024

/** One side of a TCP flow: puts retransmissions, reordering and overlaps right. */
export class SideStream {
  readonly #sink: StreamSink
  readonly #budget: HeldBudget
  readonly #maxHeldBytes: number
  /** In the order in which they came. */
  #held: HeldSegment[] = []
  #heldBytes = 0
  #next: number | undefined
  #finAt: number | undefined
  #isIgnored = false

  /** `maxHeldBytes`: of this side; `budget`: of all. */
  constructor(sink: StreamSink, maxHeldBytes: number, budget: HeldBudget) {
    this.#sink = sink
    this.#maxHeldBytes = maxHeldBytes
    this.#budget = budget
  }

  /** It has sent a FIN, and everything before it has been seen. */
  get isEnded(): boolean {
    return this.#finAt !== undefined && this.#next !== undefined && sequenceDistance(this.#next, this.#finAt) >= 0
  }

  /** Bytes that wait behind a hole. */
  get waitingBytes(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0)
  }

  /** Nobody wants the rest of it: nothing is held or handed out any more. */
  ignore(): void {
    this.#isIgnored = true
    this.#held = []
    this.#budget.bytes -= this.#heldBytes
    this.#heldBytes = 0
  }

  /** Takes a segment of this side. What waits is copied. */
  take(segment: TcpSegment): void {
    // A SYN counts as one byte of the sequence, before the payload.
    let sequence = (segment.sequence + (segment.isSyn ? 1 : 0)) >>> 0
    let { payload, length } = segment
    const end = (sequence + length) >>> 0
    if (segment.isFin) this.#finAt = end
    this.#next ??= sequence
    const seen = sequenceDistance(this.#next, sequence)
    if (seen > 0) {
      if (sequenceDistance(end, this.#next) <= 0) return
      payload = payload.subarray(seen)
      sequence = this.#next
      length -= seen
    }
    if (length === 0) return
    if (sequence === this.#next) {
      this.#handOut(payload, length)
      this.#handOutHeld()
    } else if (!this.#isIgnored) this.#hold({ sequence, payload: Uint8Array.from(payload), length })
  }

  /** The other side has acknowledged: what it has received and the capture does not have will not come. */
  acknowledge(acknowledgment: number): void {
    while (this.#held.length > 0 && this.#next !== undefined) {
      const lowest = this.#lowestHeld(this.#next)
      if (sequenceDistance(acknowledgment, lowest) <= 0) return
      this.#passOver(lowest, 'not-captured')
    }
  }

  /** The flow is over: what waits will not have its turn. */
  giveUp(): void {
    if (this.#held.length > 0 && this.#next !== undefined) {
      const bytes = sequenceDistance(this.#lowestHeld(this.#next), this.#next)
      this.#sink.onGap({ kind: 'not-captured', bytes })
    }
    this.ignore()
  }

  #handOut(payload: Uint8Array, length: number): void {
    this.#next = (this.#next! + length) >>> 0
    if (this.#isIgnored) return
    const present = Math.min(payload.length, length)
    if (present > 0) this.#sink.onBytes(payload.subarray(0, present))
    if (present < length) this.#sink.onGap({ kind: 'cut', bytes: length - present })
  }

  #hold(segment: HeldSegment): void {
    this.#held.push(segment)
    const cost = costOf(segment)
    this.#heldBytes += cost
    this.#budget.bytes += cost
    while (this.#heldBytes > this.#maxHeldBytes || (this.#heldBytes > 0 && this.#budget.bytes > this.#budget.maxBytes))
      this.#passOver(this.#lowestHeld(this.#next!), 'too-far-ahead')
  }

  /** Goes on behind a hole. */
  #passOver(lowest: number, kind: Gap['kind']): void {
    const bytes = sequenceDistance(lowest, this.#next!)
    this.#next = lowest
    this.#sink.onGap({ kind, bytes })
    this.#handOutHeld()
  }

  #handOutHeld(): void {
    for (;;) {
      const next = this.#next!
      const index = this.#held.findIndex(({ sequence }) => sequenceDistance(sequence, next) <= 0)
      if (index < 0) return
      const [segment] = this.#held.splice(index, 1)
      const { sequence, payload, length } = segment!
      const cost = costOf(segment!)
      this.#heldBytes -= cost
      this.#budget.bytes -= cost
      const seen = sequenceDistance(next, sequence)
      if (seen < length) this.#handOut(payload.subarray(seen), length - seen)
    }
  }

  /** The held sequence number that stands next. Held segments are all ahead of `next`. */
  #lowestHeld(next: number): number {
    let least = this.#held[0]!.sequence
    for (const { sequence } of this.#held) {
      if (sequenceDistance(sequence, next) < sequenceDistance(least, next)) least = sequence
    }
    return least
  }
}

function costOf({ payload }: HeldSegment): number {
  return Math.max(payload.length, LEAST_HELD_BYTES)
}
