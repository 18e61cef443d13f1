import type { Clock } from '../core/clock.js'
import type { HealthCheckFactory } from '../core/group-part.js'
import type { Log } from '../core/log.js'
import type { Transport } from '../core/transport.js'
import { HealthChecks } from './health-checks.js'
import { HttpProbe } from './http-probe.js'
import { TcpProbe } from './tcp-probe.js'

/** Makes the health checks that the YAML can name. */
export function makeHealthChecks(transport: Transport, clock: Clock, log: Log): HealthCheckFactory {
  return (config, counted) => {
    const probe = config.http ? new HttpProbe(transport, config.http) : new TcpProbe(transport)
    return new HealthChecks(config, { probe, clock, log, random: Math.random, ...counted })
  }
}
