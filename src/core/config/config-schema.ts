import { z } from 'zod'
import * as defaults from './defaults.js'
import { formatSize } from './scalar-text.js'
import { dnsName, duration, hostPort, listenAddress, listenerAddress, port, size, statusRange } from './scalars.js'

const aTimeout = () => duration({ minMs: 1 })

export const maxConnections = () => z.int().min(1).max(defaults.MAX_MAX_CONNECTIONS)

export const adminSchema = z
  .strictObject({
    address: listenAddress().describe(
      'Where the admin endpoint listens. `/metrics`, `/ready` and `/live` answer anyone, everything else only peers on this machine.',
    ),
    allowedHosts: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Host names, beside IP literals and `localhost`, under which more than `/metrics`, `/ready` and `/live` is answered: a browser cannot be led here by another name.',
      ),
  })
  .describe('The admin endpoint; there is none where this is absent.')

export const drainSchema = z
  .strictObject({
    delay: duration()
      .prefault(defaults.DRAIN_DELAY)
      .describe('How long listeners go on accepting after `/ready` says no, so that balancers can notice.'),
    grace: duration()
      .prefault(defaults.DRAIN_GRACE)
      .describe('How long, after the delay, open connections may take to end; then they are reset.'),
  })
  .describe('What happens on SIGTERM and on the first Ctrl-C.')

export const logSchema = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default(defaults.LOG_LEVEL)
      .describe('The least that is logged on standard error.'),
  })
  .describe('The log of the process.')

/** Parts of a group's traffic beside those of its others. */
export const endpointWeight = () => z.int().min(1).max(defaults.MAX_WEIGHT).default(1)

const PLACES = ['address', 'dns', 'srv', 'file', 'source'] as const

/** One of `address`, `dns`, `srv`, `file`, `source`: one map and not five, so that a misspelt option is told from the right ones. */
const endpointSchema = z.union([
  hostPort(),
  z
    .strictObject({
      address: hostPort().optional().describe('Host and port. A host that is a name is looked up at each connection.'),
      dns: hostPort()
        .optional()
        .describe(
          "A name and a port: one endpoint for each of its A and AAAA records, asked for again when the answer's time to live is over.",
        ),
      srv: dnsName()
        .optional()
        .describe(
          'A name with SRV records: one endpoint for each target, with its port, weight and priority: a later one is used where none of an earlier one can be.',
        ),
      file: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A file with a list of `host:port` and `{ address, weight, maxConnections }`, YAML or JSON, as seen from the folder of this file; it is watched.',
        ),
      source: z
        .union([z.string().min(1), z.record(z.string(), z.unknown())])
        .optional()
        .describe(
          'A source that a plugin brings: its name, or `NAME: { options }`. One endpoint for each that it names, as long as it does.',
        ),
      weight: endpointWeight().describe(
        "Parts of the group's traffic beside the others'; of `srv`, `file` and `source`, times its own.",
      ),
      maxConnections: maxConnections()
        .optional()
        .describe("Connections that this endpoint may hold; no bound where neither this nor the upstream's is given."),
    })
    .superRefine((endpoint, context) => {
      const given = PLACES.filter((name) => endpoint[name] !== undefined)
      if (given.length === 1) return
      const expected = `expected one of ${PLACES.map((name) => `"${name}"`).join(', ')}`
      const message =
        given.length === 0 ? expected : `${expected}, got ${given.map((name) => `"${name}"`).join(' and ')}`
      context.addIssue({ code: 'custom', message })
    }),
])

