import type { PortRange } from '../core/port-ranges.js'

/** iptables-extensions(8), multiport: up to 15 ports, a range counts as two. */
const MULTIPORT_SLOTS = 15

/** The values of `--dports` that hold these ports: as many to each as the multiport match takes. */
export function multiportGroups(ranges: readonly PortRange[]): string[] {
  const groups: { slots: number; items: string[] }[] = []
  for (const { from, to } of ranges) {
    const slots = from === to ? 1 : 2
    let group = groups.at(-1)
    if (group === undefined || group.slots + slots > MULTIPORT_SLOTS) groups.push((group = { slots: 0, items: [] }))
    group.slots += slots
    group.items.push(from === to ? String(from) : `${from}:${to}`)
  }
  return groups.map(({ items }) => items.join(','))
}
