import type { DnsConfig, SourceConfig, UpstreamConfig } from './config/config.js'
import type { Container } from './container.js'
import type { EndpointMetrics } from './endpoint-metrics.js'
import type { EndpointSource } from './endpoint-source.js'
import type { GroupPart } from './group-part.js'
import { GuardedSource } from './guarded-source.js'
import { OutlierEjection } from './outlier-ejection.js'
import { CLOCK, ENDPOINT_SOURCES, HEALTH_CHECKS, LOG, OPTIONS } from './tokens.js'
import type { GroupOptions } from './upstream-group.js'

/** What a configured group is made of, with the services of an instance. */
export function groupOptions(
  { name, balance, hashOn, sources = [], ejection, healthCheck }: UpstreamConfig,
  dns: DnsConfig,
  container: Container,
  { checks }: EndpointMetrics,
): GroupOptions {
  const clock = container.get(CLOCK)
  const parts: GroupPart[] = []
  if (ejection) parts.push(new OutlierEjection(ejection, clock, container.get(LOG)))
  if (healthCheck) {
    const counted = {
      passed: checks.cell({ upstream: name, outcome: 'passed' }),
      failed: checks.cell({ upstream: name, outcome: 'failed' }),
    }
    parts.push(container.get(HEALTH_CHECKS)(healthCheck, counted))
  }
  return {
    balance,
    hashOn,
    clock,
    parts,
    sources: sources.map((source) => makeSource(source, dns, container)),
    observesConnections: ejection !== undefined || balance === 'peak-ewma',
  }
}

function makeSource(source: SourceConfig, dns: DnsConfig, container: Container): EndpointSource {
  if (source.kind !== 'plugin') return container.get(ENDPOINT_SOURCES).make(source, dns)
  const own = container.child()
  own.bind({ token: OPTIONS, value: source.options })
  return new GuardedSource(own.makeSource(source.definition, source.options), source, container.get(LOG))
}
