import { z } from 'zod'
import { withoutControls } from '../core/error-text.js'
import { clockTime } from './clock-time.js'
import { counted, formatBytes, formatMs } from './quantities.js'

// Of a line of the tap, what people are shown. Loose: a newer Sluice says more.
const sides = z.looseObject({ client: z.number(), server: z.number() })
const dropped = z.looseObject({ dropped: z.number() })
const request = z.looseObject({
  listener: z.string(),
  connection: z.number(),
  source: z.string(),
  destination: z.string().optional(),
  protocol: z.string(),
  method: z.string(),
  target: z.string(),
  authority: z.string(),
  status: z.number().optional(),
  grpcStatus: z.number().optional(),
  error: z.string().optional(),
  refused: z.string().optional(),
  route: z.string().optional(),
  retries: z.number().optional(),
  durationMs: z.number(),
  bytes: sides,
  messages: sides.optional(),
})

/** A terminal is no place for a kilobyte of a target. */
const MAX_TARGET_LENGTH = 200
const GAP = '  '

/** A line of the tap for people: when, who, what was asked, what came of it. */
export function tapLine(json: string, at: Date): string {
  const value = parseJson(json)
  const few = dropped.safeParse(value)
  if (few.success)
    return `${clockTime(at)}${GAP}${counted(few.data.dropped, 'request')} not shown: the reader is too slow\n`
  const seen = request.safeParse(value)
  if (!seen.success) return `${clockTime(at)}${GAP}${withoutControls(json.slice(0, MAX_TARGET_LENGTH))}\n`
  const { listener, connection, source, destination, protocol, method, target, authority } = seen.data
  const { route, retries, durationMs, bytes, messages } = seen.data
  // In absolute form the target has its authority itself.
  const asked = `${method} ${target.startsWith('/') ? authority : ''}${target}`
  const what = method === '' ? 'no head that can be taken' : asked
  const columns = [
    clockTime(at),
    listener,
    `#${connection}`,
    destination === undefined ? source : `${source} > ${destination}`,
    protocol,
    what.length > MAX_TARGET_LENGTH ? `${what.slice(0, MAX_TARGET_LENGTH)}…` : what,
    ...(route === undefined ? [] : [`route ${route}`]),
    outcome(seen.data),
    ...(retries === undefined ? [] : [`sent again ${retries === 1 ? 'once' : `${retries} times`}`]),
    formatMs(durationMs),
    `${formatBytes(bytes.client)} up`,
    `${formatBytes(bytes.server)} down`,
    ...(messages ? [`${messages.client} + ${counted(messages.server, 'message')}`] : []),
  ]
  return `${withoutControls(columns.join(GAP))}\n`
}

function outcome({ status, grpcStatus, error, refused }: z.output<typeof request>): string {
  const words = [
    ...(status === undefined ? [] : [String(status)]),
    ...(grpcStatus === undefined ? [] : [`grpc ${grpcStatus}`]),
    ...(error === undefined ? [] : [error]),
    ...(refused === undefined ? [] : [refused]),
  ]
  return words.join(' ')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
