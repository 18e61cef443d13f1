import type { TakenDial, TakenUpstream } from './taken-upstream.js'

/**
 * Who may hold connections to an endpoint that serve nobody at the moment: an early wire whose client has said nothing yet, or idle
 * ones of a pool. Asked where the endpoint holds as many as it may and somebody waits for one.
 */
export interface SpareHolder {
  /** Hands one over that may serve any client; undefined where it has none. */
  lend(): TakenUpstream | TakenDial | undefined
  /** Closes one: the endpoint has room once it is closed. False where it has none. */
  letGo(): boolean
}
