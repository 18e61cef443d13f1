import { z } from 'zod'

// Of the pages of the admin endpoint, what `explain` relies on. Loose: a newer Sluice says more.

const sides = z.looseObject({ client: z.number(), server: z.number() })
const denied = z.looseObject({ filter: z.string(), reason: z.string() })

const step = z.looseObject({ atMs: z.number(), step: z.string(), verdict: z.string(), note: z.string() })

const vote = z.looseObject({
  protocol: z.string(),
  side: z.enum(['client', 'server']),
  verdict: z.string(),
  afterBytes: z.number(),
})

export const connectionPage = z.looseObject({
  connection: z.number(),
  listener: z.string(),
  source: z.string(),
  state: z.enum(['open', 'closed']),
  facts: z.record(z.string(), z.unknown()),
  bytes: sides,
  durationMs: z.number(),
  denied: denied.optional(),
  detection: z.looseObject({ bytes: sides }).optional(),
  trace: z.array(step).optional(),
  votes: z.array(vote).optional(),
})

export const connectionsPage = z.looseObject({
  connections: z.array(z.looseObject({ connection: z.number(), listener: z.string(), denied: denied.optional() })),
})
