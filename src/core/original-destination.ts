import type { Address } from './address.js'
import type { AcceptedWire } from './transport.js'

/**
 * Finds where a connection was headed before REDIRECT rules brought it here. The default has no way to ask the kernel and says so
 * at start-up; interception provides another.
 */
export interface OriginalDestinations {
  /** Why it cannot be used here, for the error of a config that needs it; undefined where it can. */
  readonly unavailable?: string | undefined
  /** Undefined: the connection was not redirected. */
  of(downstream: AcceptedWire): Address | undefined
}

export const noOriginalDestinations: OriginalDestinations = {
  unavailable: 'this build of Sluice cannot ask the kernel for original destinations',
  of: () => undefined,
}
