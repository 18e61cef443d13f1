import { parseDestination } from '../../core/config/destination.js'
import type { CheckContext, Finding } from '../../core/filter.js'
import { isCovered } from '../../core/is-covered.js'
import { matchesTemplate } from '../../http/path-template.js'
import { METHODS } from '../../http/request-labels.js'
import { parseServerNamePattern } from '../../protocols/server-name-pattern.js'
import { isBelow } from './route-rule.js'
import type { RuleOptions } from './rule-options.js'

type Match = RuleOptions['match']

/** What `check` can say of rules: where they send to, names that stand twice, rules that are never reached, and what has no effect. */
export function checkRules(rules: readonly RuleOptions[], context: CheckContext): Finding[] {
  return [
    ...rules.flatMap((rule, index) => checkDestinations(rule, index, context)),
    ...rules.flatMap(({ name }, index) => checkName(name, index, rules)),
    ...rules.flatMap((rule, index) => checkShadow(rule, index, rules)),
    ...rules.flatMap((rule, index) => checkIdle(rule, index)),
    ...rules.flatMap((rule, index) => checkLooks(rule.match, index)),
  ]
}

function checkDestinations(rule: RuleOptions, index: number, context: CheckContext): Finding[] {
  const { upstream, split } = rule
  if (!context.listener.hasDestination && upstream === undefined && split === undefined && !isAnswered(rule)) {
    const message = 'has no upstream, and the listener has no destination: there is nowhere to send its requests to'
    return [{ severity: 'error', code: 'SLUICE_CONFIG_NO_DESTINATION', path: ['rules', index], message }]
  }
  const own = upstream === undefined ? [] : [{ text: upstream, path: ['rules', index, 'upstream'] }]
  const shares = (split ?? []).map((share, at) => ({
    text: share.upstream,
    path: ['rules', index, 'split', at, 'upstream'],
  }))
  return [...own, ...shares].flatMap(({ text, path }) => checkDestination(text, path, context))
}

function checkDestination(text: string, path: readonly (string | number)[], context: CheckContext): Finding[] {
  const parsed = parseDestination(text, context.upstreams)
  if (parsed.problem !== undefined) return [{ severity: 'error', code: parsed.code, path, message: parsed.problem }]
  const { value } = parsed
  if (value.kind === 'original') {
    const message = 'a rule names an upstream or host:port; without one, requests go where they were headed'
    return [{ severity: 'error', code: 'SLUICE_CONFIG_INVALID_VALUE', path, message }]
  }
  if (value.kind !== 'address' || !context.isOwnAddress(value.host, value.port)) return []
  const message = `${text} is one of our own addresses: the request would come back for ever`
  return [{ severity: 'error', code: 'SLUICE_CONFIG_OWN_ADDRESS', path, message }]
}

function checkName(name: string, index: number, rules: readonly RuleOptions[]): Finding[] {
  if (rules.findIndex((rule) => rule.name === name) === index) return []
  const message = `the name "${name}" stands twice: nobody could tell the two apart in metrics`
  return [{ severity: 'error', code: 'SLUICE_CONFIG_DUPLICATE_NAME', path: ['rules', index, 'name'], message }]
}

function checkShadow({ match }: RuleOptions, index: number, rules: readonly RuleOptions[]): Finding[] {
  const earlier = rules.slice(0, index).find((rule) => covers(rule.match, match))
  if (earlier === undefined) return []
  const message = `never reached: rule "${earlier.name}" before it matches all that this one does`
  return [{ severity: 'warning', code: 'SLUICE_CONFIG_SHADOWED_ROUTE', path: ['rules', index], message }]
}

/** By the rule itself: no server is asked. */
function isAnswered({ redirect, respond }: RuleOptions): boolean {
  return redirect !== undefined || respond !== undefined
}

/** RFC 9110 sections 15.3.5 and 15.4.5. */
const WITHOUT_CONTENT: readonly number[] = [204, 304]

function checkIdle(rule: RuleOptions, index: number): Finding[] {
  const { rewrite, requestHeaders, respond } = rule
  const { set, add, remove } = requestHeaders
  const asked: string[] = []
  if (rewrite.host !== undefined || rewrite.prefix !== undefined) asked.push('rewrite')
  if (Object.keys(set).length + Object.keys(add).length + remove.length > 0) asked.push('requestHeaders')
  const idle = isAnswered(rule)
    ? asked.map((name) => noEffect(['rules', index, name], 'the rule answers by itself: no server is asked'))
    : []
  if (respond === undefined || respond.body === '' || !WITHOUT_CONTENT.includes(respond.status)) return idle
  return [...idle, noEffect(['rules', index, 'respond', 'body'], `a ${respond.status} has no content`)]
}

/** What another proxy would read otherwise. */
function checkLooks({ path = [], pathPrefix, method = [] }: Match, index: number): Finding[] {
  const at = (name: string): (string | number)[] => ['rules', index, 'match', name]
  const paths = [...path.map((text) => ({ name: 'path', text })), { name: 'pathPrefix', text: pathPrefix ?? '' }]
  return [
    ...paths.flatMap(({ name, text }) => {
      if (/\{.*\}/.test(text))
        return [noEffect(at(name), 'braces stand for themselves here: pathTemplate has names in them')]
      if (text.includes('*'))
        return [
          noEffect(at(name), 'a "*" stands for itself: pathPrefix is for all that is below, pathTemplate for segments'),
        ]
      return []
    }),
    ...method
      .filter((one) => one !== one.toUpperCase() && METHODS.has(one.toUpperCase()))
      .map((one) => noEffect(at('method'), `methods are in capital letters: ${one.toUpperCase()}`)),
  ]
}

function noEffect(path: Finding['path'], message: string): Finding {
  return { severity: 'warning', code: 'SLUICE_CONFIG_NO_EFFECT', path, message }
}

/** Whatever `later` matches, `earlier` matches too. */
function covers(earlier: Match, later: Match): boolean {
  return (
    coversPath(earlier, later) &&
    isCovered(earlier.method, later.method, (a, b) => a === b) &&
    isCovered(earlier.host, later.host, (a, b) => parseServerNamePattern(a).covers(parseServerNamePattern(b))) &&
    coversValues(lowerCased(earlier.header), lowerCased(later.header)) &&
    coversValues(earlier.query, later.query)
  )
}

function coversPath(earlier: Match, later: Match): boolean {
  const { path, pathPrefix, pathTemplate } = earlier
  if (path) return later.path?.every((one) => path.includes(one)) ?? false
  if (pathPrefix !== undefined) {
    if (later.path) return later.path.every((one) => isBelow(one, pathPrefix))
    if (later.pathPrefix !== undefined) return isBelow(later.pathPrefix, pathPrefix)
    return later.pathTemplate !== undefined && isBelow(fixedPart(later.pathTemplate.text), pathPrefix)
  }
  if (pathTemplate === undefined) return true
  if (later.path) return later.path.every((one) => matchesTemplate(pathTemplate, one))
  return later.pathTemplate?.text === pathTemplate.text
}

/** What every path of a template begins with, in whole segments. */
function fixedPart(template: string): string {
  return template.replace(/\/\{.*$/s, '/')
}

type Values = Match['query']

function coversValues(earlier: Values, later: Values): boolean {
  return Object.entries(earlier ?? {}).every(([name, wanted]) => {
    const other = later?.[name]
    if (other === undefined) return false
    if (wanted === true) return other !== false
    if (wanted === false || typeof other === 'boolean') return wanted === other
    return other.every((value) => wanted.includes(value))
  })
}

function lowerCased(values: Values): Values {
  return values && Object.fromEntries(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]))
}
