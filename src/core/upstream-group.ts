import { type Balancer, isEligible, type Load, type Tried } from './balance/balancer.js'
import { makeBalancer } from './balance/make-balancer.js'
import { type Clock, systemClock } from './clock.js'
import type { Balance, HashOn } from './config/config.js'
import { Endpoint, type EndpointOwner } from './endpoint.js'
import type { EndpointSource, SourcedEndpoint } from './endpoint-source.js'
import { SluiceError } from './errors.js'
import type { GroupPart } from './group-part.js'

/** What a group is made of beside its fixed endpoints. */
export interface GroupOptions {
  /** Absent: `round-robin` for connections, `peak-ewma` for requests. */
  readonly balance?: Balance | undefined
  /** What `consistent-hash` looks at. Default: the client's address. */
  readonly hashOn?: HashOn | undefined
  readonly sources?: readonly EndpointSource[]
  /** What watches over the endpoints. */
  readonly parts?: readonly GroupPart[]
  /** Every outcome of a connection is of interest, also when it goes well. */
  readonly observesConnections?: boolean
  readonly clock?: Clock
  /** Numbers from 0 to below 1. */
  readonly random?: () => number
}

/** Shared: groups of one are made for each connection to an original destination. */
const NONE: readonly never[] = []
const NONE_BY_SOURCE: (readonly SourcedEndpoint[])[] = []

/** Who waits until an endpoint may have one connection more. */
export interface RoomWaiter {
  /** The endpoint has one connection less, or is new. Not called for each that becomes usable again: look now and then. */
  roomAt(endpoint: Endpoint): void
  wants(endpoint: Endpoint): boolean
}

/** What is to be placed. */
export interface RequestPick {
  readonly tried?: ReadonlySet<Endpoint> | undefined
  /** For `consistent-hash`: what the group's `hashOn` names, where the request has it. */
  readonly hashKey?: string | undefined
  /** The clock's, where the caller has it. */
  readonly now?: number
}

/** Endpoints of one priority, and what picks among them. */
class Tier {
  readonly priority: number
  endpoints: readonly Endpoint[] = NONE
  ofConnections: Balancer | undefined
  ofRequests: Balancer | undefined

  constructor(priority: number) {
    this.priority = priority
  }
}

/**
 * Where connections and requests go: endpoints, and how one of them is picked. A plain `host:port` is a group of one, without a
 * name. The set may change; an endpoint that leaves it is told, and what is in flight there goes on.
 */
export class UpstreamGroup implements EndpointOwner {
  /** The upstream's name in the YAML, undefined for a plain `host:port`. */
  readonly name: string | undefined
  readonly hashOn: HashOn
  /** Whether who connects is to observe connections that were opened, too; those that failed are observed in any case. */
  readonly observesConnections: boolean
  /** Changes of the set so far. */
  changes = 0
  readonly #balance: Balance | undefined
  readonly #clock: Clock
  readonly #random: () => number
  readonly #sources: readonly EndpointSource[]
  readonly #parts: readonly GroupPart[]
  /** By source, the fixed ones first. */
  readonly #sets: (readonly SourcedEndpoint[])[]
  readonly #subscribers = new Set<() => void>()
  #waiting: Set<RoomWaiter> | undefined
  #endpoints: readonly Endpoint[]
  /** What picks: one for each priority that endpoints have, the first first. Made when first used: most groups are one endpoint. */
  #tiers: readonly Tier[] | undefined

  constructor(name: string | undefined, endpoints: readonly SourcedEndpoint[], options: GroupOptions = {}) {
    this.name = name
    this.hashOn = options.hashOn ?? 'source'
    this.#balance = options.balance
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#sources = options.sources ?? NONE
    this.#parts = options.parts ?? NONE
    this.observesConnections = options.observesConnections ?? false
    this.#sets = this.#sources.length === 0 ? NONE_BY_SOURCE : [endpoints, ...this.#sources.map(() => [])]
    this.#endpoints = endpoints.map((endpoint) => new Endpoint(endpoint, this))
  }

