import type { Clock, Timer } from './clock.js'
import type { EjectionConfig } from './config/config.js'
import type { Endpoint, Outcome } from './endpoint.js'
import type { GroupPart } from './group-part.js'
import type { Log } from './log.js'
import type { UpstreamGroup } from './upstream-group.js'

/** What is known of one endpoint. */
class History {
  failuresInRow = 0
  /** Of the interval that began at `since`. */
  outcomes = 0
  failures = 0
  since = 0
  /** Times set aside since it last went well for long enough. */
  times = 0
  /** How long the last time was, and when it ended. */
  lastMs = 0
  backAt = 0
  timer: Timer | undefined
}

/**
 * Sets endpoints aside that fail, for longer each time, as far as enough others are left. Outcomes of what was under way when an
 * endpoint was set aside are not counted: they say nothing new.
 */
export class OutlierEjection implements GroupPart {
  readonly #config: EjectionConfig
  readonly #clock: Clock
  readonly #log: Log
  readonly #histories = new Map<Endpoint, History>()
  #group: UpstreamGroup | undefined
  #unsubscribe: () => void = () => {}

  constructor(config: EjectionConfig, clock: Clock, log: Log) {
    this.#config = config
    this.#clock = clock
    this.#log = log
  }

  start(group: UpstreamGroup): void {
    this.#group = group
    this.#unsubscribe = group.subscribe(() => this.#follow(group))
    this.#follow(group)
  }

  stop(): void {
    this.#unsubscribe()
    for (const [endpoint, { timer }] of this.#histories) {
      timer?.cancel()
      endpoint.onOutcome = undefined
    }
    this.#histories.clear()
  }

  #follow({ endpoints }: UpstreamGroup): void {
    for (const [endpoint, { timer }] of this.#histories) {
      if (!endpoint.isGone) continue
      timer?.cancel()
      endpoint.onOutcome = undefined
      this.#histories.delete(endpoint)
    }
    for (const endpoint of endpoints) {
      if (this.#histories.has(endpoint)) continue
      const record = new History()
      this.#histories.set(endpoint, record)
      endpoint.onOutcome = (_, outcome) => this.#observed(endpoint, record, outcome)
    }
  }

  #observed(endpoint: Endpoint, record: History, { isFailure }: Outcome): void {
    if (endpoint.isEjected) return
    const now = this.#clock.now()
    if (now - record.since >= this.#config.intervalMs) {
      record.since = now
      record.outcomes = 0
      record.failures = 0
    }
    record.outcomes++
    if (!isFailure) {
      record.failuresInRow = 0
      return
    }
    record.failures++
    record.failuresInRow++
    if (this.#isOutlier(record)) this.#eject(endpoint, record, now)
  }

  #isOutlier({ failuresInRow, failures, outcomes }: History): boolean {
    const { consecutiveFailures, failurePercent, minOutcomes } = this.#config
    if (failuresInRow >= consecutiveFailures) return true
    return failurePercent !== undefined && outcomes >= minOutcomes && failures * 100 >= failurePercent * outcomes
  }

  #eject(endpoint: Endpoint, record: History, now: number): void {
    if (!this.#mayEject(endpoint)) return
    // It went well for as long as it was set aside: that is forgiven.
    if (now - record.backAt >= record.lastMs) record.times = 0
    record.times++
    record.lastMs = Math.min(this.#config.maxMs, this.#config.baseMs * record.times)
    const { failuresInRow, failures, outcomes } = record
    endpoint.isEjected = true
    endpoint.ejections++
    record.timer = this.#clock.setTimer(record.lastMs, () => this.#takeBack(endpoint, record))
    const fields = { upstream: this.#group?.label, endpoint: endpoint.label, failuresInRow, failures, outcomes }
    this.#log.warn({ ...fields, forMs: record.lastMs }, 'an endpoint was set aside')
  }

  #mayEject(endpoint: Endpoint): boolean {
    const endpoints = this.#group?.endpoints ?? []
    const ejected = endpoints.filter(({ isEjected }) => isEjected).length
    const isWithinShare = ejected + 1 <= Math.floor((endpoints.length * this.#config.maxPercent) / 100)
    return isWithinShare && endpoints.some((other) => other !== endpoint && other.isUsable)
  }

  #takeBack(endpoint: Endpoint, record: History): void {
    endpoint.isEjected = false
    record.timer = undefined
    record.backAt = this.#clock.now()
    record.since = record.backAt
    record.outcomes = record.failures = record.failuresInRow = 0
    this.#log.info({ upstream: this.#group?.label, endpoint: endpoint.label }, 'an endpoint is used again')
  }
}
