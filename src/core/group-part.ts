import type { HealthCheckConfig } from './config/config.js'
import type { Cell } from './metrics.js'
import type { UpstreamGroup } from './upstream-group.js'

/** What watches over a group's endpoints: sets them aside, or says that they are unhealthy. */
export interface GroupPart {
  /** Called once, when the proxy starts, before the group's sources begin. */
  start(group: UpstreamGroup): void
  /** Called once: leaves no timer or wire behind. */
  stop(): void
}

/** Makes the health checks of one group; they count what comes out. */
export type HealthCheckFactory = (
  config: HealthCheckConfig,
  counted: { readonly passed: Cell; readonly failed: Cell },
) => GroupPart
