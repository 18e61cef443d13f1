import type { DecidedBy, DetectOutcome } from './detection-result.js'
import type { Side } from './side.js'
import type { Facts } from './sniffer.js'

/** Why a connection ended. */
export type CloseReason =
  | 'end' // both sides said all they had
  | 'reset' // one side reset, the other was reset in turn
  | 'denied'
  | 'connect-failed'
  | 'idle-timeout'
  | 'half-close-timeout'
  | 'answered' // by a filter that answers itself: echo, direct-response
  | 'error' // a bug: counted, logged with its stack
  | 'stopped' // by stop(), or at the end of the drain's grace

/** What filters add to the summary. Each declares its own field by merging with this interface, and sets it under a `summaryKey`. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled by declaration merging
export interface SummaryExtras {}

/** The one record that ends a connection. Metrics, log line, trace and `nextClose()` read it. */
export interface CloseSummary extends SummaryExtras {
  readonly listener: string
  /** Number of the connection, counted from 1 in this instance. */
  readonly connection: number
  /** The client's address, `host:port`. */
  readonly source: string
  /** Who was at the other end of our socket, `host:port`, where that is not the client: a proxy before us. */
  readonly peer?: string
  /** The endpoint that was connected, else the destination that was chosen, else undefined. `host:port` or a group's name. */
  readonly destination?: string
  /** Name of the upstream group, where the destination has one. */
  readonly upstream?: string
  /** Name of the route that matched. */
  readonly route?: string
  /** Absent where nothing looked (no `detect` in the chain, or closed before anything was known). */
  readonly outcome?: DetectOutcome
  readonly protocol?: string
  readonly decidedBy?: DecidedBy
  readonly facts: Facts
  /** Whose first bytes were seen first, where no sniffer knew them. */
  readonly spokeFirst?: Side
  /** What it took to come to the outcome: bytes of each side that had arrived, and the time since the first of them. */
  readonly detection?: {
    readonly bytes: { readonly client: number; readonly server: number }
    readonly durationMs: number
  }
  /** Bytes that each side said; without what a filter took out, as the header of a proxy before us. */
  readonly bytes: { readonly client: number; readonly server: number }
  readonly durationMs: number
  readonly closedBy: 'client' | 'server' | 'proxy'
  readonly reason: CloseReason
  readonly denied?: { readonly filter: string; readonly reason: string }
  /** Code of the operational failure, where one ended it: `SLUICE_CONNECT_REFUSED`. */
  readonly error?: string
}

/** A summary that is being written: each part of the connection adds what it knows. */
export type SummaryDraft = { -readonly [K in keyof CloseSummary]: CloseSummary[K] }
