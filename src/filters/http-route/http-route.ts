import 'reflect-metadata'
import { inject } from 'tsyringe'
import type { Clock, Timer } from '../../core/clock.js'
import type { Connection } from '../../core/connection.js'
import { type CheckContext, defineFilter, type Filter, type Finding, type Verdict } from '../../core/filter.js'
import type { ListenerContext } from '../../core/listener-context.js'
import type { Metrics } from '../../core/metrics.js'
import { ProxiedConnection } from '../../core/proxied-connection.js'
import { CLOCK, LISTENER, METRICS, OPTIONS, UPSTREAMS } from '../../core/tokens.js'
import type { Upstreams } from '../../core/upstreams.js'
import { HTTP_RECORDER, HttpRecorder } from '../../http/http-recorder.js'
import { REQUEST_HUB, type RequestHub } from '../../http/request-hub.js'
import { checkRules } from './check-rules.js'
import { forwardingFields } from './forwarding-fields.js'
import { Gather } from './gather.js'
import { Http1Session } from './http1-session.js'
import { type HttpRouteOptions, httpRouteOptions } from './options.js'
import { KeptRequests } from './kept-requests.js'
import { RetryBudget } from './retry-budget.js'
import { makeRule, type RouteRule } from './route-rule.js'
import { type RequestLoad, type RetryPolicy, RouteCounts, type RouteServices } from './route-services.js'
import { UpstreamPools } from './upstream-pools.js'

/** How often times are looked at: none ends more than this too late. */
const MAX_SWEEP_MS = 1_000
const MIN_SWEEP_MS = 10
const SWEEPS_PER_TIMEOUT = 8
/**
 * A client that has been idle for less when a drain begins may be sending its next request: it gets so long, and its answer. Some round
 * trips over a slow link; who has been idle for longer is closed at once, so that a stop does not wait for idle clients.
 */
const DRAIN_LINGER_MS = 500

/** Sends every request of a connection that is detected as HTTP/1 to an endpoint of its own. */
class HttpRoute implements Filter<never> {
  readonly #options: HttpRouteOptions
  readonly #clock: Clock
  readonly #recorder: HttpRecorder
  readonly #counts: RouteCounts
  readonly #out = new Gather()
  readonly #kept = new KeptRequests()
  readonly #sessions = new Set<Http1Session>()
  /** Of one client each, where servers are told who it is. */
  readonly #ownPools = new Map<Http1Session, UpstreamPools>()
  readonly #rules: readonly RouteRule[]
  readonly #retries: RetryPolicy
  readonly #load: RequestLoad
  readonly #forwarding: RouteServices['forwarding']
  readonly #sweepMs: number
  #shared: RouteServices | undefined
  #sweeper: Timer | undefined
  #lingering: Timer | undefined
  #isDraining = false
  #isStopped = false

  constructor(
    @inject(OPTIONS) options: HttpRouteOptions,
    @inject(METRICS) metrics: Metrics,
    @inject(CLOCK) clock: Clock,
    @inject(LISTENER) listener: ListenerContext,
    @inject(REQUEST_HUB) hub: RequestHub,
    @inject(UPSTREAMS) upstreams: Upstreams,
  ) {
    this.#options = options
    this.#rules = options.rules.map((rule) => makeRule(rule, upstreams))
    const { ratio, minPerSecond, attempts, statuses } = options.retries
    const budget = new RetryBudget({ ratio, minPerSecond }, () => clock.now())
    this.#retries = { attempts, statuses: new Set(statuses), budget }
    this.#load = { count: 0, max: options.maxRequests ?? Infinity }
    this.#forwarding = forwardingFields(options.forwarding)
    this.#clock = clock
    this.#counts = new RouteCounts(metrics, listener.name)
    this.#recorder = new HttpRecorder({ metrics, clock, listener, hub }, NO_LABELS)
    const { header, idle, request = Infinity, attempt = Infinity } = options.timeouts
    const shortest = Math.min(header, idle, request, attempt, options.pool.idleTimeout)
    this.#sweepMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, shortest / SWEEPS_PER_TIMEOUT))
  }

