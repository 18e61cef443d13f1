import type { Cidr } from '../core/config/scalar-text.js'
import type { PortRange } from '../core/port-ranges.js'

/** What `sluice intercept` is asked for. */
export interface InterceptionPlan {
  /**
   * How inbound connections get to the proxy: REDIRECT, or TPROXY, which leaves both their addresses as they are. Outbound ones are
   * redirected either way: TPROXY sees what comes in only.
   */
  readonly mode: 'redirect' | 'tproxy'
  /** Where the proxy takes connections to this machine; undefined: they are left alone. */
  readonly inboundPort: number | undefined
  /** Where the proxy takes connections from this machine; undefined: they are left alone. */
  readonly outboundPort: number | undefined
  /** Whose connections are left alone: the proxy's own. */
  readonly proxyUid: number
  readonly proxyGid: number | undefined
  /** Destination ports that are left alone. */
  readonly skipInboundPorts: readonly PortRange[]
  readonly skipOutboundPorts: readonly PortRange[]
  /** Only these destination ports; undefined: all. */
  readonly includeInboundPorts: readonly PortRange[] | undefined
  readonly includeOutboundPorts: readonly PortRange[] | undefined
  /** Peers that are left alone: clients of inbound connections, servers of outbound ones. */
  readonly subnetsToIgnore: readonly Cidr[]
  /** TPROXY: marks packets that belong to the proxy, and is the number of the routing table that brings them to it. */
  readonly mark: number
}
