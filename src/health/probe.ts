import type { HostPort } from '../core/config/config.js'

/** Asks one address whether it serves. Bounded in time by who asks. */
export interface Probe {
  /** Calls `done` once, from a later turn: without a problem when all is well. Returns how to give up; `done` is not called then. */
  begin(address: HostPort, done: (problem?: string) => void): () => void
}
