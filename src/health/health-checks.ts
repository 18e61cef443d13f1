import type { Clock, Timer } from '../core/clock.js'
import type { HealthCheckConfig } from '../core/config/config.js'
import type { Endpoint } from '../core/endpoint.js'
import type { GroupPart } from '../core/group-part.js'
import type { Log } from '../core/log.js'
import type { Cell } from '../core/metrics.js'
import type { UpstreamGroup } from '../core/upstream-group.js'
import type { Probe } from './probe.js'

export interface HealthCheckEnvironment {
  readonly probe: Probe
  readonly clock: Clock
  readonly log: Log
  /** Numbers from 0 to below 1. */
  readonly random: () => number
  /** Checks that went well, and that failed. */
  readonly passed: Cell
  readonly failed: Cell
}

/** Checks of one group at once: a large one is gone through in a few steps, and no burst of connections. */
export const MAX_CONCURRENT_CHECKS = 16
/** Intervals differ by this share, so that checks of many endpoints, and of many proxies, drift apart. */
const JITTER = 0.1

/** What is known of one endpoint. */
class Check {
  readonly endpoint: Endpoint
  /** Results in a row that say the opposite of what holds. */
  against = 0
  isFirst = true
  timer: Timer | undefined
  giveUp: (() => void) | undefined
  isStopped = false

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
  }
}

/**
 * Checks each endpoint of a group at its interval, at most so many at once. An endpoint is used until its first check says
 * otherwise; that one decides alone, later ones by `rise` and `fall`.
 */
export class HealthChecks implements GroupPart {
  readonly #config: HealthCheckConfig
  readonly #environment: HealthCheckEnvironment
  readonly #checks = new Map<Endpoint, Check>()
  readonly #due: Check[] = []
  #running = 0
  #group: UpstreamGroup | undefined
  #unsubscribe: () => void = () => {}

  constructor(config: HealthCheckConfig, environment: HealthCheckEnvironment) {
    this.#config = config
    this.#environment = environment
  }

  start(group: UpstreamGroup): void {
    this.#group = group
    this.#unsubscribe = group.subscribe(() => this.#follow(group))
    this.#follow(group)
  }

  stop(): void {
    this.#unsubscribe()
    for (const check of this.#checks.values()) this.#end(check)
    this.#checks.clear()
  }

  #follow({ endpoints }: UpstreamGroup): void {
    for (const [endpoint, check] of this.#checks) {
      if (!endpoint.isGone) continue
      this.#end(check)
      this.#checks.delete(endpoint)
    }
    for (const endpoint of endpoints) {
      if (this.#checks.has(endpoint)) continue
      const check = new Check(endpoint)
      this.#checks.set(endpoint, check)
      this.#due.push(check)
    }
    this.#runDue()
  }

  #end(check: Check): void {
    check.isStopped = true
    check.timer?.cancel()
    check.giveUp?.()
  }

  #runDue(): void {
    while (this.#running < MAX_CONCURRENT_CHECKS) {
      const check = this.#due.shift()
      if (check === undefined) return
      if (!check.isStopped) this.#run(check)
    }
  }

  #run(check: Check): void {
    const { probe, clock } = this.#environment
    const { timeoutMs, port } = this.#config
    const { host, port: own } = check.endpoint
    this.#running++
    const release = (): void => {
      timer.cancel()
      check.giveUp = undefined
      this.#running--
    }
    const finish = (problem?: string): void => {
      release()
      this.#checked(check, problem)
      this.#runDue()
    }
    const timer = clock.setTimer(timeoutMs, () => {
      cancel()
      finish(`no answer within ${timeoutMs / 1000} s`)
    })
    const cancel = probe.begin({ host, port: port ?? own }, finish)
    check.giveUp = () => {
      cancel()
      release()
    }
  }

  #checked(check: Check, problem: string | undefined): void {
    const { clock, random, passed, failed } = this.#environment
    const isWell = problem === undefined
    ;(isWell ? passed : failed).value++
    const { endpoint } = check
    check.against = isWell === endpoint.isHealthy ? 0 : check.against + 1
    const needed = check.isFirst ? 1 : isWell ? this.#config.rise : this.#config.fall
    check.isFirst = false
    if (check.against >= needed) this.#turn(check, problem)
    const delayMs = this.#config.intervalMs * (1 + JITTER * (2 * random() - 1))
    check.timer = clock.setTimer(delayMs, () => {
      this.#due.push(check)
      this.#runDue()
    })
  }

  #turn(check: Check, problem: string | undefined): void {
    const { log } = this.#environment
    const fields = { upstream: this.#group?.label, endpoint: check.endpoint.label }
    check.against = 0
    check.endpoint.isHealthy = problem === undefined
    if (problem === undefined) log.info(fields, 'an endpoint is healthy again')
    else log.warn({ ...fields, problem }, 'an endpoint is unhealthy')
  }
}
