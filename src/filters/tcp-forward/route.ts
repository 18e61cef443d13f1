import { addressRanges } from '../../core/address-ranges.js'
import type { Connection } from '../../core/connection.js'
import type { UpstreamGroup } from '../../core/upstream-group.js'
import type { Upstreams } from '../../core/upstreams.js'
import { parseServerNamePattern } from '../../protocols/server-name-pattern.js'
import type { RouteOptions } from './options.js'

/** One route, ready to be tried. */
export interface Route {
  readonly name: string | undefined
  readonly group: UpstreamGroup
  /** Names its destination where the client stays silent; never matches otherwise. */
  readonly isForSilence: boolean
  matches(connection: Connection): boolean
}

type Test = (connection: Connection) => boolean

export function makeRoute({ name, match, destination }: RouteOptions, upstreams: Upstreams): Route {
  const tests = match.clientSilent === undefined ? testsOf(match) : []
  return {
    name,
    group: upstreams.resolve(destination),
    isForSilence: match.clientSilent !== undefined,
    matches: (connection) => tests.every((test) => test(connection)),
  }
}

function testsOf({ protocol, sni, alpn, source, port }: RouteOptions['match']): Test[] {
  const tests: Test[] = []
  // Cheap and certain first.
  if (port) tests.push((connection) => port.includes(connection.destinationPort))
  if (protocol)
    tests.push(({ detection }) => detection?.protocol !== undefined && protocol.includes(detection.protocol))
  if (sni) tests.push(serverNameTest(sni))
  if (alpn) tests.push(({ detection }) => isOffered(detection?.facts.alpn, alpn))
  if (source) tests.push(sourceTest(source))
  return tests
}

function serverNameTest(names: readonly string[]): Test {
  const patterns = names.map(parseServerNamePattern)
  return ({ detection }) => {
    const serverName = detection?.facts.sni
    return typeof serverName === 'string' && patterns.some((pattern) => pattern.matches(serverName))
  }
}

/** ALPN matches what the client offers (RFC 7301 section 3.1), whatever the server will choose. */
function isOffered(offered: unknown, wanted: readonly string[]): boolean {
  return Array.isArray(offered) && wanted.some((protocol) => offered.includes(protocol))
}

function sourceTest(ranges: NonNullable<RouteOptions['match']['source']>): Test {
  const holds = addressRanges(ranges)
  return ({ source }) => holds(source.host)
}
