import type { InterceptionPlan } from './interception-plan.js'
import type { PortRange } from '../core/port-ranges.js'
import { multiportGroups } from './multiport-groups.js'

export type Family = 'ipv4' | 'ipv6'

/** A table of iptables, as far as it is ours. */
export interface TableRules {
  /** Chains of our own with their rules, as `iptables-save` writes them, without `-A CHAIN`. */
  readonly chains: Readonly<Record<string, readonly string[]>>
  /** Rules of built-in chains that lead into ours, in full. */
  readonly jumps: readonly string[]
}

/** Tables by name. */
export type Rules = Readonly<Record<string, TableRules>>

/** All chains of ours begin so: it is how they are found again. */
export const CHAIN_PREFIX = 'SLUICE_'

/** RFC 4291 section 2.5.6. */
const IPV6_LINK_LOCAL = 'fe80::/10'

const INBOUND = `${CHAIN_PREFIX}INBOUND`
const OUTBOUND = `${CHAIN_PREFIX}OUTBOUND`
const DIVERT = `${CHAIN_PREFIX}DIVERT`
const REPLY = `${CHAIN_PREFIX}REPLY`

/** The rules of a plan for one family. */
export function rulesOf(plan: InterceptionPlan, family: Family): Rules {
  const isTransparent = plan.mode === 'tproxy' && plan.inboundPort !== undefined
  return {
    nat: joined(
      !isTransparent && plan.inboundPort !== undefined && redirectInbound(plan, plan.inboundPort, family),
      plan.outboundPort !== undefined && redirectOutbound(plan, plan.outboundPort, family),
    ),
    mangle: joined(isTransparent && tproxyInbound(plan, plan.inboundPort, family)),
  }
}

function joined(...parts: readonly (TableRules | false)[]): TableRules {
  const present = parts.filter((part) => part !== false)
  return {
    chains: Object.assign({}, ...present.map(({ chains }) => chains)) as TableRules['chains'],
    jumps: present.flatMap(({ jumps }) => jumps),
  }
}

function redirectInbound(plan: InterceptionPlan, port: number, family: Family): TableRules {
  const rules = [
    ...skippedPorts(plan.skipInboundPorts),
    ...skippedSubnets(plan, '-s', family),
    ...taken(plan.includeInboundPorts, `-j REDIRECT --to-ports ${port}`),
  ]
  return { chains: { [INBOUND]: rules }, jumps: [`-A PREROUTING -p tcp -j ${INBOUND}`] }
}

function redirectOutbound(plan: InterceptionPlan, port: number, family: Family): TableRules {
  const rules = [
    ...ownConnections(plan),
    // The workload's talk with itself, and the proxy's with the workload.
    '-o lo -j RETURN',
    // Seen on Linux 6.18: redirected to ::1 they hang, since an address without its interface cannot answer them.
    ...(family === 'ipv6' ? [`-d ${IPV6_LINK_LOCAL} -j RETURN`] : []),
    ...skippedPorts(plan.skipOutboundPorts),
    ...skippedSubnets(plan, '-d', family),
    ...taken(plan.includeOutboundPorts, `-j REDIRECT --to-ports ${port}`),
  ]
  return { chains: { [OUTBOUND]: rules }, jumps: [`-A OUTPUT -p tcp -j ${OUTBOUND}`] }
}

/**
 * Unlike nat, mangle sees every packet, not only the first of a connection: what belongs to a socket that is there already goes to
 * that socket, or would be dropped by TPROXY.
 */
function tproxyInbound(plan: InterceptionPlan, port: number, family: Family): TableRules {
  const mark = `0x${plan.mark.toString(16)}`
  const marked = `-j MARK --set-xmark ${mark}/0xffffffff`
  const anyHost = family === 'ipv4' ? '0.0.0.0' : '::'
  const onConnection = [
    // Packets of connections that the proxy has taken, and of those that it made with a client's address.
    `-p tcp -m socket --transparent -j ${DIVERT}`,
    '-i lo -j RETURN',
    // Not the first packet: a server that listens on one address, and not on all, is a socket that is there for it.
    '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m socket -j RETURN',
    '-m conntrack --ctdir REPLY -j RETURN',
    ...skippedPorts(plan.skipInboundPorts),
    ...skippedSubnets(plan, '-s', family),
    ...taken(
      plan.includeInboundPorts,
      `-j TPROXY --on-port ${port} --on-ip ${anyHost} --tproxy-mark ${mark}/0xffffffff`,
    ),
  ]
  // With preserveSource a workload of this machine answers to the client's address: its packets have to come to the proxy instead.
  const reply = [
    ...(['--uid-owner', ...(plan.proxyGid === undefined ? [] : ['--gid-owner'])] as const).map(
      (owner) =>
        `-m owner ${owner} ${owner === '--uid-owner' ? plan.proxyUid : plan.proxyGid} -m addrtype ! --src-type LOCAL ` +
        `-m conntrack --ctdir ORIGINAL -j CONNMARK --set-xmark ${mark}/0xffffffff`,
    ),
    `-m connmark --mark ${mark} -m conntrack --ctdir REPLY ${marked}`,
  ]
  return {
    chains: { [DIVERT]: [marked, '-j ACCEPT'], [INBOUND]: onConnection, [REPLY]: reply },
    jumps: [`-A PREROUTING -p tcp -j ${INBOUND}`, `-A OUTPUT -p tcp -j ${REPLY}`],
  }
}

function ownConnections({ proxyUid, proxyGid }: InterceptionPlan): string[] {
  const uid = `-m owner --uid-owner ${proxyUid} -j RETURN`
  return proxyGid === undefined ? [uid] : [uid, `-m owner --gid-owner ${proxyGid} -j RETURN`]
}

function skippedPorts(ports: readonly PortRange[]): string[] {
  return multiportGroups(ports).map((group) => `-p tcp -m multiport --dports ${group} -j RETURN`)
}

function skippedSubnets({ subnetsToIgnore }: InterceptionPlan, side: '-s' | '-d', family: Family): string[] {
  const subnets = subnetsToIgnore.filter((subnet) => subnet.family === family)
  return subnets.map(({ host, prefix }) => `${side} ${host}/${prefix} -j RETURN`)
}

function taken(ports: readonly PortRange[] | undefined, target: string): string[] {
  if (ports === undefined) return [`-p tcp ${target}`]
  return multiportGroups(ports).map((group) => `-p tcp -m multiport --dports ${group} ${target}`)
}