  /** The current set: a new array whenever it changes. Empty where no source has answered yet. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** The name, or `host:port`. */
  get label(): string {
    return this.name ?? this.#endpoints[0]?.label ?? ''
  }

  /** The port that all endpoints share; undefined where they differ. */
  get port(): number | undefined {
    const port = this.#endpoints[0]?.port
    return this.#endpoints.every((endpoint) => endpoint.port === port) ? port : undefined
  }

  /**
   * The next endpoint to connect to, not one of `tried`, usable and not full; undefined where none is left. One that is set aside
   * only where no other is healthy.
   */
  pick(tried?: ReadonlySet<Endpoint>, hashKey?: string): Endpoint | undefined {
    const picked = this.#pick('open', tried, hashKey)
    if (picked) picked.picks++
    return picked
  }

  /**
   * The endpoint for the next request, by the group's `balance`: usable, not one of `tried`. It may hold as many connections as it
   * may: the request waits for one, or is given one that is idle. Undefined where none is left. Who gives the request to an endpoint
   * counts that: one that waits is picked for again.
   */
  pickForRequest({ tried, hashKey, now }: RequestPick = {}): Endpoint | undefined {
    return this.#pick('requests', tried, hashKey, now)
  }

  /** The same key goes to the same endpoint, also where that has no connection to spare and another has. */
  get isSticky(): boolean {
    return this.#balance === 'consistent-hash'
  }

