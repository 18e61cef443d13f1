import { isIP } from 'node:net'
import type { Address } from './address.js'
import type { Clock, Timer } from './clock.js'
import { type ErrorCode, SluiceError } from './errors.js'
import { lookupAddresses } from './lookup-addresses.js'
import type { LoopGuard } from './loop-guard.js'
import type { Transport } from './transport.js'
import type { Endpoint, Outcome } from './endpoint.js'
import type { Wire } from './wire.js'

/** What dialling needs of its surroundings: one for all connections of a listener. */
export interface DialEnvironment {
  readonly transport: Transport
  readonly clock: Clock
  readonly loops: LoopGuard
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  /** Servers see the client's address in place of ours. */
  readonly isSourcePreserved: boolean
}

/** What is dialled: a group, or one endpoint of it. */
export interface DialTarget {
  readonly label: string
  /** Its endpoints hear how long connecting took. That it failed, they always hear. */
  readonly observesConnections: boolean
  /** Why there is no endpoint to try, where none was tried. */
  readonly unavailable: SluiceError
  /** The next endpoint to try, not one of `tried`; undefined where none is left. */
  pick(tried?: ReadonlySet<Endpoint>, hashKey?: string): Endpoint | undefined
}

export interface DialEvents {
  /** The wire is open. `address` is what was connected, an IP literal and port. */
  dialOpened(wire: Wire, endpoint: Endpoint): void
  /** No endpoint could be connected. Called instead of `dialOpened`. */
  dialFailed(error: SluiceError): void
  /** One endpoint could not be connected; the next is tried. */
  dialAttemptFailed(endpoint: Endpoint, error: NodeJS.ErrnoException): void
}

/**
 * Connects to a group: picks an endpoint, connects, takes the next one on failure, each once, all within the connect timeout. The
 * endpoint counts as used from the attempt on; `release` lets it go when the wire is closed.
 */
export class Dial {
  #group: DialTarget
  #events: DialEvents
  readonly #environment: DialEnvironment
  readonly #source: Address
  /** When the attempt under way began, where somebody wants to know how long it took. */
  #startedAt = 0
  #timer: Timer | undefined
  #tried: Set<Endpoint> | undefined
  #endpoint: Endpoint | undefined
  #wire: Wire | undefined
  #loopKey: string | undefined
  #lastError: NodeJS.ErrnoException | undefined
  #isSettled = false

  /** `source` is the client. */
  constructor(group: DialTarget, environment: DialEnvironment, events: DialEvents, source: Address) {
    this.#group = group
    this.#environment = environment
    this.#events = events
    this.#source = source
    this.#timer = environment.clock.setTimer(environment.connectTimeoutMs, () => this.#timedOut())
    this.#next()
  }

  get group(): DialTarget {
    return this.#group
  }

  /** The endpoint that is being connected, or is. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint
  }

  /** From now on `events` hears how the attempt under way comes out, and `group` says which one follows it. */
  handOver(group: DialTarget, events: DialEvents): void {
    this.#group = group
    this.#events = events
  }

