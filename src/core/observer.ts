import type { CloseSummary } from './close-summary.js'
import type { Connection } from './connection.js'
import type { Side } from './side.js'

/** What an observer may ask of the relay that feeds it. Valid only inside `onBytes`. */
export interface Watch {
  /**
   * Do not call me for the next `bytes` bytes of `side` that follow this chunk; then call me once with an empty chunk.
   * A second call for the same side replaces the first.
   */
  skip(side: Side, bytes: number): void
  /** Enough, of both sides: no more `onBytes` or `onEnd`. `onClose` still comes. */
  done(): void
}

/**
 * Looks at a connection from its first byte on: what the client says, and what it hears. It never changes, delays or breaks it: one that throws is dropped and
 * counted (`sluice_observer_dropped_total`).
 */
export interface Observer {
  /** `chunk` is borrowed: valid until this returns. Empty: the bytes that `watch.skip` named have passed. */
  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void
  /**
   * That side has ended, or the connection is over, before the bytes that `watch.skip` named had all passed: so many of them never
   * came. Called before `onEnd` or `onClose`, where there are any.
   */
  onSkipCut?(side: Side, missing: number): void
  /** That side has ended its half (FIN). */
  onEnd?(side: Side): void
  /** The connection is over. Called exactly once, last. */
  onClose?(summary: CloseSummary): void
}

/** Goes on watching every connection of a protocol, from its first byte on, once that protocol is detected. */
export interface ObserverDefinition {
  readonly protocol: string
  /** Called once a connection; nothing where there is nothing to watch. A throw is as that of an observer. */
  create(connection: Connection): Observer | undefined
}
