import { normalizeHost } from './address.js'
import type { Wire } from './wire.js'

/**
 * Knows the local addresses of our own upstream wires: a connection that comes from one of them has come back to us, and would go
 * round for ever (a relay whose destination is itself makes a thousand hops in a tenth of a second).
 */
export class LoopGuard {
  readonly #own = new Set<string>()
  readonly #ports = new Set<number>()
  /** With redirected traffic any port may lead back to us. */
  #isEveryPortSuspect = false

  /** A listener is bound to this port. */
  listensOn(port: number): void {
    this.#ports.add(port)
  }

  /** Traffic is redirected to us, whatever its port. */
  suspectEveryPort(): void {
    this.#isEveryPortSuspect = true
  }

  /** False where a connection to this port can not come back to a listener of ours: it need not be remembered. */
  mayReachUs(port: number): boolean {
    return this.#isEveryPortSuspect || this.#ports.has(port)
  }

  /** Call in the turn after `connect`: the kernel has chosen the local port by then, and nobody can have accepted it yet. */
  add(wire: Wire): string | undefined {
    const { localHost, localPort } = wire
    if (localHost === undefined || localPort === undefined) return undefined
    const key = keyOf(normalizeHost(localHost), localPort)
    this.#own.add(key)
    return key
  }

  remove(key: string): void {
    this.#own.delete(key)
  }

  isOwn(host: string, port: number): boolean {
    return this.#own.size > 0 && this.#own.has(keyOf(host, port))
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`
}
