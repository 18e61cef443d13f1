import type { Address } from './address.js'
import type { Wire } from './wire.js'

/**
 * Finds where an intercepted connection was headed before it was redirected here. The default has no way to ask the kernel and
 * says so at start-up; interception provides another.
 */
export interface OriginalDestinations {
  /** Why it cannot be used here, for the error of a config that needs it; undefined where it can. */
  readonly unavailable?: string
  /** Undefined: the connection was not redirected. */
  of(downstream: Wire): Address | undefined
}

export const noOriginalDestinations: OriginalDestinations = {
  unavailable: 'this build of Sluice cannot ask the kernel for original destinations',
  of: () => undefined,
}
