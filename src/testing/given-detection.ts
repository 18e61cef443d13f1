import type { DetectionResult } from '../core/detection-result.js'
import { NO_FACTS } from '../core/detection-result.js'
import type { FilterDefinition } from '../core/filter.js'
import type { ProxiedConnection } from '../core/proxied-connection.js'
import type { Facts } from '../core/sniffer.js'

/** What a test says that a connection is, in place of `detect`. */
export interface GivenDetection {
  readonly protocol: string
  readonly facts?: Facts
}

export const GIVEN_DETECTION = 'given-detection'

/** A filter that names every connection at once, so that what stands behind it can be tested without the bytes. */
export function givenDetection({ protocol, facts = NO_FACTS }: GivenDetection): FilterDefinition {
  const result: DetectionResult = {
    outcome: 'detected',
    protocol,
    decidedBy: 'client',
    bytes: { client: 0, server: 0 },
    facts,
  }
  return {
    name: GIVEN_DETECTION,
    options: { '~standard': { version: 1, vendor: 'sluice', validate: () => ({ value: {} }) } },
    create: () => ({
      onConnection(connection) {
        ;(connection as ProxiedConnection).decided(result)
        return 'continue'
      },
    }),
  }
}
