import { z } from 'zod'
import { parsePathTemplate } from '../../http/path-template.js'
import { SERVER_NAME_PATTERN } from '../../protocols/server-name-pattern.js'

/** Blanks, controls, and what is beyond ASCII: no URL has them (RFC 3986 section 2.1). */
const UNESCAPED = /[^!-~]+/g

/** A part of a URL: to be written as it is sent. */
function escaped(text: z.ZodString): z.ZodString {
  return text.refine((value) => value.search(UNESCAPED) < 0, {
    error: (issue) => `expected what clients send, with its escapes: ${escape(String(issue.input))}`,
  })
}

function escape(text: string): string {
  return text.replace(UNESCAPED, (part) => {
    const bytes = [...Buffer.from(part)]
    return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  })
}

/** One, or a list of which any will do. Always a list afterwards. */
function anyOf<S extends z.ZodType>(one: S) {
  return z
    .union([one, z.array(one).min(1)])
    .transform((value): z.output<S>[] => (Array.isArray(value) ? (value as z.output<S>[]) : [value as z.output<S>]))
}

const host = z.string().regex(SERVER_NAME_PATTERN, {
  error: (issue) =>
    `expected a host such as shop.example.com or "*.example.com", in ASCII (xn--…) and without a port, got ${JSON.stringify(issue.input)}`,
})

const path = escaped(
  z.string().regex(/^\/[^?#\s]*$/, { error: 'expected a path that begins with "/", without a query' }),
)

const template = escaped(z.string()).transform((text, context) => {
  const parsed = parsePathTemplate(text)
  if (typeof parsed !== 'string') return parsed
  context.addIssue(`expected a path template such as /orders/{id}: ${parsed}`)
  return z.NEVER
})

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const token = z.string().regex(TOKEN, { error: 'expected letters, digits and hyphens' })

/** A value, any of several; or whether there is one at all. */
const value = z.union([z.boolean(), anyOf(z.string())])

const match = z
  .strictObject({
    host: anyOf(host)
      .optional()
      .describe(
        'The host that is asked for, without its port: exact, or `*.x` for any name below `x`, at any depth, not `x` itself. Case and a dot at the end do not matter; names beyond ASCII are written as they are sent, `xn--…`.',
      ),
    path: anyOf(path)
      .optional()
      .describe('The whole path, without the query, as it was sent, with its escapes: `/caf%C3%A9`.'),
    pathPrefix: path
      .optional()
      .describe('The path, or what it begins with, in whole segments: `/v1` is `/v1` and `/v1/x`, not `/v10`.'),
    pathTemplate: template
      .optional()
      .describe('`/orders/{id}`: a name in braces stands for one segment, `{rest...}` at the end for all that follow.'),
    method: anyOf(token).optional().describe('The method, in capital letters as methods are.'),
    header: z
      .record(token, value)
      .optional()
      .describe(
        'By name: the value of the first field of that name, any of several, in UTF-8 or Latin-1; `true` any, `false` none.',
      ),
    query: z
      .record(z.string().min(1), value)
      .optional()
      .describe(
        'By name: the first value of that parameter of the query, without its escapes, any of several; `true` any, `false` none.',
      ),
  })
  .refine(({ path, pathPrefix, pathTemplate }) => [path, pathPrefix, pathTemplate].filter(Boolean).length < 2, {
    error: 'one of path, pathPrefix and pathTemplate',
  })
  .default({})

/** Fields that say how a message is framed or carried: they are not a rule's. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'keep-alive'])
const editable = token.refine((name) => !FRAMING.has(name.toLowerCase()), { error: 'this field is about framing' })
/** RFC 9110 section 5.5. Characters beyond U+00FF have no byte. */
const fieldValue = z.string().regex(/^(?:[!-~\u0080-\u00ff](?:[ \t!-~\u0080-\u00ff]*[!-~\u0080-\u00ff])?)?$/, {
  error: 'expected a value without control characters and without blanks around it',
})

function headers(name: typeof editable) {
  return z
    .strictObject({
      set: z.record(name, fieldValue).default({}).describe('Names and values, in place of what is there.'),
      add: z.record(name, fieldValue).default({}).describe('Names and values, beside what is there.'),
      remove: z.array(name).default([]).describe('Names, whatever their values.'),
    })
    .prefault({})
}

/** A request has one, whatever it came with: RFC 9112 section 3.2. */
const editableInRequest = editable.refine((name) => name.toLowerCase() !== 'host', {
  error: 'Host is not edited here: "rewrite: { host: … }" says another',
})

const split = z.strictObject({
  upstream: z.string().min(1).describe("An upstream's name, or host:port."),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe('Its share, beside the weights of the others; 0 for none.'),
})

const PLACEHOLDERS: ReadonlySet<string> = new Set(['{host}', '{path}', '{query}'])

const redirect = z.strictObject({
  status: z
    .union([301, 302, 303, 307, 308].map((status) => z.literal(status)))
    .default(308)
    .describe('308 and 307 keep the method, the others make it GET.'),
  location: escaped(fieldValue.min(1))
    .refine((text) => (text.match(/\{[^}]*\}?/g) ?? []).every((part) => PLACEHOLDERS.has(part)), {
      error: 'in braces there are {host}, {path} and {query}; another brace is written as %7B',
    })
    .describe(
      '`{host}`, `{path}` and `{query}` (with its question mark) stand for those of the request. Where it names no host itself, no path leads to another host: `//x` becomes `/.//x`. With `{host}`, a request that names none gets a 400.',
    ),
})

const respond = z.strictObject({
  status: z.int().min(200).max(599).describe('The status code.'),
  body: z.string().max(65_536).default('').describe('The content, as UTF-8; at most 65,536 characters. Default: none.'),
  contentType: fieldValue.default('text/plain; charset=utf-8').describe('`Content-Type` of the answer.'),
})

const rewrite = z.strictObject({
  host: z
    .string()
    .regex(/^[A-Za-z0-9._\-[\]:]+$/, { error: 'expected a host, with or without a port' })
    .optional()
    .describe('In place of `Host`.'),
  prefix: path.optional().describe('In place of what `pathPrefix` has matched.'),
})

export const ruleOptions = z
  .strictObject({
    name: token.describe('The label `route` of its requests and responses, and the route in their records.'),
    match: match.describe('Which requests it is for. Empty: every one.'),
    upstream: z.string().min(1).optional().describe("An upstream's name, or host:port. Default: the destination."),
    split: z
      .array(split)
      .min(1)
      .refine((shares) => shares.some(({ weight }) => weight > 0), { error: 'a weight must be above 0' })
      .optional()
      .describe('Several upstreams, each with its share of the requests.'),
    redirect: redirect.optional().describe('The client is sent elsewhere.'),
    respond: respond.optional().describe('An answer without a server.'),
    rewrite: rewrite.prefault({}).describe('What the server is asked in place of what the client asked.'),
    requestHeaders: headers(editableInRequest).describe('Fields of the request.'),
    responseHeaders: headers(editable).describe('Fields of the response.'),
  })
  .refine(({ upstream, split, redirect, respond }) => [upstream, split, redirect, respond].filter(Boolean).length < 2, {
    error: 'one of upstream, split, redirect and respond',
  })
  .refine(({ match, rewrite }) => rewrite.prefix === undefined || match.pathPrefix !== undefined, {
    error: 'replaces what pathPrefix has matched: there must be one in match',
    path: ['rewrite', 'prefix'],
  })

export type RuleOptions = z.output<typeof ruleOptions>
