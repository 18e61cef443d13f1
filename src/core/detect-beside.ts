import { Detection, type SnifferPlan } from './detection.js'
import type { DetectOutcome } from './detection-result.js'
import { GrowingBuffer } from './growing-buffer.js'
import type { Observer, Watch } from './observer.js'
import type { ProxiedConnection } from './proxied-connection.js'
import type { Side } from './side.js'

type OtherOutcome = Exclude<DetectOutcome, 'detected'>

/**
 * Detection as one more observer beside the relay: nothing waits for it. The name arrives when it arrives; the observers that wait
 * for it are attached then, with everything replayed that has passed.
 */
export class DetectBeside implements Observer {
  readonly #connection: ProxiedConnection
  readonly #detection: Detection
  readonly #limitBytes: number
  readonly #client = new GrowingBuffer()
  readonly #server = new GrowingBuffer()
  /** What has passed, in its order. */
  readonly #passed: { readonly side: Side; length: number }[] = []
  #isNamed: boolean
  /** More has passed than is kept: an observer would not see the first byte. */
  #isLost = false
  #isFull = false
  #hasConcluded = false

  /** `isNamed`: the name is there already, and only its facts are looked for. */
  constructor(connection: ProxiedConnection, plan: SnifferPlan, isNamed: boolean) {
    this.#connection = connection
    this.#detection = new Detection(plan)
    this.#limitBytes = connection.environment.peekWindowBytes
    this.#isNamed = isNamed
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    this.#connection.noteFirstByte()
    const kept = side === 'client' ? this.#client : this.#server
    const room = this.#limitBytes - kept.length
    const taken = chunk.length > room ? chunk.subarray(0, room) : chunk
    const isFirst = kept.length === 0
    // The first chunk decides nearly always; then nothing is copied.
    if (!isFirst) kept.append(taken)
    this.#detection.look(side, isFirst ? taken : kept.first(this.#limitBytes))
    if (chunk.length >= room && !this.#detection.isNo(side)) {
      this.#isFull = true
      this.#detection.settle(side)
    }
    if (this.#isOver()) {
      this.#conclude(this.#isFull ? 'full' : 'unknown')
      return watch.done()
    }
    if (isFirst) kept.append(taken)
    this.#keepOrder(side, taken.length)
    this.#isLost ||= chunk.length > room
  }

  onEnd(side: Side): void {
    this.#detection.settle(side)
    if (this.#isOver()) this.#conclude('ended')
  }

  /** The connection is over: what has been seen is all there is. */
  conclude(): void {
    if (this.#hasConcluded) return
    // Where one side's every sniffer had said no and the other never spoke, all is said: unknown. Else somebody still waited.
    const isUnknown = this.#detection.isNo('client') || this.#detection.isNo('server')
    this.#detection.settle('client')
    this.#detection.settle('server')
    this.#conclude(isUnknown ? 'unknown' : 'ended')
  }

  /** There is nothing left to learn. */
  #isOver(): boolean {
    const detection = this.#detection
    return detection.isComplete || (detection.isNo('client') && detection.isNo('server'))
  }

  #conclude(otherwise: OtherOutcome): void {
    this.#hasConcluded = true
    const result = this.#detection.result(otherwise)
    if (this.#isNamed) {
      if (this.#detection.isComplete) this.#connection.learned(result)
      return
    }
    this.#isNamed = true
    if (this.#isLost) this.#connection.trace.add('detect', '', 'named too late to be observed from the first byte')
    this.#connection.decidedBeside(result, this.#isLost ? undefined : (show) => this.#replay(show))
  }

  #keepOrder(side: Side, length: number): void {
    const last = this.#passed.at(-1)
    if (last?.side === side) last.length += length
    else this.#passed.push({ side, length })
  }

  /** Shows what has passed before the chunk under way, in its order. */
  #replay(show: (side: Side, chunk: Uint8Array) => void): void {
    const bytes = { client: this.#client.first(this.#limitBytes), server: this.#server.first(this.#limitBytes) }
    const shown = { client: 0, server: 0 }
    for (const { side, length } of this.#passed) show(side, bytes[side].subarray(shown[side], (shown[side] += length)))
  }
}
