import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A socket with its whole life written down, for tests that wait for what they expect. */
export class Peer {
  readonly socket: Socket
  #chunks: Buffer[] = []
  #length = 0
  #hasEnded = false
  #error: NodeJS.ErrnoException | undefined
  #isClosed = false
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) =>
      this.#note(() => (this.#length = this.#chunks.push(chunk) && this.#length + chunk.length)),
    )
    socket.on('end', () => this.#note(() => (this.#hasEnded = true)))
    socket.on('error', (error) => this.#note(() => (this.#error = error)))
    socket.on('close', () => this.#note(() => (this.#isClosed = true)))
  }

  get bytes(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  send(bytes: Uint8Array | string): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Settles when this text has come, and gives all that has. */
  async hears(text: string): Promise<string> {
    await this.#until(() => this.text.includes(text), `to hear ${JSON.stringify(text)}`)
    return this.text
  }

  async hearsBytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#length >= count, `to hear ${count} bytes`)
    return this.bytes
  }

  /** Settles when the other side has ended its half. */
  async ended(): Promise<void> {
    await this.#until(() => this.#hasEnded, 'the end')
  }

  /** Settles when the socket is closed, with the error's code or 'clean'. */
  async closed(): Promise<string> {
    await this.#until(() => this.#isClosed, 'the close')
    return this.#error?.code ?? 'clean'
  }

  #note(change: () => void): void {
    change()
    for (const wake of this.#waiting) wake()
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    while (!holds()) {
      if (this.#isClosed)
        throw new Error(
          `waiting for ${what}, but the socket was closed (${this.#error?.code ?? 'cleanly'}) after ${JSON.stringify(this.text.slice(0, 200))}`,
        )
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }
}

export interface TestServer {
  readonly port: number
  readonly server: Server
  /** Accepted connections, in order. */
  readonly peers: readonly Peer[]
  /** Settles with the n-th accepted connection, counted from 0. */
  accepted(index?: number): Promise<Peer>
}

/** A TCP server on a free port that keeps what it accepts; ended with the test. */
export async function serve(onPeer: (peer: Peer) => void = () => {}): Promise<TestServer> {
  const peers: Peer[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new Peer(socket)
    peers.push(peer)
    onPeer(peer)
    server.emit('peer')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const { socket } of peers) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    server,
    peers,
    async accepted(index = 0) {
      while (peers.length <= index) await once(server, 'peer')
      return peers[index]!
    },
  }
}

/** Connects to a port of this machine; ended with the test. */
export async function connectTo(port: number, options: { readonly paused?: boolean } = {}): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const peer = new Peer(socket)
  if (options.paused) socket.pause()
  onTestFinished(() => void socket.destroy())
  // A reset at once may be heard before the connection itself: that is for the test to see.
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return peer
}
