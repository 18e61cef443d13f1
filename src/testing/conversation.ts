import { type Address, formatAddress } from '../core/address.js'
import type { Bytes } from '../core/sniffer.js'
import { toBytes } from './ask-sniffer.js'
import type { FakeClock } from './fake-clock.js'
import type { MemoryWire } from './memory-wire.js'
import { WireRecorder } from './wire-recorder.js'

/**
 * Turns of the event loop that everything under way gets to come to rest: a segment crosses two wires and a chain, a turn each, and
 * a filter's promise a few more. Nothing here waits for time.
 */
const TURNS_TO_REST = 24

/** A client and a server who say what a test gave them, in turn, and then end. */
export class Conversation {
  readonly dialled: string[] = []
  readonly #clientWords: Bytes[]
  readonly #serverWords: Bytes[]
  #client: MemoryWire | undefined
  #server: MemoryWire | undefined
  #clientHeard: WireRecorder | undefined
  #serverHeard: WireRecorder | undefined

  constructor(client: readonly Bytes[], server: readonly Bytes[]) {
    this.#clientWords = [...client]
    this.#serverWords = [...server]
  }

  /** The client has connected. */
  begin(client: MemoryWire): void {
    this.#client = client
    this.#clientHeard = new WireRecorder(client)
  }

  /** Sluice has connected to a server. A later one replaces the first: that was an early dial. */
  connected(destination: Address, server: MemoryWire): void {
    this.dialled.push(formatAddress(destination.host, destination.port))
    this.#server = server
    this.#serverHeard = new WireRecorder(server)
  }

  /** What each side said, as far as it reached the other. */
  get relayed(): { readonly client: Uint8Array; readonly server: Uint8Array } {
    return {
      client: this.#serverHeard?.bytes ?? new Uint8Array(0),
      server: this.#clientHeard?.bytes ?? new Uint8Array(0),
    }
  }

  get ending(): 'end' | 'reset' | 'open' {
    if (this.#clientHeard?.error) return 'reset'
    return this.#clientHeard?.hasEnded ? 'end' : 'open'
  }

  /** Both say what they have, in turn. */
  async hold(): Promise<void> {
    if (this.#clientWords.length === 0) await rest()
    while (this.#clientWords.length > 0 || (this.#server && this.#serverWords.length > 0)) {
      say(this.#client, this.#clientWords.shift())
      await rest()
      if (this.#server === undefined) continue
      say(this.#server, this.#serverWords.shift())
      await rest()
    }
  }

  /** Lets time pass, and says what was not said because there was no server yet. */
  async wait(clock: FakeClock, ms: number): Promise<void> {
    clock.advance(ms)
    await rest()
    await this.hold()
  }

  /** The client ends, then the server, who may only now have been connected. */
  async end(): Promise<void> {
    this.#client?.end()
    await rest()
    await this.hold()
    this.#server?.end()
    await rest()
  }
}

function say(wire: MemoryWire | undefined, words: Bytes | undefined): void {
  if (wire && words !== undefined) wire.write(toBytes(words))
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
