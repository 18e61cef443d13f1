import { normalizeHost } from './address.js'
import type { Wire } from './wire.js'

/**
 * Knows the local addresses of our own upstream wires: a connection that comes from one of them has come back to us, and would go
 * round for ever (a relay whose destination is itself makes a thousand hops in a tenth of a second).
 */
export class LoopGuard {
  readonly #own = new Set<string>()

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
    return this.#own.has(keyOf(host, port))
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`
}
