import { NodeTransport } from '../../src/core/node-transport.js'
import type { ConnectOptions, OnConnected } from '../../src/core/transport.js'
import type { Wire } from '../../src/core/wire.js'

/** Sockets, of which those to servers are open for their owner only when the test says so. */
export class HeldTransport extends NodeTransport {
  /** Connections to servers that were asked for. */
  connects = 0
  #isHeld = true
  readonly #held: (() => void)[] = []

  override connect(options: ConnectOptions, onConnected: OnConnected): Wire {
    this.connects++
    return super.connect(options, (error) => {
      if (this.#isHeld) this.#held.push(() => onConnected(error))
      else onConnected(error)
    })
  }

  /** Connections that are open and held. */
  get held(): number {
    return this.#held.length
  }

  letGo(): void {
    this.#isHeld = false
    for (const settle of this.#held.splice(0)) settle()
  }
}
