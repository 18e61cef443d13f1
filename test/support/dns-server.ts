import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import { onTestFinished } from 'vitest'
import { until } from './until.js'

/** RFC 1035 section 4.1.1: bits of the flags. */
const AUTHORITATIVE = 1 << 10
const TRUNCATED = 1 << 9
const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const

export interface Reply {
  readonly rcode?: keyof typeof RCODES
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
}

/** What a server makes of a question: an answer, or silence. */
export type Zone = (name: string, type: string) => Reply | undefined

/** A DNS server on a free port of this machine, over UDP and TCP, whose zone a test can change at any time. */
export class DnsServer {
  readonly host: string = '127.0.0.1'
  readonly port: number
  zone: Zone
  /** Answers over UDP are cut short: who asks has to come again over TCP. */
  truncates = false
  /** Sends this in place of an answer over UDP first, the question's number in it. */
  forge: ((question: Buffer) => Buffer) | undefined
  /** `udp shop.test A`, as they came. */
  readonly asked: string[] = []

  constructor(port: number, zone: Zone) {
    this.port = port
    this.zone = zone
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  /** Settles when so many questions have come. */
  async hasBeenAsked(count: number): Promise<void> {
    await until(() => this.asked.length >= count)
  }

  answer(message: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined {
    const query = decode(message)
    const question = query.questions![0]!
    this.asked.push(`${transport} ${question.name} ${question.type}`)
    const reply = this.zone(question.name.toLowerCase(), question.type)
    if (reply === undefined) return undefined
    const isCut = this.truncates && transport === 'udp'
    const packet: Packet = {
      type: 'response',
      id: query.id,
      flags: AUTHORITATIVE | RCODES[reply.rcode ?? 'NOERROR'] | (isCut ? TRUNCATED : 0),
      questions: query.questions,
      answers: isCut ? [] : [...(reply.answers ?? [])],
      authorities: [...(reply.authorities ?? [])],
      additionals: isCut ? [] : [...(reply.additionals ?? [])],
    }
    return encode(packet)
  }
}

/** Is closed with the test. */
export async function serveDns(zone: Zone): Promise<DnsServer> {
  const sockets = new Set<Socket>()
  const { udp, tcp, port } = await freePort()
  const server = new DnsServer(port, zone)
  udp.on('message', (message, { address, port }) => {
    if (server.forge) udp.send(server.forge(message), port, address)
    const answer = server.answer(message, 'udp')
    if (answer) udp.send(answer, port, address)
  })
  tcp.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    serveTcp(socket, server)
  })
  onTestFinished(async () => {
    udp.close()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => tcp.close(resolve))
  })
  return server
}

/** A port that is free for both: the one that TCP is given may be taken for UDP. */
async function freePort(): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  for (;;) {
    const tcp = createServer().listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket('udp4').bind(port, '127.0.0.1')
    try {
      await once(udp, 'listening')
      return { udp, tcp, port }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await new Promise((resolve) => tcp.close(resolve))
    }
  }
}

/** In two writes, so that a reader has to put the answer together. */
function serveTcp(socket: Socket, server: DnsServer): void {
  let held = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return
    const answer = server.answer(held.subarray(2, 2 + held.readUInt16BE(0)), 'tcp')
    if (!answer) return
    const length = Buffer.alloc(2)
    length.writeUInt16BE(answer.length)
    socket.write(Buffer.concat([length, answer.subarray(0, 5)]))
    setImmediate(() => socket.end(answer.subarray(5)))
  })
}

export const a = (name: string, address: string, ttl = 60): Answer => ({ type: 'A', name, ttl, data: address })
export const aaaa = (name: string, address: string, ttl = 60): Answer => ({ type: 'AAAA', name, ttl, data: address })
export const cname = (name: string, target: string, ttl = 60): Answer => ({ type: 'CNAME', name, ttl, data: target })
export const srv = (
  name: string,
  target: string,
  port: number,
  { ttl = 60, priority = 0, weight = 0 } = {},
): Answer => ({
  type: 'SRV',
  name,
  ttl,
  data: { target, port, priority, weight },
})
export const soa = (name: string, ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name,
  ttl,
  data: { mname: `ns.${name}`, rname: `admin.${name}`, serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})

/** A zone of these records; names without any do not exist. */
export function zoneOf(...records: readonly Answer[]): Zone {
  return (name, type) => {
    const own = records.filter((record) => record.name.toLowerCase() === name)
    if (own.length === 0) return { rcode: 'NXDOMAIN' }
    return { answers: own.filter((record) => record.type === type || record.type === 'CNAME') }
  }
}
