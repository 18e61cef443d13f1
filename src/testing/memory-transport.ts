import type { Address } from '../core/address.js'
import type {
  AcceptedWire,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  OnConnected,
  Transport,
} from '../core/transport.js'
import type { Wire } from '../core/wire.js'
import { type MemoryWire } from './memory-wire.js'
import { CLIENT_ADDRESS, wirePair } from './wire-pair.js'

/** The first port that is given out where a listener asks for any. */
const FIRST_PORT = 40_000

/** Hears that Sluice connects somewhere. Undefined: nobody listens there. */
export type OnDial = (destination: Address, wire: MemoryWire) => void

/** Wires that live in memory: no socket is opened. Hand it in behind the token TRANSPORT. */
export class MemoryTransport implements Transport {
  readonly #listeners = new Map<string, (wire: AcceptedWire) => void>()
  readonly #onDial: OnDial | undefined
  #nextPort = FIRST_PORT

  /** `onDial` gets the server's end of each wire that Sluice opens; without it every dial is refused. */
  constructor(onDial?: OnDial) {
    this.#onDial = onDial
  }

  listen({ host, port }: ListenOptions, onWire: (wire: AcceptedWire) => void): Promise<ListeningSocket> {
    const bound = { host, port: port === 0 ? this.#nextPort++ : port }
    this.#listeners.set(keyOf(bound), onWire)
    const close = (): Promise<void> => {
      this.#listeners.delete(keyOf(bound))
      return Promise.resolve()
    }
    return Promise.resolve({ ...bound, close })
  }

  /** A client that connects to a listener: its end of the wire. Throws where nobody listens. */
  accept(listener: Address, source: Address = CLIENT_ADDRESS): MemoryWire {
    const onWire = this.#listeners.get(keyOf(listener))
    if (onWire === undefined) throw new Error(`nobody listens on ${keyOf(listener)}`)
    const { client, server } = wirePair({ client: source, server: listener })
    onWire(server)
    return client
  }

  /** A name stands for itself: nobody is asked. */
  lookup(name: string): Promise<readonly string[]> {
    return Promise.resolve([name])
  }

  connect({ host, port }: ConnectOptions, onConnected: OnConnected): Wire {
    const destination = { host, port }
    const { client, server } = wirePair({ client: { host: '192.0.2.3', port: this.#nextPort++ }, server: destination })
    const onDial = this.#onDial
    setImmediate(() => {
      if (client.isOver) return
      if (onDial === undefined) return onConnected(refused(destination))
      onConnected()
      onDial(destination, server)
    })
    return client
  }
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`
}

function refused({ host, port }: Address): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ECONNREFUSED ${host}:${port}`), { code: 'ECONNREFUSED', syscall: 'connect' })
}
