import { formatAddress } from './address.js'
import type { SourcedEndpoint } from './endpoint-source.js'
import { PeakEwma } from './peak-ewma.js'
import type { SpareHolder } from './spare-holder.js'

/** How one connection or request at an endpoint came out. */
export interface Outcome {
  /** From asking to the answer's first byte, or for a connection until it was open; absent where nothing came. */
  readonly latencyMs?: number
  /** The endpoint's own fault: refused, reset, timed out, or a status that counts as failed. A client that went away is none. */
  readonly isFailure: boolean
}

/** The group that an endpoint is of. */
export interface EndpointOwner {
  /** The endpoint has one connection less. */
  roomAt(endpoint: Endpoint): void
}

/**
 * One `host:port` that a group may send to. The same object for as long as the group holds the address, also when the set around
 * it changes; once it has left it is `isGone` for ever, and what is in flight on it goes on.
 */
export class Endpoint {
  readonly host: string
  readonly port: number
  /** `host:port`, as in logs: what tells it from the group's others. */
  readonly label: string
  maxConnections: number
  /** Its share beside the others': twice the weight gets twice as much. */
  weight: number
  /** It is picked only where none of a smaller priority can be. */
  priority: number
  /** Connections that are open or being opened. */
  open = 0
  /** Requests in flight, counted by who sends them. */
  requests = 0
  /** Times it was picked: for a connection, counted by its group; for a request, by who gives it one. */
  picks = 0
  /** Times it was set aside. */
  ejections = 0
  /** What active health checks say; true where there are none. */
  isHealthy = true
  /** Set aside for a while, because of how requests and connections came out. */
  isEjected = false
  /** Hears every outcome; set by the group where outcomes have consequences. */
  onOutcome: ((endpoint: Endpoint, outcome: Outcome) => void) | undefined
  /** Who may hold connections to it that serve nobody, the first to come first: asked where the endpoint is full. */
  readonly spareHolders = new Set<SpareHolder>()
  readonly #owner: EndpointOwner | undefined
  #isGone = false
  #whenGone: Set<() => void> | undefined
  #latency: PeakEwma | undefined

  constructor(config: SourcedEndpoint, owner?: EndpointOwner) {
    this.#owner = owner
    this.host = config.host
    this.port = config.port
    this.label = formatAddress(config.host, config.port)
    this.maxConnections = config.maxConnections ?? Infinity
    this.weight = config.weight ?? 1
    this.priority = config.priority ?? 0
  }

  get isFull(): boolean {
    return this.open >= this.maxConnections
  }

  /** May be picked: neither ejected nor unhealthy. */
  get isUsable(): boolean {
    return this.isHealthy && !this.isEjected
  }

  /** The group does not hold it any more. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Recent latency, its peaks first; undefined where nothing was observed. `now` is the clock's. */
  latencyMs(now: number): number | undefined {
    return this.#latency?.valueAt(now)
  }

  /** To be called once for each request or connection that has come out. `now` is the clock's. Cheap. */
  observe(outcome: Outcome, now: number): void {
    this.#latency ??= new PeakEwma()
    this.#latency.observe(outcome, now)
    this.onOutcome?.(this, outcome)
  }

  /** A connection that counted in `open` is none any more. */
  connectionClosed(): void {
    this.open--
    this.#owner?.roomAt(this)
  }

  /** Calls back once, when the group lets the endpoint go: pools then close what is idle. Returns how to stop listening. */
  whenGone(callback: () => void): () => void {
    this.#whenGone ??= new Set()
    this.#whenGone.add(callback)
    return () => void this.#whenGone?.delete(callback)
  }

  /** The group takes on what a newer answer says of the same address. */
  update(config: SourcedEndpoint): void {
    this.maxConnections = config.maxConnections ?? Infinity
    this.weight = config.weight ?? 1
    this.priority = config.priority ?? 0
  }

  /** The group has let go. */
  leave(): void {
    this.#isGone = true
    const callbacks = this.#whenGone ?? []
    this.#whenGone = undefined
    for (const callback of callbacks) callback()
  }
}
