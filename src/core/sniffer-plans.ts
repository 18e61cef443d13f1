import type { DecisionMetrics } from './decision-metrics.js'
import { SnifferPlan } from './detection.js'
import type { Log } from './log.js'
import { chooseSniffers, type SnifferChoice } from './sniffer-choice.js'
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

  of(choice: SnifferChoice): SnifferPlan {
    return new SnifferPlan(chooseSniffers(this.#sniffers, choice), (sniffer, error) => {
      this.#metrics.snifferFailed(sniffer.protocol)
      this.#log.debug({ protocol: sniffer.protocol, err: error }, 'a sniffer threw and lost its vote')
    })
  }
}
