import type { SnifferPlan } from './detection.js'
import type { Side } from './side.js'

/** What detection saw of one side. */
export interface SideLook {
  /** Steps of the trace that came before the first look. */
  readonly stepsBefore: number
  /** Of the first look, milliseconds since accept. */
  readonly atMs: number
  /** Bytes of the window when it was last looked at. */
  size: number
  /** The first of them, as many as are kept. Owned. */
  bytes: Uint8Array
}

/** Where and when something is looked at. */
export interface LookContext {
  /** Milliseconds since accept. */
  readonly elapsedMs: number
  readonly stepCount: number
}

/**
 * The first bytes that detection looked at, kept so that `explain` can tell who voted what after which byte: a verdict is a function
 * of the bytes, so nothing is written down while a connection waits. Costs one bounded copy a side.
 */
export class LookedAt {
  readonly plan: SnifferPlan
  /** What looks need not be withheld for, or must: decides only how it is told. */
  readonly isWithheld: boolean
  readonly #maxBytes: number
  readonly #context: LookContext
  client: SideLook | undefined
  server: SideLook | undefined

  /** `maxBytes`: of each side, no more than its first so many bytes are kept. */
  constructor(plan: SnifferPlan, maxBytes: number, context: LookContext, isWithheld: boolean) {
    this.plan = plan
    this.#maxBytes = maxBytes
    this.#context = context
    this.isWithheld = isWithheld
  }

  /** Detection looks at the window of a side, whole from its first byte on. */
  look(side: Side, window: Uint8Array): void {
    if (window.length === 0) return
    const seen = this[side]
    if (seen === undefined) {
      const { stepCount, elapsedMs } = this.#context
      const bytes = Buffer.from(window.subarray(0, this.#maxBytes))
      this[side] = { stepsBefore: stepCount, atMs: elapsedMs, size: window.length, bytes }
    } else if (window.length > seen.size) {
      seen.size = window.length
      if (seen.bytes.length < this.#maxBytes) seen.bytes = Buffer.from(window.subarray(0, this.#maxBytes))
    }
  }
}
