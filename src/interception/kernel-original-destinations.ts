import { networkInterfaces } from 'node:os'
import { type Address, normalizeHost } from '../core/address.js'
import type { OriginalDestinations } from '../core/original-destination.js'
import type { AcceptedWire } from '../core/transport.js'
import { nativeAddon } from '../core/native/native-addon.js'

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
    return original && { host: withZone(normalizeHost(original.host)), port: original.port }
  },
}

/** RFC 4291 section 2.5.6: fe80::/10. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/

/**
 * A link-local address cannot be connected without its interface, which the kernel tells only where the client's address is
 * link-local, too. What came in was headed to one of this machine's.
 */
function withZone(host: string): string {
  if (!LINK_LOCAL.test(host) || host.includes('%')) return host
  const interfaces = Object.entries(networkInterfaces())
  const owner = interfaces.find(([, addresses]) => addresses?.some(({ address }) => address === host))
  return owner ? `${host}%${owner[0]}` : host
}
