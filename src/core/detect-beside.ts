import type { SnifferPlan } from './detection.js'
import type { Observer, Watch } from './observer.js'
import type { ProxiedConnection } from './proxied-connection.js'
import type { Side } from './side.js'
import { TwoSidedDetection } from './two-sided-detection.js'

/**
 * Detection as one more observer beside the relay: nothing waits for it. The name arrives when it arrives; the observers that wait
 * for it are attached then, with everything replayed that has passed.
 */
export class DetectBeside implements Observer {
  readonly #connection: ProxiedConnection
  readonly #detection: TwoSidedDetection
  readonly #windowBytes: number
  /** What has passed before the chunk under way, in its order; as much of it as is kept. */
  readonly #passed: { readonly side: Side; length: number }[] = []
  readonly #passedBytes = { client: 0, server: 0 }
  #isNamed: boolean
  /** More has passed than is kept: an observer would not see the first byte. */
  #isLost = false
  #hasConcluded = false

  /** `isNamed`: the name is there already, and only its facts are looked for. */
  constructor(connection: ProxiedConnection, plan: SnifferPlan, isNamed: boolean) {
    this.#connection = connection
    this.#windowBytes = connection.environment.peekWindowBytes
    this.#detection = new TwoSidedDetection(plan, this.#windowBytes, connection.lookedAt(plan, false))
    this.#isNamed = isNamed
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    this.#connection.noteFirstByte()
    this.#detection.show(side, chunk)
    if (this.#detection.isConcluded) {
      this.#conclude()
      return watch.done()
    }
    this.#keepOrder(side, chunk.length)
  }

  onEnd(side: Side): void {
    this.#detection.end(side)
    if (this.#detection.isConcluded) this.#conclude()
  }

  /** The connection is over: what has been seen is all there is. */
  conclude(): void {
    if (this.#hasConcluded) return
    this.#detection.conclude()
    this.#conclude()
  }

  #conclude(): void {
    if (this.#hasConcluded) return
    this.#hasConcluded = true
    this.#connection.detecting = undefined
    const { result } = this.#detection
    if (this.#isNamed) {
      if (this.#detection.isComplete) this.#connection.learned(result)
      return
    }
    this.#isNamed = true
    if (this.#isLost) this.#connection.trace.add('detect', '', 'named too late to be observed from the first byte')
    this.#connection.decidedBeside(result, this.#isLost ? undefined : (show) => this.#replay(show))
  }

  #keepOrder(side: Side, length: number): void {
    const room = this.#windowBytes - this.#passedBytes[side]
    const kept = Math.min(length, room)
    this.#isLost ||= length > room
    this.#passedBytes[side] += kept
    const last = this.#passed.at(-1)
    if (last?.side === side) last.length += kept
    else this.#passed.push({ side, length: kept })
  }

  /** Shows what has passed before the chunk under way, in its order. */
  #replay(show: (side: Side, chunk: Uint8Array) => void): void {
    const bytes = { client: this.#detection.kept('client'), server: this.#detection.kept('server') }
    const shown = { client: 0, server: 0 }
    for (const { side, length } of this.#passed) show(side, bytes[side].subarray(shown[side], (shown[side] += length)))
  }
}
