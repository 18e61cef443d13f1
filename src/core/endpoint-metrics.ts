import type { Cell, Family, Metrics } from './metrics.js'
import type { UpstreamGroup } from './upstream-group.js'

type OfEndpoint = Family<'upstream' | 'endpoint', Cell>
type OfUpstream = Family<'upstream', Cell>

/**
 * What is known of the endpoints of named upstreams. All is written anew when it is read: an endpoint that has left has no series
 * any more, and picking one costs no look-up. A connection has counted itself in `open` and `picks`.
 */
export class EndpointMetrics {
  readonly #usable: OfEndpoint
  readonly #ejected: OfEndpoint
  readonly #connections: OfEndpoint
  readonly #requests: OfEndpoint
  readonly #picks: OfEndpoint
  readonly #ejections: OfEndpoint
  readonly #endpoints: OfUpstream
  readonly #changes: OfUpstream
  readonly #failing: OfUpstream
  /** Moved by the checks themselves. */
  readonly checks: Family<'upstream' | 'outcome', Cell>

  constructor(metrics: Metrics) {
    const labels = ['upstream', 'endpoint'] as const
    const gauge = (name: string, help: string): OfEndpoint => metrics.gauge(name, help, labels)
    this.#usable = gauge('sluice_endpoint_usable', '1: may be picked; 0: unhealthy, or set aside.')
    this.#ejected = gauge('sluice_endpoint_ejected', '1: set aside because of failures.')
    this.#connections = gauge('sluice_endpoint_open_connections', 'Connections that are open or being opened.')
    this.#requests = gauge('sluice_endpoint_requests', 'Requests in flight.')
    this.#picks = metrics.counter('sluice_endpoint_picks_total', 'Times an endpoint was picked.', labels)
    this.#ejections = metrics.counter('sluice_endpoint_ejections_total', 'Times an endpoint was set aside.', labels)
    const upstream = ['upstream'] as const
    this.#endpoints = metrics.gauge('sluice_upstream_endpoints', 'Endpoints of an upstream.', upstream)
    this.#changes = metrics.counter('sluice_upstream_changes_total', 'Changes of the set of endpoints.', upstream)
    const checked = ['upstream', 'outcome'] as const
    this.checks = metrics.counter('sluice_health_checks_total', 'Health checks, by how they came out.', checked)
    this.#failing = metrics.gauge(
      'sluice_upstream_sources_failing',
      'Sources of endpoints that have no set, or no current one.',
      upstream,
    )
  }

  write(groups: Iterable<UpstreamGroup>): void {
    for (const family of [this.#usable, this.#ejected, this.#connections, this.#requests]) family.clear()
    for (const family of [this.#picks, this.#ejections]) family.clear()
    for (const group of groups) this.#writeGroup(group)
  }

  #writeGroup(group: UpstreamGroup): void {
    const upstream = group.label
    this.#endpoints.cell({ upstream }).value = group.endpoints.length
    this.#changes.cell({ upstream }).value = group.changes
    this.#failing.cell({ upstream }).value = group.problems.length
    // Added and not set: beyond the bound on series several endpoints are one.
    for (const endpoint of group.endpoints) {
      const labels = { upstream, endpoint: endpoint.label }
      this.#usable.cell(labels).value += Number(endpoint.isUsable)
      this.#ejected.cell(labels).value += Number(endpoint.isEjected)
      this.#connections.cell(labels).value += endpoint.open
      this.#requests.cell(labels).value += endpoint.requests
      this.#picks.cell(labels).value += endpoint.picks
      this.#ejections.cell(labels).value += endpoint.ejections
    }
  }
}
