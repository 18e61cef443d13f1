import { z } from 'zod'
import { formatSize } from '../../core/config/scalar-text.js'
import { duration, size } from '../../core/config/scalars.js'
import { ruleOptions } from './rule-options.js'
import { DEFAULT_MAX_HEAD_BYTES } from '../../protocols/http1-framing.js'

const timeouts = z.strictObject({
  header: duration({ minMs: 1 })
    .prefault('10s')
    .describe('From the first byte of a head to its last; then the client gets a 408, and its connection is closed.'),
  idle: duration({ minMs: 1 })
    .prefault('60s')
    .describe('How long a client may be silent between two requests; then its connection is closed.'),
  request: duration({ minMs: 1 })
    .optional()
    .describe(
      'From the first byte of a request to the last of its response; without a response the client gets a 504, else a reset. Default: as long as it takes.',
    ),
  attempt: duration({ minMs: 1 })
    .optional()
    .describe(
      'How long one endpoint may take from the last byte of a request to the head of its response. Then its connection is reset, and a request that can be repeated is sent to another, as `retries` says; any other gets a 504. Default: as long as it takes.',
    ),
})

const pool = z.strictObject({
  idleTimeout: duration({ minMs: 1 })
    .prefault('60s')
    .describe(
      'How long a connection to an endpoint is kept for the next request; a second less than the server says (half of less than two), where it says so (`Keep-Alive: timeout=5`).',
    ),
  maxPending: z
    .int()
    .min(0)
    .max(100_000)
    .default(1000)
    .describe(
      'Requests that may wait for a connection to one upstream whose endpoints all hold their `maxConnections`: at most as long as `timeouts.connect` of the listener. One more gets a 503.',
    ),
})

const retries = z.strictObject({
  attempts: z
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe(
      'How often one request is sent again. A connection that cannot be opened, or had been idle, is replaced without counting here.',
    ),
  statuses: z
    .array(z.int().min(400).max(599))
    .default([502, 503, 504])
    .describe(
      'Statuses after which a request that can be repeated is sent to another endpoint, where there is another; `[]` for none.',
    ),
  ratio: z.number().min(0).max(10).default(0.2).describe('Retries that may be for each request: 0.2 is one for five.'),
  minPerSecond: z
    .number()
    .min(0)
    .max(10_000)
    .default(10)
    .describe('Retries a second that may be beside them, so that few requests have some.'),
})

const forwardedMode = z.enum(['off', 'append', 'replace']).default('off')

const forwarding = z.strictObject({
  xForwarded: forwardedMode.describe(
    "`append`: the client's address is added to `x-forwarded-for`, `x-forwarded-proto` and `-host` are set where there are none; `replace`: what is there is not believed.",
  ),
  forwarded: forwardedMode.describe('`forwarded` (RFC 7239), likewise.'),
  via: z
    .string()
    .regex(/^[A-Za-z0-9._-]+(?::\d+)?$/, { error: 'expected a name, such as sluice or edge-1' })
    .optional()
    .describe('Adds `via` to requests, with this name.'),
  requestId: z.boolean().default(false).describe('Sets `x-request-id` where there is none.'),
  traceparent: z
    .boolean()
    .default(false)
    .describe('Sets `traceparent` (W3C Trace Context) where there is none, not sampled.'),
})

export const httpRouteOptions = z.strictObject({
  maxHeadBytes: size({ minBytes: 1024, maxBytes: 1024 * 1024 })
    .prefault(formatSize(DEFAULT_MAX_HEAD_BYTES))
    .describe(
      'Largest head (start line and fields) or trailer section, 1 KiB to 1 MiB. A larger one gets a 431, a request line that is too long alone a 414, a response a 502.',
    ),
  rules: z
    .array(ruleOptions)
    .max(1000)
    .default([])
    .describe(
      "Tried in order for each request, the first match wins. Without a match the request goes to the connection's destination; where there is none, it gets a 404.",
    ),
  timeouts: timeouts.prefault({}).describe('How long a request and its parts may take.'),
  retries: retries.prefault({}).describe('When a request is sent again.'),
  forwarding: forwarding
    .prefault({})
    .describe('What servers are told of the way that a request came. Default: nothing.'),
  maxRequests: z
    .int()
    .min(1)
    .optional()
    .describe('Requests of this listener that may be under way at once. One more gets a 503. Default: any number.'),
  pool: pool.prefault({}).describe('Connections to endpoints.'),
})

/** The options as they are written. */
export type HttpRouteInput = z.input<typeof httpRouteOptions>
export type HttpRouteOptions = z.output<typeof httpRouteOptions>
