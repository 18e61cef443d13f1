import { networkInterfaces } from 'node:os'
import { type Address, normalizeHost } from './address.js'
import type { Wire } from './wire.js'

/**
 * Knows our own upstream wires by both their ends: a connection that comes from one of them, to where it was headed, has come back to
 * us, and would go round for ever (a relay whose destination is itself makes a thousand hops in a tenth of a second). One end is not
 * enough: Linux gives the same local port to connections of others with another remote end.
 */
export class LoopGuard {
  readonly #own = new Map<string, Wire>()
  readonly #hostsByPort = new Map<number, Set<string>>()
  /** With redirected traffic any port may lead back to us. */
  #isEveryPortSuspect = false

  /** A listener is bound to this address. */
  listensOn({ host, port }: Address): void {
    const hosts = this.#hostsByPort.get(port) ?? new Set()
    this.#hostsByPort.set(port, hosts.add(normalizeHost(host)))
  }

  /** True where a connection to `address` would be accepted by a listener of ours: by its own address, or by any of this machine's. */
  leadsToUs({ host, port }: Address): boolean {
    const hosts = this.#hostsByPort.get(port)
    if (hosts === undefined) return false
    if (hosts.has(host)) return true
    const isIpv6 = host.includes(':')
    return (hosts.has('::') || (!isIpv6 && hosts.has('0.0.0.0'))) && isOfThisMachine(host)
  }

  /** Traffic is redirected to us, whatever its port. */
  suspectEveryPort(): void {
    this.#isEveryPortSuspect = true
  }

  /** False where a connection to this port can not come back to a listener of ours: it need not be remembered. */
  mayReachUs(port: number): boolean {
    return this.#isEveryPortSuspect || this.#hostsByPort.has(port)
  }

  /**
   * Call in the turn after `connect`: the kernel has chosen the local port by then, and nobody can have accepted it yet. Gives the key
   * to forget it by.
   */
  add(wire: Wire, remote: Address): string | undefined {
    const { localHost, localPort } = wire
    if (localHost === undefined || localPort === undefined) return undefined
    const key = keyOf({ host: normalizeHost(localHost), port: localPort }, remote)
    this.#own.set(key, wire)
    return key
  }

  remove(key: string): void {
    this.#own.delete(key)
  }

  /**
   * `headedTo`: the original destination, else where the connection was accepted. Only asked for where we have wires to compare. A
   * wire that has heard something has another server at its end: the new connection is a client's, which has the same two ends where
   * we keep the addresses of clients and the kernel has given both the same port.
   */
  isOwn(source: Address, headedTo: () => Address | undefined): boolean {
    if (this.#own.size === 0) return false
    const remote = headedTo()
    return remote !== undefined && this.#own.get(keyOf(source, remote))?.bytesRead === 0
  }
}

/** Asked of few connections: those that are headed to a port of ours. RFC 1122 section 3.2.1.3: 127.0.0.0/8 is this machine. */
function isOfThisMachine(host: string): boolean {
  if (host.startsWith('127.')) return true
  const [literal] = host.split('%')
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === literal))
}

function keyOf(local: Address, remote: Address): string {
  return `${local.host} ${local.port} ${normalizeHost(remote.host)} ${remote.port}`
}
