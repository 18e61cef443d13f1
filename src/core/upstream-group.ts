import { formatAddress } from './address.js'
import type { Balance, EndpointConfig } from './config/config.js'

/** One `host:port` that a group may send connections to. */
export class Endpoint {
  readonly host: string
  readonly port: number
  /** `host:port`, as in logs. */
  readonly label: string
  readonly maxConnections: number
  /** Connections that are open or being opened. */
  open = 0

  constructor(config: EndpointConfig) {
    this.host = config.host
    this.port = config.port
    this.label = formatAddress(config.host, config.port)
    this.maxConnections = config.maxConnections ?? Infinity
  }

  get isFull(): boolean {
    return this.open >= this.maxConnections
  }
}

/** Where connections go: endpoints, and how one of them is picked. A plain `host:port` is a group of one, without a name. */
export class UpstreamGroup {
  /** The upstream's name in the YAML, undefined for a plain `host:port`. */
  readonly name: string | undefined
  readonly endpoints: readonly Endpoint[]
  readonly #balance: Balance
  #turn = 0

  constructor(name: string | undefined, endpoints: readonly EndpointConfig[], balance: Balance = 'round-robin') {
    this.name = name
    this.endpoints = endpoints.map((endpoint) => new Endpoint(endpoint))
    this.#balance = balance
  }

  /** The name, or `host:port`. */
  get label(): string {
    return this.name ?? this.endpoints[0]?.label ?? ''
  }

  /** The port that all endpoints share; undefined where they differ. */
  get port(): number | undefined {
    const port = this.endpoints[0]?.port
    return this.endpoints.every((endpoint) => endpoint.port === port) ? port : undefined
  }

  /** The next endpoint to try, not one of `tried` and not a full one; undefined where none is left. */
  pick(tried?: ReadonlySet<Endpoint>): Endpoint | undefined {
    const usable = (endpoint: Endpoint): boolean => !endpoint.isFull && !tried?.has(endpoint)
    const count = this.endpoints.length
    const start = this.#balance === 'random' ? Math.floor(Math.random() * count) : this.#turn++ % count
    let best: Endpoint | undefined
    for (let i = 0; i < count; i++) {
      const endpoint = this.endpoints[(start + i) % count]!
      if (!usable(endpoint)) continue
      if (this.#balance !== 'least-connections') return endpoint
      if (best === undefined || endpoint.open < best.open) best = endpoint
    }
    return best
  }
}
