import type { Address } from '../core/address.js'
import type { Segment } from '../core/sniff-recording.js'
import type { FakeClock } from '../testing/fake-clock.js'
import type { MemoryWire } from '../testing/memory-wire.js'
import { WireRecorder } from '../testing/wire-recorder.js'

/** Turns of the event loop until nothing moves on wires in memory: a dial takes two, a poll two, a byte two on each wire. */
const TURNS_TO_REST = 12
/** Of timers that fire while somebody is waited for. A listener has five bounds on waiting, and a sweep. */
const MAX_WAITS = 64

/** Says a recorded conversation again, over wires in memory: in its order, and at once. Time passes only where somebody waits. */
export class RecordedPlayback {
  readonly #clock: FakeClock
  readonly #client: MemoryWire
  /** Nothing that is still said could change what is done. */
  readonly #isDecided: () => boolean
  #server: MemoryWire | undefined
  /** Time had to pass: nobody had dialled a server whose turn it was, or the recording ended before it was enough. */
  waitedMs = 0
  /** The recording is over, and it was not enough. */
  isCutShort = false
  /** Bytes of the server that nobody was there to hear. */
  unheardBytes = 0

  constructor(clock: FakeClock, client: MemoryWire, isDecided: () => boolean) {
    this.#clock = clock
    this.#client = client
    this.#isDecided = isDecided
    new WireRecorder(client)
  }

  /** Sluice has connected to a server. A later one replaces the first: that was an early dial. */
  connected(_destination: Address, server: MemoryWire): void {
    this.#server = server
    new WireRecorder(server)
  }

  async play(segments: readonly Segment[]): Promise<void> {
    if (segments[0]?.from !== 'client') await rest()
    for (const { from, data } of segments) {
      if (from === 'client') this.#client.write(data)
      else if (await this.#hasServer()) this.#server?.write(data)
      else this.unheardBytes += data.length
      await rest()
    }
    this.isCutShort = !this.#isDecided()
    await this.#wait(() => this.#isDecided())
  }

  /** Both have said all that they will. */
  async end(): Promise<void> {
    this.#client.end()
    await rest()
    this.#server?.end()
    await rest()
  }

  /** The server's turn, who can only speak on a wire: where there is none, the client is taken to wait for it. */
  async #hasServer(): Promise<boolean> {
    await this.#wait(() => this.#server !== undefined || this.#isDecided())
    return this.#server !== undefined
  }

  async #wait(isOver: () => boolean): Promise<void> {
    for (let waits = 0; waits < MAX_WAITS && !isOver(); waits++) {
      const [next] = this.#clock.pending
      if (next === undefined) return
      this.#clock.advance(next)
      this.waitedMs += next
      await rest()
    }
  }
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_REST; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
