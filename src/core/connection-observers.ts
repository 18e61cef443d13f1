import type { Connection } from './connection.js'
import type { DecisionMetrics } from './decision-metrics.js'
import type { Observer } from './observer.js'
import { ObserverSet } from './observer-set.js'
import type { Side } from './side.js'

export type ObserverFactory = (connection: Connection) => Observer | undefined

/** What the observers of a connection need of its surroundings: one for all connections of a listener. */
export interface ObserverEnvironment {
  readonly metrics: DecisionMetrics
  /** What watches a connection of a protocol, whatever its chain asks for. */
  readonly observers: ReadonlyMap<string, readonly ObserverFactory[]>
}

/** Shows what both sides have said so far, in its order. */
export type Replay = (show: (side: Side, chunk: Uint8Array) => void) => void

/** The observers of one connection, and those that wait for its name. */
export class ConnectionObservers extends ObserverSet {
  readonly #environment: ObserverEnvironment
  readonly #connection: Connection
  #waiting: { readonly observer: Observer | ObserverFactory; readonly protocol: string }[] | undefined
  /** Sides that have ended, for observers that come later. */
  #ended: Side[] | undefined

  constructor(environment: ObserverEnvironment, connection: Connection) {
    super((error) => observerDropped(environment, connection, error))
    this.#environment = environment
    this.#connection = connection
  }

  attach(observer: Observer | ObserverFactory): void {
    const made = this.#make(observer)
    if (made) this.add(made)
  }

  /** Attaches it when the connection is named so, and never if it gets another name. */
  attachWhenNamed(protocol: string, observer: Observer | ObserverFactory): void {
    this.#waiting ??= []
    this.#waiting.push({ observer, protocol })
  }

  /** The connection has its name, or will have none: nothing has passed yet. */
  named(protocol: string | undefined): void {
    for (const observer of this.#waitingFor(protocol)) this.attach(observer)
  }

  /**
   * As `named`, beside the relay: they get what has passed from `replay` first. Without it too much has passed to be kept, and
   * observers, who are promised the first byte, are not attached.
   */
  namedBeside(protocol: string | undefined, replay: Replay | undefined): void {
    for (const observer of this.#waitingFor(protocol)) {
      const made = this.#make(observer)
      if (made === undefined || replay === undefined) continue
      const watch = this.add(made)
      replay((side, chunk) => this.replay(watch, side, chunk))
      for (const side of this.#ended ?? []) this.replayEnd(watch, side)
    }
  }

  sideEnded(side: Side): void {
    this.#ended ??= []
    this.#ended.push(side)
  }

  #waitingFor(protocol: string | undefined): (Observer | ObserverFactory)[] {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    const everywhere = protocol === undefined ? [] : (this.#environment.observers.get(protocol) ?? [])
    return [...waiting.filter((one) => one.protocol === protocol).map((one) => one.observer), ...everywhere]
  }

  #make(observer: Observer | ObserverFactory): Observer | undefined {
    if (typeof observer !== 'function') return observer
    try {
      return observer(this.#connection)
    } catch (error) {
      observerDropped(this.#environment, this.#connection, error)
      return undefined
    }
  }
}

function observerDropped({ metrics }: ObserverEnvironment, { id, listener, log }: Connection, err: unknown): void {
  metrics.observerDropped(listener.name)
  log.warn({ connection: id, listener: listener.name, err }, 'an observer threw and was dropped')
}
