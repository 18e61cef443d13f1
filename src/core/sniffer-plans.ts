import type { DecisionMetrics } from './decision-metrics.js'
import { SnifferPlan } from './detection.js'
import type { Log } from './log.js'
import type { Sniffer } from './sniffer.js'

/** Makes the plans by which filters ask the sniffers: of all, or of some. */
export class SnifferPlans {
  readonly #sniffers: readonly Sniffer[]
  readonly #metrics: DecisionMetrics
  readonly #log: Log

  constructor(sniffers: readonly Sniffer[], metrics: DecisionMetrics, log: Log) {
    this.#sniffers = sniffers
    this.#metrics = metrics
    this.#log = log
  }

  /** In the sniffers' order, whatever the order of `protocols`. Undefined: all. */
  of(protocols: readonly string[] | undefined): SnifferPlan {
    const chosen = protocols ? this.#sniffers.filter(({ protocol }) => protocols.includes(protocol)) : this.#sniffers
    return new SnifferPlan(chosen, (sniffer, error) => {
      this.#metrics.snifferFailed(sniffer.protocol)
      this.#log.debug({ protocol: sniffer.protocol, err: error }, 'a sniffer threw and lost its vote')
    })
  }
}