  onConnection(connection: Connection): Verdict<never> {
    if (connection.detection?.protocol !== HTTP_1) return 'continue'
    const driven = driver(connection)
    const services = this.#servicesOf(driven)
    const recorder = (connection.get(HTTP_RECORDER) ?? this.#recorder).connection(connection)
    const session = new Http1Session(driven, services, recorder, (closed) => this.#closed(closed))
    this.#sessions.add(session)
    if (services !== this.#shared) this.#ownPools.set(session, services.pools)
    this.#adopt(driven, services.pools)
    this.#sweeper ??= this.#sweep()
    if (this.#isDraining) session.drain(-Infinity)
    session.start()
    return 'handled'
  }

  drain(): void {
    this.#isDraining = true
    const idleSince = this.#clock.now() - DRAIN_LINGER_MS
    for (const session of this.#sessions) session.drain(idleSince)
    this.#lingering = this.#clock.setTimer(DRAIN_LINGER_MS, () => {
      for (const session of this.#sessions) session.endDrain()
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#shared?.pools.close()
    this.#sweeper?.cancel()
    this.#lingering?.cancel()
  }

  /** The wire that was dialled before there was a request is the pool's first. */
  #adopt(connection: ProxiedConnection, pools: UpstreamPools): void {
    const taken = connection.surrenderUpstream()
    if (taken !== undefined) pools.adopt(connection.destination!, taken)
  }

  #servicesOf(connection: ProxiedConnection): RouteServices {
    if (connection.isClientTold) return this.#makeServices(connection)
    return (this.#shared ??= this.#makeServices(connection))
  }

  #makeServices(connection: ProxiedConnection): RouteServices {
    const { timeouts, pool, maxHeadBytes } = this.#options
    const { dial, tcpMetrics } = connection.environment
    const isOfOneClient = connection.isClientTold
    const pools = new UpstreamPools({
      dial,
      tcpMetrics,
      direction: connection.listener.direction,
      maxHeadBytes,
      idleMs: pool.idleTimeout,
      maxPending: pool.maxPending,
      source: connection.source,
      isOfOneClient,
      onOpened: (wire) => !isOfOneClient || connection.upstreamOpened(wire),
    })
    return {
      pools,
      rules: this.#rules,
      retries: this.#retries,
      load: this.#load,
      forwarding: this.#forwarding,
      clock: this.#clock,
      counts: this.#counts,
      out: this.#out,
      kept: this.#kept,
      maxHeadBytes,
      headerTimeoutMs: timeouts.header,
      idleTimeoutMs: timeouts.idle,
      requestTimeoutMs: timeouts.request ?? Infinity,
      attemptTimeoutMs: timeouts.attempt ?? Infinity,
      connectTimeoutMs: dial.connectTimeoutMs,
    }
  }

  #closed(session: Http1Session): void {
    this.#sessions.delete(session)
    this.#ownPools.get(session)?.close()
    this.#ownPools.delete(session)
  }

  /** One timer for all that may take too long, and none where there is nothing. */
  #sweep(): Timer | undefined {
    if (this.#isStopped) return undefined
    return this.#clock.setTimer(this.#sweepMs, () => {
      this.#sweeper = undefined
      const now = this.#clock.now()
      for (const session of this.#sessions) session.check(now)
      this.#shared?.pools.sweep(now)
      for (const pools of this.#ownPools.values()) pools.sweep(now)
      if (this.#sessions.size > 0 || this.#shared?.pools.isEmpty === false) this.#sweeper = this.#sweep()
    })
  }
}

const NAME = 'http-route'
const HTTP_1 = 'http/1'

/** Labels are options of `http-metrics`; where it stands in the chain, its recorder serves. */
const NO_LABELS = { method: false, authority: false, routes: [], grpc: false, maxValues: 1 }

export const httpRoute = defineFilter({
  name: NAME,
  options: httpRouteOptions,
  use: HttpRoute,
  needs: () => 'protocol',
  takesOver: [HTTP_1],
  check,
})

/** It drives its connections as the core does. */
function driver(connection: Connection): ProxiedConnection {
  if (connection instanceof ProxiedConnection) return connection
  throw new TypeError('http-route runs in a chain of the core only')
}

function check({ rules }: HttpRouteOptions, context: CheckContext): Finding[] {
  const findings = checkRules(rules, context)
  if (!context.before.includes('detect') && !context.before.includes('port-override')) {
    const message = 'takes what is detected as HTTP/1, and no filter before it finds that out: put "- detect" before it'
    findings.push({ severity: 'error', code: 'SLUICE_CONFIG_NEEDS_DETECT', path: [], message })
  }
  const { protocols } = (context.optionsBefore('detect') ?? {}) as { readonly protocols?: readonly string[] }
  if (protocols?.includes(HTTP_1) === false && !context.before.includes('port-override')) {
    const message = `gets nothing: detect looks for ${protocols.join(', ')} only. Add http/1 to its protocols`
    findings.push({ severity: 'error', code: 'SLUICE_CONFIG_NEEDS_DETECT', path: [], message })
  }
  if (context.before.includes(NAME)) {
    const message = 'gets nothing: the one before it takes all HTTP/1. Put all rules there'
    findings.push({ severity: 'warning', code: 'SLUICE_CONFIG_NO_EFFECT', path: [], message })
  }
  if (!context.listener.hasDestination && rules.length === 0) {
    const message = 'has no rules, and the listener has no destination: there is nowhere to send requests to'
    findings.push({ severity: 'error', code: 'SLUICE_CONFIG_NO_DESTINATION', path: [], message })
  }
  return findings
}
