const MAX_PORT = 65_535

/** Ports from the first to the last, both included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/**
 * Reads a list of ports and ranges such as `4222,6222-6333`. Space around an item and a comma at the end are let pass, as by Linkerd.
 * Throws a RangeError that names the item which is none.
 */
export function parsePortRanges(text: string, lowest: 0 | 1 = 0): PortRange[] {
  const items = text.split(',').map((item) => item.trim())
  if (items.at(-1) === '' && items.length > 1) items.pop()
  return items.map((item) => parsePortRange(item, lowest))
}

/** One port; throws a RangeError where it is none. */
export function parsePort(text: string): number {
  const { from, to } = parsePortRange(text.trim(), 1)
  if (from !== to || text.includes('-')) throw new RangeError(`expected one port, got "${text}"`)
  return from
}

/** As it is written in a list: `4222` or `6222-6333`. */
export function formatPortRange({ from, to }: PortRange): string {
  return from === to ? String(from) : `${from}-${to}`
}

function parsePortRange(item: string, lowest: 0 | 1): PortRange {
  const bounds = item.split('-')
  if (item === '' || bounds.length > 2)
    throw new RangeError(`"${item}": expected a port or a range such as 6222-6333, of ports ${lowest} to ${MAX_PORT}`)
  const [from, to = from] = bounds.map((bound) => parseBound(bound, item, lowest))
  if (to! < from!) throw new RangeError(`"${item}": the end of a range must not be below its beginning`)
  return { from: from!, to: to! }
}

function parseBound(bound: string, item: string, lowest: 0 | 1): number {
  const port = /^\d{1,5}$/.test(bound) ? Number(bound) : NaN
  if (port >= lowest && port <= MAX_PORT) return port
  const where = bound === item ? '' : ` in "${item}"`
  throw new RangeError(`"${bound}"${where} is no port: expected ${lowest} to ${MAX_PORT}`)
}
