import type { Side } from './side.js'
import type { Facts } from './sniffer.js'

/** How looking for a name ended. Values, never exceptions: each is counted and traced. */
export type DetectOutcome =
  | 'detected'
  | 'unknown' // every sniffer said no
  | 'timeout' // the bound on waiting came first
  | 'ended' // a side ended before it could be told
  | 'full' // the peek window is full and nothing is certain

export type DecidedBy = 'client' | 'server' | 'port'

export interface DetectionResult {
  readonly outcome: DetectOutcome
  /** Present where the outcome is `detected`; `opaque` where a port says so. Also with `timeout`, where only the facts did not come. */
  readonly protocol?: string
  readonly decidedBy?: DecidedBy
  /** Bytes of each side that had arrived when it was decided. */
  readonly bytes: { readonly client: number; readonly server: number }
  readonly facts: Facts
  /** Of a conversation without a name: whose first bytes were seen first. A server that greets is a hint at what it may be. */
  readonly spokeFirst?: Side
  /** With `timeout`: the protocol that had its own time and wanted more when it was over. */
  readonly waitedFor?: string
}

export const NO_FACTS: Facts = Object.freeze({})
