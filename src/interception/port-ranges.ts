/** A range of ports, both ends included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/** A list of ports as on a command line, read; or what is wrong with it, with the value. */
export type ParsedPorts =
  { readonly value: readonly PortRange[]; readonly problem?: undefined } | { readonly problem: string }

const MAX_PORT = 65_535

/** iptables-extensions(8), multiport: up to 15 ports, a range counts as two. */
const MULTIPORT_SLOTS = 15

/** Reads `4222,6222-6333`: ports and ranges, separated by commas, blanks around them. Empty: no port. */
export function parsePortRanges(text: string): ParsedPorts {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  const ranges: PortRange[] = []
  for (const item of items) {
    const range = parsePortRange(item)
    if (typeof range === 'string') return { problem: range }
    ranges.push(range)
  }
  return { value: ranges }
}

function parsePortRange(item: string): PortRange | string {
  const [lower = '', upper = lower, ...rest] = item.split('-').map((end) => end.trim())
  if (rest.length > 0) return `"${item}": a range is LOWER-UPPER`
  for (const end of [lower, upper]) {
    if (!/^\d{1,5}$/.test(end) || Number(end) > MAX_PORT)
      return `"${item}": "${end}" is not a port from 0 to ${MAX_PORT}`
  }
  if (Number(upper) < Number(lower)) return `"${item}": the upper end of a range may not be below the lower one`
  return { from: Number(lower), to: Number(upper) }
}

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
