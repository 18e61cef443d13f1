import { BlockList, isIPv6 } from 'node:net'
import type { Cidr } from './config/scalar-text.js'

/** Says of an IP literal whether any of the ranges holds it. */
export function addressRanges(ranges: readonly Cidr[]): (host: string) => boolean {
  const list = new BlockList()
  for (const { host, prefix, family } of ranges) list.addSubnet(host, prefix, family)
  return (host) => list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
