import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { decode, type DecodedPacket, encode } from 'dns-packet'
import type { Clock } from '../core/clock.js'
import type { HostPort } from '../core/config/config.js'
import { formatAddress } from '../core/address.js'
import type { ResolverSettings } from './resolv-conf.js'

export type RecordType = 'A' | 'AAAA' | 'SRV'

/** No server has answered the question: silence, a refusal, or nonsense. "There is no such name" is an answer. */
export class DnsFailure extends Error {}

/** RFC 1035 section 4.2.2: over TCP two bytes of length go before each message. */
const LENGTH_BYTES = 2
const RECURSION_DESIRED = 1 << 8
/** RFC 1035 section 4.1.1: the low four bits of the flags. */
const RCODE_MASK = 0xf
const NOERROR = 0
const NXDOMAIN = 3

/** Asks DNS servers single questions: over UDP, over TCP where the answer was cut short. Remembers nothing. */
export class DnsClient {
  readonly #settings: ResolverSettings
  readonly #clock: Clock

  constructor(settings: ResolverSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /**
   * The first answer of a server that has one: NOERROR or NXDOMAIN. Every other answer sends the question to the next, as does
   * silence. Rejects with a DnsFailure when all rounds are over, and at once where `signal` aborts.
   */
  async ask(name: string, type: RecordType, signal: AbortSignal): Promise<DecodedPacket> {
    let last = new DnsFailure('there is no server to ask')
    for (let round = 0; round < this.#settings.attempts; round++) {
      for (const server of this.#settings.servers) {
        try {
          return answered(await this.#exchange(server, name, type, signal))
        } catch (error) {
          if (signal.aborted) throw error
          last = new DnsFailure(`${formatAddress(server.host, server.port)}: ${(error as Error).message}`)
        }
      }
    }
    throw last
  }

  async #exchange(server: HostPort, name: string, type: RecordType, signal: AbortSignal): Promise<DecodedPacket> {
    const question = new Question(name, type)
    const answer = await this.#within(signal, (done, fail) => overUdp(server, question, done, fail))
    if (!answer.flag_tc) return answer
    return await this.#within(signal, (done, fail) => overTcp(server, question, done, fail))
  }

  /** Runs one exchange until it has come out, its time is over, or nobody wants it any more; then lets its socket go. */
  async #within(signal: AbortSignal, begin: Exchange): Promise<DecodedPacket> {
    signal.throwIfAborted()
    return await new Promise<DecodedPacket>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        timer.cancel()
        signal.removeEventListener('abort', abort)
        close()
        finish()
      }
      const fail = (error: Error): void => settle(() => reject(error))
      const abort = (): void => fail(new DnsFailure('given up'))
      const { timeoutMs } = this.#settings
      const late = (): void => fail(new DnsFailure(`no answer within ${timeoutMs / 1000} s`))
      const timer = this.#clock.setTimer(timeoutMs, late)
      signal.addEventListener('abort', abort)
      const close = begin((packet) => settle(() => resolve(packet)), fail)
    })
  }
}

/** Starts an exchange, and returns how to let its socket go. Calls back from a later turn. */
type Exchange = (done: (packet: DecodedPacket) => void, fail: (error: Error) => void) => () => void

/** One question. Its number and, by a socket of its own, its port are random: who cannot see it cannot answer it (RFC 5452). */
class Question {
  readonly #name: string
  readonly #type: RecordType
  readonly #id = randomInt(0x1_0000)

  constructor(name: string, type: RecordType) {
    this.#name = name
    this.#type = type
  }

  get bytes(): Uint8Array {
    const questions = [{ name: this.#name, type: this.#type, class: 'IN' as const }]
    return encode({ type: 'query', id: this.#id, flags: RECURSION_DESIRED, questions })
  }

  /** The answer to this question; undefined for anything else, and for what cannot be read. */
  read(bytes: Uint8Array): DecodedPacket | undefined {
    try {
      const packet = decode(Buffer.from(bytes))
      const [asked] = packet.questions ?? []
      if (packet.type !== 'response' || packet.id !== this.#id) return undefined
      // Who cannot read a question, or will not, need not repeat it.
      if (asked === undefined) return isAnswer(packet) ? undefined : packet
      const isSame = asked?.type === this.#type && asked.name.toLowerCase() === this.#name.toLowerCase()
      return packet.questions?.length === 1 && isSame ? packet : undefined
    } catch {
      return undefined
    }
  }
}

const overUdp = (
  { host, port }: HostPort,
  question: Question,
  done: (packet: DecodedPacket) => void,
  fail: (error: Error) => void,
): (() => void) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  const message = question.bytes
  let isOpen = true
  socket.on('error', (error) => isOpen && fail(error))
  // What is not the answer is somebody else's, and does not end the wait.
  socket.on('message', (bytes) => {
    const packet = question.read(bytes)
    if (packet && isOpen) done(packet)
  })
  // Connected, it takes datagrams of that server only, and hears that nobody listens there.
  // Not as the callback of `connect`: that is called where it fails, too, and the error is then nobody's.
  socket.once('connect', () => isOpen && socket.send(message))
  socket.connect(port, host)
  return () => {
    isOpen = false
    socket.close()
  }
}

const overTcp = (
  { host, port }: HostPort,
  question: Question,
  done: (packet: DecodedPacket) => void,
  fail: (error: Error) => void,
): (() => void) => {
  const socket = connect({ host, port })
  const message = question.bytes
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(message.length)
  socket.write(Buffer.concat([length, message]))
  const chunks: Buffer[] = []
  let size = 0
  socket.on('error', fail)
  socket.on('end', () => fail(new DnsFailure('the answer over TCP ended early')))
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    size += chunk.length
    if (size < LENGTH_BYTES) return
    const all = chunks.length === 1 ? chunk : Buffer.concat(chunks.splice(0))
    if (chunks.length === 0) chunks.push(all)
    const end = LENGTH_BYTES + all.readUInt16BE(0)
    if (size < end) return
    const packet = question.read(all.subarray(LENGTH_BYTES, end))
    if (packet) done(packet)
    else fail(new DnsFailure('the answer over TCP cannot be read'))
  })
  return () => {
    // Errors after the end concern nobody.
    socket.removeAllListeners().on('error', () => {})
    socket.destroy()
  }
}

function answered(packet: DecodedPacket): DecodedPacket {
  if (isAnswer(packet)) return packet
  throw new DnsFailure(`it answered ${(packet as { rcode?: string }).rcode ?? `rcode ${rcodeOf(packet)}`}`)
}

function isAnswer(packet: DecodedPacket): boolean {
  return rcodeOf(packet) === NOERROR || rcodeOf(packet) === NXDOMAIN
}

function rcodeOf({ flags = 0 }: DecodedPacket): number {
  return flags & RCODE_MASK
}
