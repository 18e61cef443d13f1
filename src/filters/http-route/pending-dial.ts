import type { Dial, DialEvents } from '../../core/dial.js'
import type { Endpoint } from '../../core/endpoint.js'
import type { SluiceError } from '../../core/errors.js'
import { WireMeter } from '../../core/tcp-metrics.js'
import type { TakenUpstream } from '../../core/taken-upstream.js'
import type { Wire } from '../../core/wire.js'
import type { ConnectionWaiter, PoolEnvironment } from './endpoint-pool.js'

/** Whose dial it is. */
export interface DialOwner {
  dialOpened(dial: PendingDial, taken: TakenUpstream): void
  /** It was opened and may not be used: who waits for it is ended with his connection. */
  dialUnusable(dial: PendingDial): void
  dialFailed(dial: PendingDial, error: SluiceError): void
}

/** A connection that is being opened. */
export class PendingDial implements DialEvents {
  /** Who gets it; undefined: whoever comes. */
  waiter: ConnectionWaiter | undefined
  readonly #owner: DialOwner
  readonly #environment: PoolEnvironment
  readonly #dial: Dial

  constructor(owner: DialOwner, environment: PoolEnvironment, begin: (events: DialEvents) => Dial) {
    this.#owner = owner
    this.#environment = environment
    this.#dial = begin(this)
  }

  dialOpened(wire: Wire, endpoint: Endpoint): void {
    const { tcpMetrics, direction, dial } = this.#environment
    if (!this.#environment.onOpened(wire)) return this.#giveUp(wire)
    const meter = new WireMeter(tcpMetrics, wire, direction, 'dst', endpoint.port)
    meter.countOpen()
    const release = (): void => this.#dial.release()
    this.#owner.dialOpened(this, { wire, endpoint, openedAt: dial.clock.now(), meter, release })
  }

  dialFailed(error: SluiceError): void {
    this.#owner.dialFailed(this, error)
  }

  dialAttemptFailed(): void {}

  cancel(): void {
    this.#dial.cancel()
  }

  #giveUp(wire: Wire): void {
    this.#owner.dialUnusable(this)
    wire.reset()
    this.#dial.release()
  }
}
