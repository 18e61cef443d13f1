import type { UpstreamGroup } from '../../core/upstream-group.js'
import type { Upstreams } from '../../core/upstreams.js'
import { matchesTemplate } from '../../http/path-template.js'
import { parseServerNamePattern } from '../../protocols/server-name-pattern.js'
import type { FieldEdits } from './forward-head.js'
import type { FixedAnswer } from './refusal.js'
import type { RequestView } from './request-view.js'
import type { RuleOptions } from './rule-options.js'

/** One rule, ready to be tried. */
export interface RouteRule {
  readonly name: string
  matches(request: RequestView): boolean
  /** Where the request goes; undefined: to the connection's destination. */
  group(): UpstreamGroup | undefined
  /** The answer, where no server is asked. */
  answer(request: RequestView): FixedAnswer | undefined
  /** The target that the server is asked for; undefined: as it came. */
  target(request: RequestView): string | undefined
  readonly host: string | undefined
  /** Where it answers by itself, it says which host was asked for: a request must say one. */
  readonly needsHost: boolean
  readonly requestEdits: FieldEdits | undefined
  readonly responseEdits: FieldEdits | undefined
}

type Test = (request: RequestView) => boolean
type Value = NonNullable<RuleOptions['match']['header']>[string]

/** `random` gives numbers from 0 to below 1. */
export function makeRule(rule: RuleOptions, upstreams: Upstreams, random: () => number = Math.random): RouteRule {
  const tests = testsOf(rule.match)
  return {
    name: rule.name,
    matches: (request) => tests.every((test) => test(request)),
    group: chooser(rule, upstreams, random),
    answer: answerOf(rule),
    target: targetOf(rule),
    host: rule.rewrite.host,
    needsHost: rule.redirect?.location.includes('{host}') ?? false,
    requestEdits: editsOf(rule.requestHeaders),
    responseEdits: editsOf(rule.responseHeaders),
  }
}

function testsOf({ host, path, pathPrefix, pathTemplate, method, header, query }: RuleOptions['match']): Test[] {
  const tests: Test[] = []
  // Cheap and telling first.
  if (path) tests.push((request) => path.includes(request.path))
  if (pathPrefix !== undefined) tests.push((request) => isBelow(request.path, pathPrefix))
  if (pathTemplate) tests.push((request) => matchesTemplate(pathTemplate, request.path))
  if (method) tests.push((request) => method.includes(request.method))
  if (host) {
    const patterns = host.map(parseServerNamePattern)
    tests.push((request) => patterns.some((pattern) => pattern.matches(request.host)))
  }
  for (const [name, wanted] of Object.entries(header ?? {})) {
    const field = name.toLowerCase()
    const values = typeof wanted === 'boolean' ? wanted : wanted.flatMap(inBothEncodings)
    tests.push((request) => isWanted(request.header(field), values))
  }
  for (const [name, wanted] of Object.entries(query ?? {}))
    tests.push((request) => isWanted(parametersOf(request.query).get(name) ?? undefined, wanted))
  return tests
}

/** RFC 9110 section 5.5: what is beyond ASCII was Latin-1 once, and is UTF-8 mostly. Values are read with a character for each byte. */
function inBothEncodings(value: string): string[] {
  return [value, Buffer.from(value).toString('latin1')]
}

/** Escapes are of UTF-8; some clients send its bytes without. */
function parametersOf(query: string): URLSearchParams {
  return new URLSearchParams(Buffer.from(query, 'latin1').toString())
}

