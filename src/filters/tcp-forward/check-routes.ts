import { BlockList } from 'node:net'
import { formatDuration } from '../../core/config/scalar-text.js'
import { parseDestination } from '../../core/config/destination.js'
import type { CheckContext, Finding } from '../../core/filter.js'
import { isCovered } from '../../core/is-covered.js'
import { parseServerNamePattern } from '../../protocols/server-name-pattern.js'
import type { RouteOptions, TcpForwardOptions } from './options.js'

type Match = RouteOptions['match']

/** What `check` can say of routes: destinations, names, routes that are never reached, clients that a timer would misroute. */
export function checkRoutes({ routes }: TcpForwardOptions, context: CheckContext): Finding[] {
  return [
    ...routes.flatMap((route, index) => [
      ...checkDestination(route, index, context),
      ...checkProtocols(route, index, context),
    ]),
    ...routes.flatMap((route, index) => shadowed(route, index, routes)),
    ...checkSilences(routes),
    ...routes.flatMap((route, index) => checkLookedFor(route, index, context)),
    ...checkDetection(routes, context),
    ...checkDestinationOfRest(routes, context),
    ...routes.flatMap((route, index) => checkSilence(route, index, routes, context)),
  ]
}

function checkDestination({ destination }: RouteOptions, index: number, context: CheckContext): Finding[] {
  const path = ['routes', index, 'destination']
  const parsed = parseDestination(destination, context.upstreams)
  if (parsed.problem !== undefined) return [{ severity: 'error', code: parsed.code, path, message: parsed.problem }]
  const { value } = parsed
  if (value.kind !== 'address' || !context.isOwnAddress(value.host, value.port)) return []
  const message = `${destination} is one of our own addresses: the connection would come back for ever`
  return [{ severity: 'error', code: 'SLUICE_CONFIG_OWN_ADDRESS', path, message }]
}

function checkProtocols({ match }: RouteOptions, index: number, context: CheckContext): Finding[] {
  return (match.protocol ?? [])
    .filter((protocol) => !context.protocols.includes(protocol))
    .map((protocol) => ({
      severity: 'error',
      code: 'SLUICE_CONFIG_UNKNOWN_PROTOCOL',
      path: ['routes', index, 'match', 'protocol'],
      message: `no protocol "${protocol}". ${context.suggest(protocol, context.protocols) || `There are ${context.protocols.join(', ')}.`}`,
    }))
}

function shadowed({ match }: RouteOptions, index: number, routes: readonly RouteOptions[]): Finding[] {
  const earlier = routes.slice(0, index).findIndex((route) => covers(route.match, match))
  if (earlier < 0) return []
  const name = routes[earlier]!.name
  const message = `never reached: route ${name === undefined ? earlier : `"${name}"`} before it matches all that this one does`
  return [{ severity: 'warning', code: 'SLUICE_CONFIG_SHADOWED_ROUTE', path: ['routes', index], message }]
}

/** Only the shortest silence ever comes about. */
function checkSilences(routes: readonly RouteOptions[]): Finding[] {
  const silences = routes.flatMap(({ match }) => match.clientSilent ?? [])
  const first = routes.findIndex(({ match }) => match.clientSilent === Math.min(...silences))
  return routes.flatMap(({ match }, index) => {
    if (match.clientSilent === undefined || index === first) return []
    const message = `never reached: after a shorter silence route ${first} has taken the client`
    return [{ severity: 'warning' as const, code: 'SLUICE_CONFIG_SHADOWED_ROUTE', path: ['routes', index], message }]
  })
}

/** A protocol that detect does not look for is never found. */
function checkLookedFor({ match }: RouteOptions, index: number, context: CheckContext): Finding[] {
  const { protocols } = (context.optionsBefore('detect') ?? {}) as { readonly protocols?: readonly string[] }
  const needed = protocolsOf(match)
  if (protocols === undefined || needed === undefined || needed.some((protocol) => protocols.includes(protocol)))
    return []
  if (context.before.includes('port-override')) return []
  const message = `never reached: detect looks for ${protocols.join(', ')} only`
  return [{ severity: 'warning', code: 'SLUICE_CONFIG_SHADOWED_ROUTE', path: ['routes', index], message }]
}

/** Whatever `later` matches, `earlier` matches too. */
function covers(earlier: Match, later: Match): boolean {
  if (earlier.clientSilent !== undefined || later.clientSilent !== undefined) {
    return false
  }
  return (
    isCovered(earlier.protocol, protocolsOf(later), (a, b) => a === b) &&
    isCovered(earlier.sni, later.sni, (a, b) => parseServerNamePattern(a).covers(parseServerNamePattern(b))) &&
    isCovered(earlier.alpn, later.alpn, (a, b) => a === b) &&
    isCovered(earlier.port, later.port, (a, b) => a === b) &&
    isCovered(earlier.source, later.source, isInside)
  )
}

/** Only TLS has a server name or ALPN. */
function protocolsOf({ protocol, sni, alpn }: Match): readonly string[] | undefined {
  return protocol ?? (sni || alpn ? ['tls'] : undefined)
}

type Range = NonNullable<Match['source']>[number]

function isInside(outer: Range, inner: Range): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false
  const list = new BlockList()
  list.addSubnet(outer.host, outer.prefix, outer.family)
  return list.check(inner.host, inner.family)
}

/** Routes by what is spoken match nothing where nobody finds it out. A port gives a name, and no facts. */
function checkDetection(routes: readonly RouteOptions[], context: CheckContext): Finding[] {
  const hasDetect = context.before.includes('detect')
  const hasName = hasDetect || context.before.includes('port-override')
  const index = routes.findIndex(
    ({ match }) =>
      (!hasDetect && (match.sni || match.alpn || match.clientSilent !== undefined)) || (!hasName && match.protocol),
  )
  if (index < 0) return []
  const message = 'matches by what is spoken, and no filter before tcp-forward finds that out: put "- detect" before it'
  return [{ severity: 'error', code: 'SLUICE_CONFIG_NEEDS_DETECT', path: ['routes', index, 'match'], message }]
}

function checkDestinationOfRest(routes: readonly RouteOptions[], context: CheckContext): Finding[] {
  if (routes.length > 0 || context.listener.hasDestination) return []
  const message = 'has no routes, and the listener has no destination: there is nowhere to forward to'
  return [{ severity: 'error', code: 'SLUICE_CONFIG_NO_DESTINATION', path: [], message }]
}

/** A client that waits for its server's greeting is silent too, and would be taken for the one that the timer means. */
function checkSilence(
  { match, destination }: RouteOptions,
  index: number,
  routes: readonly RouteOptions[],
  context: CheckContext,
): Finding[] {
  if (match.clientSilent === undefined) return []
  const serverFirst = context.sniffers.filter((sniffer) => sniffer.serverFirst).map((sniffer) => sniffer.protocol)
  const named = new Set(
    routes.flatMap((route) => route.match.protocol ?? []).filter((protocol) => serverFirst.includes(protocol)),
  )
  const name = routes[index]!.name ?? destination
  const after = formatDuration(match.clientSilent)
  return [...named].map((protocol) => ({
    severity: 'warning',
    code: 'SLUICE_CONFIG_SILENT_CLIENTS',
    path: ['routes', index],
    message: `clients of ${protocol} may wait for a greeting too: after ${after.replace(/(\d)([a-z])/, '$1 $2')} they would go to "${name}"`,
  }))
}
