import { type RememberedDestination, UNNAMED } from '../core/destination-memory.js'

/** What `port-override` would have to say of a port, and what that rests on. */
export interface LearnedPort {
  readonly port: number
  /** A protocol's name, or `opaque`. */
  readonly protocol: string
  readonly connections: number
  readonly destinations: readonly string[]
}

/** A port about which nothing is said, and why. */
export interface LeftOutPort {
  readonly port: number
  readonly reason: string
}

export interface LearnedListener {
  readonly listener: string
  readonly ports: readonly LearnedPort[]
  readonly leftOut: readonly LeftOutPort[]
}

/**
 * What the destinations of each listener say of its ports. `port-override` goes by the port alone: one is learned where all
 * connections to all its destinations were the same, and at least `minConnections`; where no sniffer ever knew one, it is opaque.
 */
export function learnPorts(destinations: readonly RememberedDestination[], minConnections: number): LearnedListener[] {
  return [...groupBy(destinations, ({ listener }) => listener)].map(([listener, own]) => {
    const verdicts = [...groupBy(own, ({ port }) => port)].map(([port, same]) => learnPort(port, same, minConnections))
    return {
      listener,
      ports: verdicts.filter((verdict) => 'protocol' in verdict),
      leftOut: verdicts.filter((verdict) => 'reason' in verdict),
    }
  })
}

function learnPort(
  port: number,
  destinations: readonly RememberedDestination[],
  minConnections: number,
): LearnedPort | LeftOutPort {
  const counts = new Map<string, number>()
  for (const { protocols } of destinations) {
    for (const [name, count] of Object.entries(protocols)) counts.set(name, (counts.get(name) ?? 0) + count)
  }
  const connections = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const [[name] = ['']] = counts
  if (counts.size !== 1) return { port, reason: [...counts].map(([one, count]) => `${one} ${count}`).join(', ') }
  if (connections < minConnections) return { port, reason: `${name} ${connections}, fewer than ${minConnections}` }
  const protocol = name === UNNAMED ? 'opaque' : name
  return { port, protocol, connections, destinations: destinations.map(({ destination }) => destination) }
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}
