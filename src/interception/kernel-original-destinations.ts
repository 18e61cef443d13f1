import { type Address, normalizeHost } from '../core/address.js'
import type { OriginalDestinations } from '../core/original-destination.js'
import type { AcceptedWire } from '../core/transport.js'
import { nativeAddon } from './native-addon.js'

/**
 * Asks the connection tracking of the kernel (SO_ORIGINAL_DST). A connection that came directly is answered with the address that it
 * was accepted on, which the listener refuses.
 */
export const kernelOriginalDestinations: OriginalDestinations = {
  get unavailable() {
    return nativeAddon().problem
  },
  of({ descriptor }: AcceptedWire): Address | undefined {
    if (descriptor === undefined) return undefined
    const original = nativeAddon().addon?.originalDestination(descriptor)
    return original && { host: normalizeHost(original.host), port: original.port }
  },
}
