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

/** Connects to an address, or to those of a name one after the other, and hands the open wire on. Returns how to give up, the wire with it. */
export function connectTo(
  transport: Transport,
  { host, port }: HostPort,
  failed: (problem: string) => void,
  opened: (wire: Wire) => void,
): () => void {
  let isWanted = true
  let wire: Wire | undefined
  const connect = ([first, ...others]: readonly string[]): void => {
    if (!isWanted || first === undefined) return
    wire = transport.connect({ host: first, port, keepAliveMs: KEEP_ALIVE_MS }, (error) => {
      if (!isWanted) return
      if (error === undefined) opened(wire!)
      else if (others.length > 0) connect(others)
      else failed(error.message)
    })
  }
  if (isIP(host) !== 0) connect([host])
  else lookupAddresses(transport, host).then(connect, (error) => isWanted && failed(errorText(error)))
  return () => {
    isWanted = false
    wire?.reset()
  }
}
