import { z } from 'zod'
import { duration, formatSize, size } from '../../core/config/scalars.js'
import { ruleOptions } from './rule-options.js'
import { DEFAULT_MAX_HEAD_BYTES } from '../../protocols/http1-framing.js'

const timeouts = z.strictObject({
  header: duration({ minMs: 1 })
    .prefault('10s')
    .describe('From the first byte of a head to its last. The client gets a 408, and its connection is closed.'),
  idle: duration({ minMs: 1 })
    .prefault('60s')
    .describe('How long a client may be silent between two requests. Its connection is closed.'),
  request: duration({ minMs: 1 })
    .optional()
    .describe(
      'From the first byte of a request to the last of its response. Without a response the client gets a 504. Default: as long as it takes.',
    ),
})

const pool = z.strictObject({
  idleTimeout: duration({ minMs: 1 })
    .prefault('60s')
    .describe('How long a connection to an endpoint is kept for the next request; less where its server says so.'),
  maxPending: z
    .int()
    .min(0)
    .max(100_000)
    .default(1000)
    .describe(
      'Requests that may wait for a connection of one endpoint that holds its `maxConnections`: at most as long as `timeouts.connect` of the listener. One more gets a 503.',
    ),
})

export const httpRouteOptions = z.strictObject({
  maxHeadBytes: size({ minBytes: 1024, maxBytes: 1024 * 1024 })
    .prefault(formatSize(DEFAULT_MAX_HEAD_BYTES))
    .describe(
      'Largest head (start line and fields) or trailer section. A larger one gets a 431, or a 502 for a response.',
    ),
  rules: z
    .array(ruleOptions)
    .max(1000)
    .default([])
    .describe(
      "Tried in order for each request, the first match wins. Without a match the request goes to the connection's destination; where there is none, it gets a 404.",
    ),
  timeouts: timeouts.prefault({}).describe('How long a request and its parts may take.'),
  pool: pool.prefault({}).describe('Connections to endpoints.'),
})

/** The options as they are written. */
export type HttpRouteInput = z.input<typeof httpRouteOptions>
export type HttpRouteOptions = z.output<typeof httpRouteOptions>
