import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import type { Connection } from '../../core/connection.js'
import { type CheckContext, defineFilter, type Filter, type Finding } from '../../core/filter.js'
import { OPTIONS } from '../../core/tokens.js'

const MAX_PORT = 65_535
const PORT_KEY = /^(\d{1,5})(?:-(\d{1,5}))?$/

/** IANA's ports of protocols whose servers speak first, which Linkerd identifies by number too. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { '25': 'smtp', '587': 'smtp', '3306': 'mysql' }

/** Carried without looking. */
const OPAQUE = 'opaque'
/** Takes a port out of the map: its connections are detected. */
const DETECT = 'detect'

const portKey = z.string().refine((key) => parseRange(key) !== undefined, {
  error: (issue) =>
    `expected a port or a range such as 6000-6100, 1 to ${MAX_PORT}, got ${JSON.stringify(issue.input)}`,
})

const options = z.strictObject({
  ports: z
    .record(portKey, z.string().min(1))
    .default({})
    .describe(
      `What is spoken on which destination port: a protocol's name, "${OPAQUE}" (carried without looking) or "${DETECT}" (takes a default out). ` +
        'Keys are ports or ranges such as "6000-6100"; a port wins over a range. They come on top of 25 and 587 smtp, 3306 mysql.',
    ),
})
/** The options as they are written. */
export type PortOverrideInput = z.input<typeof options>
type Options = z.output<typeof options>

/** Names the protocol by the destination port, so that nothing is sniffed there. */
class PortOverride implements Filter {
  readonly #protocols: ReadonlyMap<number, string>

  constructor(@inject(OPTIONS) { ports }: Options) {
    this.#protocols = protocolsByPort(ports)
  }

  onConnection(connection: Connection): 'continue' {
    const port = connection.destinationPort
    const protocol = this.#protocols.get(port)
    connection.trace.note(protocol === undefined ? `${port} is not listed` : `${port} is ${protocol}`)
    if (protocol !== undefined && connection.detection === undefined) connection.nameByPort(protocol)
    return 'continue'
  }
}

export const portOverride = defineFilter({ name: 'port-override', options, use: PortOverride, check })

/** Every port that is named: exact ports over ranges, the operator's over the defaults. */
export function protocolsByPort(ports: Options['ports'] = {}): ReadonlyMap<number, string> {
  const entries = [...Object.entries(DEFAULT_PORTS), ...rangesFirst(Object.entries(ports))]
  const protocols = new Map<number, string>()
  for (const [key, protocol] of entries) {
    const [from, to] = parseRange(key)!
    for (let port = from; port <= to; port++) {
      if (protocol === DETECT) protocols.delete(port)
      else protocols.set(port, protocol)
    }
  }
  return protocols
}

function rangesFirst(entries: [string, string][]): [string, string][] {
  const isRange = ([key]: [string, string]): boolean => key.includes('-')
  return [...entries.filter(isRange), ...entries.filter((entry) => !isRange(entry))]
}

/** `6000-6100` or `6000` as first and last port; undefined where it is neither. */
function parseRange(key: string): [number, number] | undefined {
  const match = PORT_KEY.exec(key)
  if (!match) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from >= 1 && from <= to && to <= MAX_PORT ? [from, to] : undefined
}

function check({ ports }: Options, context: CheckContext): Finding[] {
  return [...misplaced(context), ...unknownProtocols(ports, context), ...overlaps(ports)]
}

/** What has been looked for cannot be named by its port afterwards. */
function misplaced(context: CheckContext): Finding[] {
  if (!context.before.includes('detect')) return []
  const message = 'stands behind detect, which names every connection before it: put it first'
  return [{ severity: 'error', code: 'SLUICE_CONFIG_FILTER_ORDER', path: [], message }]
}

function unknownProtocols(ports: Options['ports'], context: CheckContext): Finding[] {
  const known = [...context.protocols, OPAQUE, DETECT]
  return Object.entries(ports)
    .filter(([, protocol]) => !known.includes(protocol))
    .map(([key, protocol]) => ({
      severity: 'error',
      code: 'SLUICE_CONFIG_UNKNOWN_PROTOCOL',
      path: ['ports', key],
      message: `no protocol "${protocol}". ${context.suggest(protocol, known) || `There are ${known.join(', ')}.`}`,
    }))
}

function overlaps(ports: Options['ports']): Finding[] {
  const ranges = Object.keys(ports).filter((key) => key.includes('-'))
  return ranges.flatMap((key, index) => {
    const [from, to] = parseRange(key)!
    const earlier = ranges.slice(0, index).find((other) => {
      const [otherFrom, otherTo] = parseRange(other)!
      return from <= otherTo && otherFrom <= to && ports[other] !== ports[key]
    })
    if (earlier === undefined) return []
    const message = `${key} overlaps ${earlier}, which says "${ports[earlier]}": a port can have one name`
    return [{ severity: 'error' as const, code: 'SLUICE_CONFIG_OVERLAP', path: ['ports', key], message }]
  })
}