  /** Whether a pick may give this endpoint, as far as its health goes. */
  accepts(endpoint: Endpoint): boolean {
    return endpoint.isUsable || (endpoint.isHealthy && !this.#endpoints.some(({ isUsable }) => isUsable))
  }

  /** `waiter` is told of each connection less to an endpoint, until `stopWaiting`. */
  waitForRoom(waiter: RoomWaiter): void {
    this.#waiting ??= new Set()
    this.#waiting.add(waiter)
  }

  stopWaiting(waiter: RoomWaiter): void {
    this.#waiting?.delete(waiter)
  }

  get isWanted(): boolean {
    return this.#waiting !== undefined && this.#waiting.size > 0
  }

  /** Whether somebody else than `waiter` waits for this endpoint. */
  isWantedBeside(waiter: RoomWaiter, endpoint: Endpoint): boolean {
    for (const other of this.#waiting ?? []) if (other !== waiter && other.wants(endpoint)) return true
    return false
  }

  roomAt(endpoint: Endpoint): void {
    if (this.#waiting !== undefined) for (const waiter of this.#waiting) waiter.roomAt(endpoint)
  }

  /** Calls back after every change of the set. Returns how to stop listening. */
  subscribe(onChange: () => void): () => void {
    this.#subscribers.add(onChange)
    return () => void this.#subscribers.delete(onChange)
  }

  /** What is wrong with sources: they have no set, or not a current one. */
  get problems(): readonly string[] {
    return this.#sources.flatMap(({ label, problem }) => (problem === undefined ? [] : [`${label}: ${problem}`]))
  }

  /** Why nothing can be picked, for who was given nothing. */
  get unavailable(): SluiceError {
    const { label, problems } = this
    if (this.#endpoints.length === 0) {
      const why = problems.length === 0 ? 'its sources name none' : problems.join('; ')
      return new SluiceError('SLUICE_NO_ENDPOINT', label, `${label} has no endpoint: ${why}`)
    }
    if (!this.#endpoints.some(({ isHealthy }) => isHealthy)) {
      const message = `no endpoint of ${label} can be used: each is unhealthy`
      return new SluiceError('SLUICE_NO_USABLE_ENDPOINT', label, message)
    }
    const message = `every endpoint of ${label} holds as many connections as it may`
    return new SluiceError('SLUICE_UPSTREAM_FULL', label, message)
  }

  /** Called once, when the proxy starts: sources and watchers begin. Settles when every source has tried; never rejects. */
  async start(): Promise<void> {
    for (const part of this.#parts) part.start(this)
    const { length } = this.#sources
    await Promise.all(
      Array.from({ length }, (_, index) => this.#sources[index]!.start((endpoints) => this.#use(index + 1, endpoints))),
    )
  }

  /** Called once, after `start`: nothing is left behind. Endpoints stay, for what is still in flight. */
  stop(): void {
    for (const source of this.#sources) source.stop()
    for (const part of this.#parts) part.stop()
  }

  #pick(load: Load, tried: Tried, hashKey: string | undefined, now?: number): Endpoint | undefined {
    const chosen = this.#endpoints.length > 1 ? this.#ofFirstTier(load, tried, hashKey, now) : this.#only(load, tried)
    return chosen ?? this.#lastResort(load, tried)
  }

  /** Most groups are one endpoint, made for one connection: no balancer for that. */
  #only(load: Load, tried: Tried): Endpoint | undefined {
    const [only] = this.#endpoints
    return only && isEligible(only, load, tried) ? only : undefined
  }

  /** Of the first priority that has one to give. */
  #ofFirstTier(load: Load, tried: Tried, hashKey: string | undefined, now?: number): Endpoint | undefined {
    for (const tier of (this.#tiers ??= this.#makeTiers())) {
      const chosen = this.#balancer(tier, load).pick(load, tried, hashKey, now)
      if (chosen !== undefined) return chosen
    }
    return undefined
  }

  /** All that are healthy are set aside, as when checks have taken the others out since: any of them is better than none. */
  #lastResort(load: Load, tried: Tried): Endpoint | undefined {
    if (this.#endpoints.some(({ isUsable }) => isUsable)) return undefined
    const isLeft = (endpoint: Endpoint): boolean => !(load === 'open' && endpoint.isFull) && !tried?.has(endpoint)
    const healthy = this.#endpoints.filter((endpoint) => endpoint.isHealthy && isLeft(endpoint))
    return healthy[Math.floor(this.#random() * healthy.length)]
  }

  /** Balancers of a priority that was there before go on with what they know. */
  #makeTiers(): readonly Tier[] {
    const priorities = new Set(this.#endpoints.map(({ priority }) => priority))
    return [...priorities]
      .sort((one, other) => one - other)
      .map((priority) => {
        const tier = this.#tiers?.find((known) => known.priority === priority) ?? new Tier(priority)
        tier.endpoints = this.#endpoints.filter((endpoint) => endpoint.priority === priority)
        tier.ofConnections?.use(tier.endpoints)
        tier.ofRequests?.use(tier.endpoints)
        return tier
      })
  }

  /** Made when first used: most groups are of one kind of traffic only. */
  #balancer(tier: Tier, load: Load): Balancer {
    return load === 'open'
      ? (tier.ofConnections ??= this.#make(tier, 'round-robin'))
      : (tier.ofRequests ??= this.#make(tier, 'peak-ewma'))
  }

  #make({ endpoints }: Tier, byDefault: Balance): Balancer {
    const balancer = makeBalancer(this.#balance ?? byDefault, this.#random, () => this.#clock.now())
    balancer.use(endpoints)
    return balancer
  }

  #use(index: number, endpoints: readonly SourcedEndpoint[]): void {
    this.#sets[index] = endpoints
    const before = new Map(this.#endpoints.map((endpoint) => [endpoint.label, endpoint]))
    const after = new Map<string, Endpoint>()
    let hasChanged = false
    for (const config of this.#sets.flat()) {
      const made = new Endpoint(config, this)
      if (after.has(made.label)) continue
      const known = before.get(made.label)
      if (known?.weight !== made.weight || known.priority !== made.priority) hasChanged = true
      known?.update(config)
      after.set(made.label, known ?? made)
    }
    const gone = [...before.values()].filter(({ label }) => !after.has(label))
    if (!hasChanged && gone.length === 0) return
    this.#endpoints = [...after.values()]
    if (this.#tiers !== undefined && this.#endpoints.length > 0) this.#tiers = this.#makeTiers()
    this.changes++
    for (const endpoint of gone) endpoint.leave()
    for (const subscriber of this.#subscribers) subscriber()
    for (const endpoint of this.#endpoints) this.roomAt(endpoint)
  }
}