const ejectionSchema = z
  .strictObject({
    consecutiveFailures: z
      .int()
      .min(1)
      .max(1_000)
      .default(defaults.EJECTION_CONSECUTIVE_FAILURES)
      .describe('Failures in a row after which an endpoint is set aside.'),
    failurePercent: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(
        "Set aside, too, where so many of an interval's connections and requests failed; not looked at where absent.",
      ),
    minOutcomes: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(defaults.EJECTION_MIN_OUTCOMES)
      .describe('`failurePercent` is looked at where an interval has at least so many.'),
    interval: aTimeout().prefault(defaults.EJECTION_INTERVAL).describe('Over which `failurePercent` is counted.'),
    baseTime: aTimeout()
      .prefault(defaults.EJECTION_BASE)
      .describe('How long the first time; each time after that so much longer, until it has gone well for as long.'),
    maxTime: aTimeout().prefault(defaults.EJECTION_MAX).describe('Never longer than this.'),
    maxPercent: z
      .int()
      .min(0)
      .max(100)
      .default(defaults.EJECTION_MAX_PERCENT)
      .describe('Of the endpoints at once, rounded down; and never the last one that can be used.'),
  })
  .describe('Sets endpoints aside for a while that fail; there is none of it where this is absent.')

const httpCheckSchema = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/[!-~]*$/, { error: 'a path begins with "/" and has no spaces' })
      .default(defaults.CHECK_PATH)
      .describe('Path and query of the request.'),
    host: z
      .string()
      .regex(/^[!-~]+$/, { error: 'a host has no spaces' })
      .optional()
      .describe("The request's Host; the endpoint's address where absent."),
    statuses: z
      .array(statusRange())
      .min(1)
      .prefault(defaults.CHECK_STATUSES)
      .describe('Statuses that say that all is well: `"204"`, `"200-399"`.'),
  })
  .describe('Asks `GET` over HTTP/1.1; where absent, it is enough that the endpoint can be connected.')

const healthCheckSchema = z
  .strictObject({
    http: httpCheckSchema.optional(),
    port: port().optional().describe("Another port than the endpoint's."),
    interval: duration({ minMs: 100 })
      .prefault(defaults.CHECK_INTERVAL)
      .describe('From one check of an endpoint to the next, give or take a tenth; at least 100ms.'),
    timeout: aTimeout().prefault(defaults.CHECK_TIMEOUT).describe('For one check; at most the interval.'),
    rise: z
      .int()
      .min(1)
      .max(defaults.MAX_CHECK_COUNT)
      .default(defaults.CHECK_RISE)
      .describe('Checks in a row that have to go well until an endpoint is used again. Its first one counts for all.'),
    fall: z
      .int()
      .min(1)
      .max(defaults.MAX_CHECK_COUNT)
      .default(defaults.CHECK_FALL)
      .describe('Checks in a row that have to fail until an endpoint is not used. Its first one counts for all.'),
  })
  .describe('Looks at each endpoint now and then, whether it serves; there are no checks where this is absent.')

export const upstreamSchema = z
  .strictObject({
    endpoints: z
      .array(endpointSchema)
      .min(1)
      .describe(
        'The endpoints: `host:port`, or a map with one of `address`, `dns`, `srv`, `file`, `source`; all of them together. One that refuses is passed over for the next.',
      ),
    balance: z
      .enum(['round-robin', 'least-connections', 'least-requests', 'random', 'peak-ewma', 'consistent-hash'])
      .optional()
      .describe(
        'Which endpoint gets the next connection or request. Where absent: `round-robin` for connections, `peak-ewma` for requests.',
      ),
    hashOn: z
      .union([z.literal('source'), z.strictObject({ header: z.string().min(1).describe("A header's name.") })])
      .default('source')
      .describe(
        "What `consistent-hash` looks at: `source`, the client's address, or `{ header: NAME }` of a request. Connections have no headers: theirs is the address.",
      ),
    maxConnections: maxConnections()
      .optional()
      .describe(
        'Connections that each endpoint may hold, unless it says otherwise; where all are full, connections are denied with reason `upstream-full`. No bound where absent.',
      ),
    ejection: ejectionSchema.optional(),
    healthCheck: healthCheckSchema.optional(),
  })
  .describe('A group of endpoints that serve the same.')

