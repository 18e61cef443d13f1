import { z } from 'zod'
import { cidr, duration } from '../../core/config/scalars.js'
import { SERVER_NAME_PATTERN } from '../../protocols/server-name-pattern.js'

const MAX_PORT = 65_535

/** One, or a list of which any will do. Always a list afterwards. */
function anyOf<S extends z.ZodType>(one: S) {
  return z
    .union([one, z.array(one).min(1)])
    .transform((value): z.output<S>[] => (Array.isArray(value) ? (value as z.output<S>[]) : [value as z.output<S>]))
}

const serverName = z.string().regex(SERVER_NAME_PATTERN, {
  error: (issue) =>
    `expected a server name such as shop.example.com or "*.example.com", got ${JSON.stringify(issue.input)}`,
})

const match = z
  .strictObject({
    protocol: anyOf(z.string()).optional().describe('The protocol that was detected, or that a port names.'),
    sni: anyOf(serverName)
      .optional()
      .describe(
        'The server name that a TLS client asks for: exact, or `*.x` for any name below `x`, at any depth, not `x` itself.',
      ),
    alpn: anyOf(z.string().min(1))
      .optional()
      .describe(
        'An application protocol that a TLS client **offers**, such as `h2` or `acme-tls/1`, whatever the server will choose.',
      ),
    source: anyOf(cidr()).optional().describe("The client's address: an address or a range such as `10.0.0.0/8`."),
    port: anyOf(z.int().min(1).max(MAX_PORT))
      .optional()
      .describe('The destination port: of the original destination; else of the destination; else of the listener.'),
    clientSilent: duration({ minMs: 1 })
      .optional()
      .describe(
        'The client has said nothing for so long. Stands alone; the server that is dialled then decides with its first byte.',
      ),
  })
  .refine(
    ({ clientSilent, ...others }) =>
      clientSilent === undefined || Object.values(others).every((value) => value === undefined),
    {
      error: 'clientSilent stands alone: a client that says nothing has no other marks',
      path: ['clientSilent'],
    },
  )
  .default({})
  .describe('Which connections it is for. Empty: every one.')

const route = z.strictObject({
  name: z.string().min(1).optional().describe('Shown in summary, log and trace.'),
  match,
  destination: z.string().min(1).describe("An upstream's name, or host:port."),
})

export const tcpForwardOptions = z.strictObject({
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .describe(
      "Tell the server who the client is, with a header of the PROXY protocol before the client's first byte. Servers that do not " +
        'expect it take it for data. It is sent as soon as a connection to the server is open, early dials included.',
    ),
  routes: z
    .array(route)
    .default([])
    .describe(
      "Tried in order, the first match wins. Without a match the listener's destination serves; where there is none, the connection is denied (no-route).",
    ),
})

/** The options as they are written. */
export type TcpForwardInput = z.input<typeof tcpForwardOptions>
export type TcpForwardOptions = z.output<typeof tcpForwardOptions>
export type RouteOptions = TcpForwardOptions['routes'][number]