  /** Gives up what is under way; `dialOpened` and `dialFailed` are not called then. */
  cancel(): void {
    if (this.#isSettled) return
    this.#settle()
    this.#wire?.reset()
    this.release()
  }

  /** The wire is closed: the endpoint has one connection less. */
  release(): void {
    const endpoint = this.#endpoint
    this.#endpoint = undefined
    endpoint?.connectionClosed()
    if (this.#loopKey !== undefined) this.#environment.loops.remove(this.#loopKey)
    this.#loopKey = undefined
  }

  #settle(): void {
    this.#isSettled = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #next(): void {
    const endpoint = this.#group.pick(this.#tried, this.#source.host)
    if (endpoint === undefined) {
      // A caller of the constructor must have the object before it hears of the failure.
      process.nextTick(() => this.#exhausted())
      return
    }
    this.#endpoint = endpoint
    endpoint.open++
    if (this.#group.observesConnections) this.#startedAt = this.#environment.clock.now()
    if (isIP(endpoint.host) !== 0) this.#connect(endpoint, endpoint.host)
    else void this.#connectByName(endpoint)
  }

  async #connectByName(endpoint: Endpoint): Promise<void> {
    try {
      const { transport } = this.#environment
      this.#tryAddresses(endpoint, await lookupAddresses(transport, endpoint.host))
    } catch (error) {
      this.#attemptFailed(endpoint, error as NodeJS.ErrnoException)
    }
  }

  #tryAddresses(endpoint: Endpoint, addresses: readonly string[]): void {
    const [first, ...rest] = addresses
    if (first !== undefined && !this.#isSettled) this.#connect(endpoint, first, rest)
  }

  #connect(endpoint: Endpoint, host: string, others: readonly string[] = []): void {
    const { transport, loops, keepAliveMs, isSourcePreserved } = this.#environment
    const from = isSourcePreserved ? this.#source.host : undefined
    const wire = transport.connect({ host, port: endpoint.port, keepAliveMs, from }, (error) => {
      if (this.#isSettled) return
      if (error === undefined) this.#opened(wire, endpoint)
      else if (others.length > 0) this.#tryAddresses(endpoint, others)
      else this.#attemptFailed(endpoint, error)
    })
    this.#wire = wire
    if (!loops.mayReachUs(endpoint.port)) return
    process.nextTick(() => {
      if (!this.#isSettled && this.#wire === wire) this.#guard(loops, wire, { host, port: endpoint.port })
    })
  }

  #guard(loops: LoopGuard, wire: Wire, remote: Address): void {
    if (this.#loopKey !== undefined) loops.remove(this.#loopKey)
    this.#loopKey = loops.add(wire, remote)
  }

  #opened(wire: Wire, endpoint: Endpoint): void {
    this.#settle()
    if (this.#group.observesConnections) {
      const now = this.#environment.clock.now()
      endpoint.observe({ latencyMs: now - this.#startedAt, isFailure: false }, now)
    }
    this.#events.dialOpened(wire, endpoint)
  }

  #attemptFailed(endpoint: Endpoint, error: NodeJS.ErrnoException): void {
    if (this.#isSettled) return
    this.#lastError = error
    this.release()
    if (!OWN_ERRORS.has(error.code)) endpoint.observe(FAILURE, this.#environment.clock.now())
    this.#tried ??= new Set()
    this.#tried.add(endpoint)
    this.#events.dialAttemptFailed(endpoint, error)
    this.#next()
  }

  #timedOut(): void {
    if (this.#isSettled) return
    this.#settle()
    this.#wire?.reset()
    this.#endpoint?.observe(FAILURE, this.#environment.clock.now())
    this.release()
    const seconds = this.#environment.connectTimeoutMs / 1000
    this.#events.dialFailed(
      new SluiceError(
        'SLUICE_CONNECT_TIMEOUT',
        this.#group.label,
        `${this.#group.label} did not answer within ${seconds} s`,
      ),
    )
  }

  #exhausted(): void {
    if (this.#isSettled) return
    this.#settle()
    this.#events.dialFailed(
      this.#lastError === undefined ? this.#group.unavailable : connectError(this.#group, this.#lastError),
    )
  }
}

const FAILURE: Outcome = { isFailure: true }

const CODE_OF_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: 'SLUICE_CONNECT_REFUSED',
  ETIMEDOUT: 'SLUICE_CONNECT_TIMEOUT',
  EHOSTUNREACH: 'SLUICE_CONNECT_UNREACHABLE',
  ENETUNREACH: 'SLUICE_CONNECT_UNREACHABLE',
  ECONNRESET: 'SLUICE_CONNECT_RESET',
  ENOTFOUND: 'SLUICE_NAME_NOT_FOUND',
  EAI_AGAIN: 'SLUICE_NAME_NOT_FOUND',
}

function connectError(group: DialTarget, cause: NodeJS.ErrnoException): SluiceError {
  const code = CODE_OF_ERRNO[cause.code ?? ''] ?? 'SLUICE_CONNECT_FAILED'
  return new SluiceError(code, group.label, `${group.label} could not be connected: ${cause.message}`, { cause })
}

/** Not the endpoint's fault: this process has no descriptor or port left, or may not. */
const OWN_ERRORS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'EACCES', 'EPERM'])
