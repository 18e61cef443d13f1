import { isIP } from 'node:net'
import type { Clock, Timer } from '../core/clock.js'
import type { DnsSourceConfig } from '../core/config/config.js'
import { type EndpointSource, MAX_SOURCED_ENDPOINTS, type SourcedEndpoint } from '../core/endpoint-source.js'
import { errorText } from '../core/error-text.js'
import type { Log } from '../core/log.js'
import type { Found, Resolver, Service } from './resolver.js'

export interface DnsSourceEnvironment {
  readonly resolver: Pick<Resolver, 'addresses' | 'services'>
  readonly clock: Clock
  readonly log: Log
  /** Numbers from 0 to below 1. */
  readonly random: () => number
}

/** How often the same names are asked for, whatever the answers say. */
export interface RefreshBounds {
  readonly minTtlMs: number
  readonly maxTtlMs: number
  /** "There is no such name" takes away a set that was there only when it has been said for so long. */
  readonly holdMs: number
}

/** Refreshes that were due together drift apart by this share of the time to live. */
const JITTER = 0.1
/** Targets of SRV records that are asked for at once. */
const MAX_QUESTIONS = 8
/** A name that could not be resolved is asked for again after `minTtlMs`, then twice as long each time, up to this. */
const MAX_RETRY_MS = 30_000

type Addresses = Pick<Found<string>, 'data' | 'ttlMs' | 'unasked'>

interface Answer {
  readonly endpoints: readonly SourcedEndpoint[]
  readonly ttlMs: number
}

/**
 * Endpoints by DNS: the addresses of a name with one port, or what SRV records name. Asked anew when the answer's time to live is
 * over; what fails keeps the last set.
 */