export const dnsSchema = z
  .strictObject({
    servers: z
      .array(hostPort())
      .min(1)
      .optional()
      .describe("Servers that are asked, in this order, by IP address and port; resolv.conf's where absent."),
    search: z
      .array(dnsName())
      .optional()
      .describe("Domains that are put behind names which do not end in a dot; resolv.conf's where absent."),
    ndots: z
      .int()
      .min(0)
      .max(15)
      .optional()
      .describe("Names with so many dots are tried as they are before the search list; resolv.conf's where absent."),
    timeout: aTimeout().optional().describe("For one question to one server; resolv.conf's where absent, or else 5s."),
    attempts: z
      .int()
      .min(1)
      .max(5)
      .optional()
      .describe("Rounds over all servers until a question has failed; resolv.conf's where absent, or else 2."),
    minTtl: duration({ minMs: 100 })
      .prefault(defaults.DNS_MIN_TTL)
      .describe('Names are asked for again no sooner, whatever the answer says; at least 100ms.'),
    maxTtl: aTimeout()
      .prefault(defaults.DNS_MAX_TTL)
      .describe('Names are asked for again no later, whatever the answer says.'),
    hold: duration()
      .prefault(defaults.DNS_HOLD)
      .describe('How long a name that had records must be said to have none until its endpoints are dropped.'),
  })
  .describe('How the names of `dns` and `srv` endpoints are asked for.')

export const learnSchema = z
  .strictObject({
    destinations: z
      .int()
      .min(0)
      .max(defaults.MAX_LEARN_DESTINATIONS)
      .default(defaults.LEARN_DESTINATIONS)
      .describe('Destinations that are remembered; 0 remembers none. The one seen least lately makes room.'),
    expiry: aTimeout()
      .prefault(defaults.LEARN_EXPIRY)
      .describe('A destination without a connection for this long is forgotten.'),
  })
  .describe('What destinations turned out to be, remembered for `sluice learn`.')

/** Kebab-case: it stands where `host:port` may stand too, and becomes a label. */
export const upstreamName = z
  .string()
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
    error: 'the name of an upstream is small letters and digits, with single dashes between, as in "web-tls"',
  })
  .refine((name) => name !== 'original', {
    error: '"original" stands for the original destination: give the upstream another name',
  })

const limitsSchema = z
  .strictObject({
    maxConnections: maxConnections()
      .default(defaults.MAX_CONNECTIONS)
      .describe('Connections that the listener holds at once, never more than a third of the descriptor limit.'),
    over: z
      .literal('refuse')
      .default('refuse')
      .describe('What happens to connections beyond that: they are reset at accept.'),
    peekWindow: size({ minBytes: defaults.MIN_PEEK_WINDOW_BYTES, maxBytes: defaults.MAX_PEEK_WINDOW_BYTES })
      .prefault(defaults.PEEK_WINDOW)
      .describe(
        `Bytes of each side that filters and sniffers can look at: ${formatSize(defaults.MIN_PEEK_WINDOW_BYTES)} to ${formatSize(defaults.MAX_PEEK_WINDOW_BYTES)}.`,
      ),
  })
  .describe('Bounds on what the listener holds.')

const timeoutsSchema = z
  .strictObject({
    connect: aTimeout()
      .prefault(defaults.CONNECT_TIMEOUT)
      .describe('For connecting, all endpoints that are tried together.'),
    idle: aTimeout()
      .prefault(defaults.IDLE_TIMEOUT)
      .describe('A connection without a byte in either direction for this long is reset.'),
    halfClose: aTimeout()
      .prefault(defaults.HALF_CLOSE_TIMEOUT)
      .describe('As `idle`, once one side has ended its half.'),
    firstByte: aTimeout()
      .prefault(defaults.FIRST_BYTE_TIMEOUT)
      .describe("Where a filter needs the protocol's name: how long both sides may say nothing."),
    verdict: aTimeout()
      .prefault(defaults.VERDICT_TIMEOUT)
      .describe('How long a filter may take to decide; then the connection is denied with reason `verdict-timeout`.'),
    keepAlive: duration({ minMs: 1_000 })
      .prefault(defaults.KEEP_ALIVE)
      .describe('TCP keep-alive on both sides: the first probe after this long without a byte; at least 1s.'),
  })
  .describe('How long the listener waits for what.')

