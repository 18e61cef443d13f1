import type { Side } from '../../../src/core/side.js'
import { bytesOf, number } from './numbers.js'

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10

/** A segment, before it is put into a packet. Copies with other values make overlaps and worse. */
export interface Sent {
  readonly from: Side
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly payload: Uint8Array
  readonly tcpOptions?: Uint8Array
}

export interface ConversationOptions {
  readonly clientPort?: number
  readonly serverPort?: number
  /** The sequence numbers of the two SYNs. */
  readonly clientStart?: number
  readonly serverStart?: number
}

/** Says what a well-behaved client and server would send, segment by segment; the test reorders, cuts and repeats them. */
export class Conversation {
  readonly clientPort: number
  readonly serverPort: number
  readonly #next: Record<Side, number>

  constructor({
    clientPort = 40_000,
    serverPort = 80,
    clientStart = 1000,
    serverStart = 2_000_000,
  }: ConversationOptions = {}) {
    this.clientPort = clientPort
    this.serverPort = serverPort
    this.#next = { client: clientStart, server: serverStart }
  }

  syn(payload: string | Uint8Array = ''): Sent {
    return {
      ...this.#send('client', SYN, payload),
      acknowledgment: 0,
      tcpOptions: Uint8Array.of(2, 4, 5, 0xb4, 1, 3, 3, 7),
    }
  }

  synAck(): Sent {
    return this.#send('server', SYN | ACK)
  }

  /** SYN, SYN-ACK, ACK. */
  open(): Sent[] {
    return [this.syn(), this.synAck(), this.ack('client')]
  }

  ack(from: Side): Sent {
    return this.#send(from, ACK)
  }

  say(from: Side, payload: string | Uint8Array): Sent {
    return this.#send(from, ACK, payload)
  }

  /** One segment for every `size` bytes. */
  sayInPieces(from: Side, payload: string | Uint8Array, size: number): Sent[] {
    const bytes = asBytes(payload)
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      this.say(from, bytes.subarray(index * size, (index + 1) * size)),
    )
  }

  fin(from: Side): Sent {
    return this.#send(from, FIN | ACK)
  }

  /** FIN, FIN, ACK. */
  close(first: Side = 'client'): Sent[] {
    const second = first === 'client' ? 'server' : 'client'
    return [this.fin(first), this.fin(second), this.ack(first)]
  }

  reset(from: Side): Sent {
    return this.#send(from, RST | ACK)
  }

  #send(from: Side, flags: number, payload: string | Uint8Array = ''): Sent {
    const bytes = asBytes(payload)
    const sequence = this.#next[from]
    const acknowledgment = (flags & ACK) === 0 ? 0 : this.#next[from === 'client' ? 'server' : 'client']
    this.#next[from] = (sequence + bytes.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1)) >>> 0
    return { from, sequence, acknowledgment, flags, payload: bytes }
  }
}

/** RFC 9293 section 3.1. */
export function tcpBytes({ clientPort, serverPort }: Conversation, sent: Sent): Uint8Array {
  const { from, sequence, acknowledgment, flags, payload, tcpOptions = new Uint8Array(0) } = sent
  const [source, destination] = from === 'client' ? [clientPort, serverPort] : [serverPort, clientPort]
  return bytesOf(
    number(source, 2),
    number(destination, 2),
    number(sequence, 4),
    number(acknowledgment, 4),
    [((20 + tcpOptions.length) / 4) << 4, flags, 0xff, 0xff, 0, 0, 0, 0],
    tcpOptions,
    payload,
  )
}

function asBytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? Uint8Array.from(Buffer.from(payload, 'latin1')) : payload
}
