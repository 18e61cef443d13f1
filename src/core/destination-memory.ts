import type { Clock } from './clock.js'
import type { DetectionResult } from './detection-result.js'

/** Carried without a name: what no sniffer knew. */
export const UNNAMED = 'unknown'

/** What one destination of a listener turned out to be. */
export interface RememberedDestination {
  readonly listener: string
  /** The endpoint that was connected, `host:port`. */
  readonly destination: string
  /** The port that `port-override` looks at. */
  readonly port: number
  /** Connections by what they were; `unknown`: bytes that no sniffer knew. */
  readonly protocols: Readonly<Record<string, number>>
  /** Since the last of them. */
  readonly idleMs: number
}

interface Entry {
  readonly listener: string
  readonly destination: string
  readonly port: number
  readonly protocols: Map<string, number>
  lastSeenAt: number
}

/**
 * Remembers what destinations turned out to be, for `sluice learn`. It names nothing by itself. Bounded: where it is full, the
 * destination that was seen least lately makes room; one that has not been seen for the expiry is forgotten.
 */
export class DestinationMemory {
  readonly #clock: Clock
  readonly #maxDestinations: number
  readonly #expiryMs: number
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock, maxDestinations: number, expiryMs: number) {
    this.#clock = clock
    this.#maxDestinations = maxDestinations
    this.#expiryMs = expiryMs
  }

  /**
   * A connection is over. What a port named teaches nothing, nor does one on which nothing was said, or which ended before it could be
   * told what it was: a port that is only scanned would become opaque.
   */
  note(listener: string, destination: string, port: number, result: DetectionResult): void {
    const { outcome, protocol, decidedBy, bytes } = result
    if (decidedBy === 'port' || this.#maxDestinations === 0) return
    if (protocol === undefined && (outcome === 'ended' || bytes.client + bytes.server === 0)) return
    const key = `${listener} ${port} ${destination}`
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#makeRoom()
      this.#entries.set(key, (entry = { listener, destination, port, protocols: new Map(), lastSeenAt: 0 }))
    }
    const name = protocol ?? UNNAMED
    entry.protocols.set(name, (entry.protocols.get(name) ?? 0) + 1)
    entry.lastSeenAt = this.#clock.now()
  }

  /** By listener and port. */
  list(): RememberedDestination[] {
    const now = this.#clock.now()
    this.#forget(now)
    return [...this.#entries.values()]
      .map(({ protocols, lastSeenAt, ...rest }) => ({
        ...rest,
        protocols: Object.fromEntries(protocols),
        idleMs: now - lastSeenAt,
      }))
      .sort((a, b) => a.listener.localeCompare(b.listener) || a.port - b.port)
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#maxDestinations) return
    this.#forget(this.#clock.now())
    if (this.#entries.size < this.#maxDestinations) return
    let oldest: string | undefined
    let oldestSeenAt = Infinity
    for (const [key, { lastSeenAt }] of this.#entries) {
      if (lastSeenAt >= oldestSeenAt) continue
      oldest = key
      oldestSeenAt = lastSeenAt
    }
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  #forget(now: number): void {
    for (const [key, { lastSeenAt }] of this.#entries) {
      if (now - lastSeenAt >= this.#expiryMs) this.#entries.delete(key)
    }
  }
}
