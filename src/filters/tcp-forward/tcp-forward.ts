import 'reflect-metadata'
import { inject } from 'tsyringe'
import { CLIENT_WAS_SILENT, type Connection } from '../../core/connection.js'
import { defineFilter, type Filter, type Needs, type SilentDestination, type Verdict } from '../../core/filter.js'
import { OPTIONS, UPSTREAMS } from '../../core/tokens.js'
import type { Upstreams } from '../../core/upstreams.js'
import { checkRoutes } from './check-routes.js'
import { type TcpForwardOptions, tcpForwardOptions } from './options.js'
import { proxyHeader } from './proxy-header.js'
import { makeRoute, type Route } from './route.js'

type Reason = 'no-route' | 'upstream-full'

/** Carries the connection to the first route that matches, else to its destination. */
class TcpForward implements Filter<Reason> {
  readonly #routes: readonly Route[]
  readonly preface?: (connection: Connection) => Uint8Array

  constructor(@inject(OPTIONS) { routes, proxyProtocol }: TcpForwardOptions, @inject(UPSTREAMS) upstreams: Upstreams) {
    if (proxyProtocol !== undefined) this.preface = (connection) => proxyHeader(connection, proxyProtocol)
    this.#routes = routes.map((route) => makeRoute(route, upstreams))
  }

  onConnection(connection: Connection): Verdict<Reason> {
    const route = this.#choose(connection)
    if (route) {
      connection.destination = route.group
      connection.route = route.name
    }
    if (connection.destination === undefined) return { deny: 'no-route' }
    const label = connection.destination.label
    connection.trace.note(route?.name === undefined ? `to ${label}` : `route ${route.name}, to ${label}`)
    connection.forward()
    return 'handled'
  }

  #choose(connection: Connection): Route | undefined {
    const matching = connection.serverSpoke
      ? undefined
      : this.#routes.find((route) => !route.isForSilence && route.matches(connection))
    // The destination that a silent client named stands until a route says otherwise, and for good once its server has spoken.
    if (matching || !connection.get(CLIENT_WAS_SILENT)) return matching
    return this.#routes.find((route) => route.isForSilence && route.group === connection.destination)
  }
}

export const tcpForward = defineFilter({
  name: 'tcp-forward',
  options: tcpForwardOptions,
  denyReasons: ['no-route', 'upstream-full'],
  terminal: true,
  use: TcpForward,
  needs,
  whenClientSilent,
  check: checkRoutes,
})

function needs({ routes }: TcpForwardOptions): Needs {
  if (routes.some(({ match }) => match.sni || match.alpn)) return 'facts'
  return routes.some(({ match }) => match.protocol || match.clientSilent !== undefined) ? 'protocol' : 'nothing'
}

function whenClientSilent({ routes }: TcpForwardOptions): SilentDestination | undefined {
  const silent = routes.filter(({ match }) => match.clientSilent !== undefined)
  const first = silent.sort((a, b) => a.match.clientSilent! - b.match.clientSilent!)[0]
  return first && { afterMs: first.match.clientSilent!, destination: first.destination }
}
