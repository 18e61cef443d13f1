import { type EndpointSource, MAX_SOURCED_ENDPOINTS, type SourcedEndpoint } from './endpoint-source.js'
import { errorText } from './error-text.js'
import type { Log } from './log.js'

/** What the YAML says of all endpoints of a source. */
export interface SourceShare {
  readonly weight: number | undefined
  readonly maxConnections: number | undefined
}

const MAX_PORT = 65_535
/** RFC 1035 section 2.3.4: a name of 255 bytes on the wire is two less when written with dots. */
const MAX_HOST = 253

/**
 * Holds a plugin's source to its contract: what it throws or names wrongly is logged and keeps the last set, and it is not heard
 * before `start` or after `stop`.
 */
export class GuardedSource implements EndpointSource {
  readonly label: string
  readonly #source: EndpointSource
  readonly #share: SourceShare
  readonly #log: Log
  #fault: string | undefined
  #isStopped = false

  constructor(source: EndpointSource, share: SourceShare, log: Log) {
    this.label = source.label
    this.#source = source
    this.#share = share
    this.#log = log
  }

  get problem(): string | undefined {
    return this.#fault ?? this.#source.problem
  }

  async start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void> {
    try {
      await this.#source.start((endpoints) => this.#changed(endpoints, onChange))
    } catch (error) {
      this.#failed('the source could not start', error)
    }
  }

  stop(): void {
    this.#isStopped = true
    try {
      this.#source.stop()
    } catch (error) {
      this.#failed('the source could not be stopped', error)
    }
  }

  #changed(named: readonly SourcedEndpoint[], onChange: (endpoints: readonly SourcedEndpoint[]) => void): void {
    if (this.#isStopped) return
    let endpoints: readonly SourcedEndpoint[]
    try {
      endpoints = named.slice(0, MAX_SOURCED_ENDPOINTS).map((endpoint) => this.#read(endpoint))
    } catch (error) {
      this.#failed('the source named what is no endpoint, the last ones stay', error)
      return
    }
    this.#fault = undefined
    if (endpoints.length < named.length) {
      const message = `only ${MAX_SOURCED_ENDPOINTS} of ${named.length} endpoints are used`
      this.#log.warn({ source: this.label }, message)
    }
    onChange(endpoints)
  }

  /** A copy: the source may use its own again. */
  #read({
    host,
    port,
    weight = 1,
    maxConnections = this.#share.maxConnections,
    priority = 0,
  }: SourcedEndpoint): SourcedEndpoint {
    if (typeof host !== 'string' || host === '' || host.length > MAX_HOST)
      throw new TypeError(`a host is a text of 1 to ${MAX_HOST} characters, got ${String(host).slice(0, MAX_HOST)}`)
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
      throw new TypeError(`${host}: a port is a whole number from 1 to ${MAX_PORT}, got ${String(port)}`)
    if (!(weight > 0) || !Number.isFinite(weight))
      throw new TypeError(`${host}: a weight is a number above 0, got ${String(weight)}`)
    if (maxConnections !== undefined && !(maxConnections >= 1))
      throw new TypeError(`${host}: maxConnections is a number from 1 on, got ${String(maxConnections)}`)
    if (!Number.isInteger(priority) || priority < 0)
      throw new TypeError(`${host}: a priority is a whole number from 0 on, got ${String(priority)}`)
    return { host, port, priority, weight: weight * (this.#share.weight ?? 1), maxConnections }
  }

  #failed(message: string, error: unknown): void {
    this.#fault = errorText(error)
    this.#log.error({ source: this.label, err: error }, message)
  }
}
