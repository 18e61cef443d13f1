import { isIP } from 'node:net'
import type { HostPort } from '../core/config/config.js'
import { errorText } from '../core/error-text.js'
import { lookupAddresses } from '../core/lookup-addresses.js'
import type { Transport } from '../core/transport.js'
import type { Wire } from '../core/wire.js'
import type { Probe } from './probe.js'

/** Longer than any check: nothing is to be kept alive here. */
const KEEP_ALIVE_MS = 3_600_000

/** It is enough that it can be connected. */
export class TcpProbe implements Probe {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  begin(address: HostPort, done: (problem?: string) => void): () => void {
    return connectTo(this.#transport, address, done, (wire) => {
      wire.reset()
      done()
    })
  }
}

/** Connects to an address, the first one of a name, and hands the open wire on. Returns how to give up, the wire with it. */
export function connectTo(
  transport: Transport,
  { host, port }: HostPort,
  failed: (problem: string) => void,
  opened: (wire: Wire) => void,
): () => void {
  let isWanted = true
  let wire: Wire | undefined
  const connect = (address: string): void => {
    wire = transport.connect({ host: address, port, keepAliveMs: KEEP_ALIVE_MS }, (error) => {
      if (!isWanted) return
      if (error) failed(error.message)
      else opened(wire!)
    })
  }
  const connectFirst = ([first]: readonly string[]): void => {
    if (isWanted && first !== undefined) connect(first)
  }
  if (isIP(host) !== 0) connect(host)
  else lookupAddresses(transport, host).then(connectFirst, (error) => isWanted && failed(errorText(error)))
  return () => {
    isWanted = false
    wire?.reset()
  }
}