export class DnsSource implements EndpointSource {
  readonly label: string
  problem: string | undefined = 'it has not been resolved yet'
  readonly #config: DnsSourceConfig
  readonly #bounds: RefreshBounds
  readonly #environment: DnsSourceEnvironment
  readonly #stopped = new AbortController()
  #onChange: (endpoints: readonly SourcedEndpoint[]) => void = () => {}
  #timer: Timer | undefined
  #count = 0
  #failures = 0
  /** Since when there has been no such name; undefined while there is one. */
  #goneSince: number | undefined
  /** The addresses of the last answer, by the name that was asked for. */
  #addresses: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(config: DnsSourceConfig, bounds: RefreshBounds, environment: DnsSourceEnvironment) {
    this.label = config.kind === 'srv' ? `srv ${config.name}` : `dns ${config.name}:${config.port}`
    this.#config = config
    this.#bounds = bounds
    this.#environment = environment
  }

  async start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void> {
    this.#onChange = onChange
    await this.#refresh()
  }

  stop(): void {
    this.#stopped.abort()
    this.#timer?.cancel()
  }

  async #refresh(): Promise<void> {
    const { signal } = this.#stopped
    try {
      const answer = await this.#resolve(signal)
      if (!signal.aborted) this.#refreshIn(this.#answered(answer) * (1 + JITTER * this.#environment.random()))
    } catch (error) {
      if (!signal.aborted) this.#refreshIn(this.#failed(error))
    }
  }

  #refreshIn(delayMs: number): void {
    this.#timer = this.#environment.clock.setTimer(delayMs, () => void this.#refresh())
  }

  /** Gives how long to wait for the next question. */
  #answered({ endpoints, ttlMs }: Answer): number {
    const { log } = this.#environment
    if (this.#failures > 0) log.info({ source: this.label }, 'endpoints are resolved again')
    this.#failures = 0
    const delayMs = Math.min(this.#bounds.maxTtlMs, Math.max(this.#bounds.minTtlMs, ttlMs))
    if (endpoints.length > 0) {
      this.#goneSince = undefined
      this.#publish(endpoints)
    } else if (this.#isGone()) this.#publish([])
    return this.#count > 0 ? Math.min(delayMs, this.#holdLeftMs()) : delayMs
  }

  /** Infinite where nothing is held against what was answered. */
  #holdLeftMs(): number {
    if (this.#goneSince === undefined) return Infinity
    const leftMs = this.#goneSince + this.#bounds.holdMs - this.#environment.clock.now()
    return Math.max(this.#bounds.minTtlMs, leftMs)
  }

  /** There is no such name, or no such record: is that to be believed by now? */
  #isGone(): boolean {
    const now = this.#environment.clock.now()
    this.#goneSince ??= now
    this.problem = 'there is no such name, or it has no such records'
    const isOver = now - this.#goneSince >= this.#bounds.holdMs
    if (this.#count > 0)
      this.#environment.log.warn(
        { source: this.label, isOver },
        isOver ? 'endpoints are gone' : 'endpoints may be gone',
      )
    return this.#count > 0 && isOver
  }

  #publish(endpoints: readonly SourcedEndpoint[]): void {
    const kept = endpoints.slice(0, MAX_SOURCED_ENDPOINTS)
    if (kept.length < endpoints.length) {
      const message = `only ${MAX_SOURCED_ENDPOINTS} of ${endpoints.length} endpoints are used`
      this.#environment.log.warn({ source: this.label }, message)
    }
    if (kept.length > 0) this.problem = undefined
    this.#count = kept.length
    this.#onChange(kept)
  }

  #failed(error: unknown): number {
    this.problem = errorText(error)
    if (this.#failures++ === 0) {
      const message = 'endpoints could not be resolved, the last ones stay'
      this.#environment.log.warn({ source: this.label, endpoints: this.#count, err: error }, message)
    }
    return Math.min(MAX_RETRY_MS, this.#bounds.minTtlMs * 2 ** Math.min(this.#failures - 1, 16))
  }

  async #resolve(signal: AbortSignal): Promise<Answer> {
    const { name, weight, maxConnections } = this.#config
    if (this.#config.kind === 'srv') return await this.#resolveServices(signal)
    const { port } = this.#config
    const found = await this.#environment.resolver.addresses(name, signal)
    const data = this.#complete(new Map([[name, found]])).get(name)!
    return { endpoints: inOrder(data.map((host) => ({ host, port, weight, maxConnections }))), ttlMs: found.ttlMs }
  }

  async #resolveServices(signal: AbortSignal): Promise<Answer> {
    const { data, ttlMs, alongside } = await this.#environment.resolver.services(this.#config.name, signal)
    const services = data.filter(({ target }) => target !== '')
    const found = await this.#targets(services, alongside, signal)
    const addresses = this.#complete(found)
    const endpoints = services.flatMap((service) =>
      (addresses.get(service.target) ?? []).map((host) => this.#endpoint(host, service)),
    )
    return { endpoints: inOrder(endpoints), ttlMs: Math.min(ttlMs, ...[...found.values()].map((each) => each.ttlMs)) }
  }

  /** What was found, and of a family that could not be asked for what was known before: a failure takes nothing away. */
  #complete(found: ReadonlyMap<string, Addresses>): ReadonlyMap<string, readonly string[]> {
    const known = this.#addresses
    this.#addresses = new Map(
      [...found].map(([name, { data, unasked }]) => {
        const kept = unasked === undefined ? [] : (known.get(name) ?? []).filter((host) => isIP(host) === unasked)
        return [name, [...data, ...kept]]
      }),
    )
    return this.#addresses
  }

  /** Weight 0 is "hardly ever" (RFC 2782); where all have it they are the same. */
  #endpoint(host: string, { port, weight, priority }: Service): SourcedEndpoint {
    const share = (this.#config.weight ?? 1) * Math.max(1, weight)
    return { host, port, priority, weight: share, maxConnections: this.#config.maxConnections }
  }

  /** The addresses of each target: as the server sent them along, otherwise by a question of their own. */
  async #targets(
    services: readonly Service[],
    alongside: Found<Service>['alongside'],
    signal: AbortSignal,
  ): Promise<Map<string, Addresses>> {
    const targets = [...new Set(services.map(({ target }) => target))].slice(0, MAX_SOURCED_ENDPOINTS)
    const found = new Map<string, Addresses>()
    const left = targets.filter((target) => {
      const data = alongside.get(target)
      if (data) found.set(target, { data, ttlMs: Infinity })
      return data === undefined
    })
    const ask = async (): Promise<void> => {
      for (let target = left.pop(); target !== undefined; target = left.pop()) {
        // With the dot it is absolute: a target is a full name, and no search list applies to it.
        found.set(target, await this.#environment.resolver.addresses(`${target}.`, signal))
      }
    }
    await Promise.all(Array.from({ length: MAX_QUESTIONS }, ask))
    return found
  }
}

/**
 * Each address once, in one order: servers rotate what they answer, and so the same answer is the same set, and a bounded one keeps
 * the same members.
 */
function inOrder(endpoints: readonly SourcedEndpoint[]): SourcedEndpoint[] {
  const sorted = [...endpoints].sort((a, b) =>
    a.host !== b.host ? (a.host < b.host ? -1 : 1) : a.port - b.port || (a.priority ?? 0) - (b.priority ?? 0),
  )
  return sorted.filter(({ host, port }, index) => {
    const before = sorted[index - 1]
    return before?.host !== host || before.port !== port
  })
}