const listenerDrainSchema = z
  .strictObject({
    closeWith: z
      .enum(['listener', 'process'])
      .default('listener')
      .describe("`listener`: stops accepting when the drain's delay is over. `process`: accepts until the drain ends."),
  })
  .describe('What a drain does to this listener.')

/** Longest name of a listener: it is a label of every metric. */
const MAX_LISTENER_NAME = 100

export const listenerSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[^\s\p{Cc}"]+$/u, { error: 'the name of a listener is one word, as in "one-port"' })
      .max(MAX_LISTENER_NAME)
      .optional()
      .describe('Its name in logs, metrics and traces; its first address where absent.'),
    direction: z
      .enum(['inbound', 'outbound'])
      .default('inbound')
      .describe("Which way traffic goes, seen from the workload: the label that Linkerd's dashboards select on."),
    address: z
      .union([listenerAddress(), z.array(listenerAddress()).min(1)])
      .describe(
        'Where it listens; a list for several. `:8080` is all interfaces of both families; port 0 takes a free one; `fd:3` or `fd:NAME` is a socket that systemd or another parent passes in.',
      ),
    intercept: z
      .enum(['redirect', 'tproxy'])
      .optional()
      .describe(
        'How connections are brought here that were headed elsewhere: by REDIRECT or TPROXY rules of the kernel.',
      ),
    preserveSource: z
      .boolean()
      .default(false)
      .describe(
        "Servers see the client's address in place of ours. Linux only, with CAP_NET_ADMIN; what they answer has to come back through this machine.",
      ),
    destination: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Where connections go: an upstream's name, `host:port`, or `original`, where an intercepted connection was headed. Routes may choose otherwise.",
      ),
    limits: limitsSchema.prefault({}),
    timeouts: timeoutsSchema.prefault({}),
    drain: listenerDrainSchema.prefault({}),
    filters: z
      .array(z.unknown())
      .optional()
      .describe(
        `The chain: filters by name, or \`name: { options }\`, in the order in which they see a connection. Where absent: ${defaults.DEFAULT_CHAIN.join(', ')}.`,
      ),
  })
  .describe('Accepts connections and runs each through its chain.')

export const rootSchema = z.strictObject({
  admin: adminSchema.optional(),
  drain: drainSchema.prefault({}),
  log: logSchema.prefault({}),
  accessLog: z.boolean().default(false).describe('One line a connection on standard output, when it closes.'),
  closedTraces: z
    .int()
    .min(0)
    .max(defaults.MAX_CLOSED_TRACES)
    .default(defaults.CLOSED_TRACES)
    .describe('Closed connections whose decision trace is kept for `sluice explain`.'),
  traceBytes: z
    .int()
    .min(0)
    .max(defaults.MAX_TRACE_BYTES)
    .default(defaults.TRACE_BYTES)
    .describe(
      'First bytes of each side that a trace keeps of what detection looked at, for `sluice explain --votes`; 0 keeps none. They are never shown, only what sniffers make of them.',
    ),
  learn: learnSchema.prefault({}),
  dns: dnsSchema.prefault({}),
  plugins: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Plugins, by the name of a package or by the path of a file that begins with `./`, `../` or `/`, as seen from the folder of this file. An object for `createSluice` may hold plugins themselves.',
    ),
  upstreams: z.record(upstreamName, upstreamSchema).default({}).describe('Groups of endpoints, by name.'),
  listeners: z.array(listenerSchema).min(1).describe('What to listen on, and what to do with what comes.'),
})