/** In whole segments. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return prefix.endsWith('/') || path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH
}

const SLASH = 0x2f

function isWanted(value: string | undefined, wanted: Value): boolean {
  if (typeof wanted === 'boolean') return (value !== undefined) === wanted
  return value !== undefined && wanted.includes(value)
}

function chooser({ upstream, split }: RuleOptions, upstreams: Upstreams, random: () => number): RouteRule['group'] {
  if (split === undefined) {
    const group = upstream === undefined ? undefined : upstreams.resolve(upstream)
    return () => group
  }
  const shares = split
    .filter(({ weight }) => weight > 0)
    .map((share) => ({ group: upstreams.resolve(share.upstream), weight: share.weight }))
  const sum = shares.reduce((total, { weight }) => total + weight, 0)
  return () => {
    let at = random() * sum
    for (const { group, weight } of shares) if ((at -= weight) < 0) return group
    return shares.at(-1)!.group
  }
}

function answerOf({ redirect, respond, responseHeaders }: RuleOptions): RouteRule['answer'] {
  const edited = editorOf(responseHeaders)
  if (respond) {
    const fields = edited(respond.body === '' ? [] : [`Content-Type: ${respond.contentType}`])
    const answer: FixedAnswer = { status: respond.status, fields, body: Buffer.from(respond.body) }
    return () => answer
  }
  if (redirect === undefined) return () => undefined
  const { status, location } = redirect
  const nothing = Buffer.alloc(0)
  const isElsewhere = NAMES_HOST.test(location)
  return (request) => {
    const to = filled(location, request)
    return { status, fields: edited([`Location: ${isElsewhere ? to : staying(to)}`]), body: nothing }
  }
}

/** A location that names a scheme or a host itself: it leads where it says. */
const NAMES_HOST = /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/\/)/

/**
 * RFC 3986 section 4.2: what begins with two slashes names another host, and browsers take a backslash for one. A path that a client has
 * chosen must not: as WHATWG's URLs write it, `/.` before it makes it a path.
 */
function staying(location: string): string {
  return /^\/[/\\]/.test(location) ? `/.${location}` : location
}

function filled(location: string, { host, path, query }: RequestView): string {
  return location.replace(/\{(host|path|query)\}/g, (_whole, name: string) =>
    name === 'host' ? host : name === 'path' ? pathIn(path) : query,
  )
}

/** Behind a host, the target of `OPTIONS *` or of a CONNECT would go on with its name. */
function pathIn(path: string): string {
  return path.startsWith('/') ? path : '/'
}

/** `/v1` in place of `/api`: `/api/x?y` becomes `/v1/x?y`. Never two slashes where one stood, never none. */
function targetOf({ match, rewrite }: RuleOptions): RouteRule['target'] {
  const { pathPrefix } = match
  if (rewrite.prefix !== undefined && pathPrefix !== undefined) {
    const to = rewrite.prefix.replace(/\/$/, '')
    const from = pathPrefix.replace(/\/$/, '')
    return ({ path, query }) => `${to}${path.slice(from.length)}`.replace(/^$/, '/') + query
  }
  // Its host would be another than that of the field: what is left is the origin form.
  return rewrite.host === undefined ? () => undefined : ({ path, query }) => path + query
}

function editsOf(options: RuleOptions['requestHeaders']): FieldEdits | undefined {
  const added = linesOf(options)
  const leftOut = namesLeftOut(options)
  if (added.length === 0 && leftOut.length === 0) return undefined
  return { leftOut, added: added.map((line) => `${line}\r\n`).join('') }
}

/** For the lines of an answer of ours. */
function editorOf(options: RuleOptions['responseHeaders']): (lines: readonly string[]) => string[] {
  const leftOut = namesLeftOut(options)
  const added = linesOf(options)
  const isKept = (line: string): boolean => !leftOut.includes(line.slice(0, line.indexOf(':')).toLowerCase())
  return (lines) => [...lines.filter(isKept), ...added]
}

function linesOf({ set, add }: RuleOptions['requestHeaders']): string[] {
  return [...Object.entries(set), ...Object.entries(add)].map(([name, value]) => `${name}: ${value}`)
}

function namesLeftOut({ set, remove }: RuleOptions['requestHeaders']): string[] {
  return [...Object.keys(set), ...remove].map((name) => name.toLowerCase())
}
