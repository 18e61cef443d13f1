import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { GivenEndpoints } from '../../support/given-endpoints.js'
import { resetSocket } from '../../support/reset-socket.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { seededRandom } from '../../support/seeded-random.js'
import { type Peer, serve, type TestServer } from '../../support/sockets.js'
import { turns } from '../../support/start-sluice.js'
import { until } from '../../support/until.js'

const STEPS = 60
const MAX_CLIENTS = 8

/** Requests that a server has been asked and has not answered, by the connection on which they came. */
class HeldServer {
  readonly server: TestServer
  readonly #seen = new Map<Peer, number>()
  isAnswering = false

  static async start(): Promise<HeldServer> {
    const server = await serve(({ socket }) => void socket.on('data', () => held.#hear()).on('end', () => socket.end()))
    const held: HeldServer = new HeldServer(server)
    return held
  }

  constructor(server: TestServer) {
    this.server = server
  }

  get port(): number {
    return this.server.port
  }

  get asked(): readonly Peer[] {
    return this.server.peers.filter((peer) => heads(peer.text).length > (this.#seen.get(peer) ?? 0))
  }

  /** With what the request names, so that a client knows its own answer. */
  answer(peer: Peer): void {
    const seen = this.#seen.get(peer) ?? 0
    const path = /(?<=GET )\S+/.exec(heads(peer.text)[seen]!)![0]
    this.#seen.set(peer, seen + 1)
    peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`)
  }

  /** More than one request on a connection at once would be one of two clients. */
  get mostAtOnce(): number {
    return Math.max(0, ...this.server.peers.map((peer) => heads(peer.text).length - (this.#seen.get(peer) ?? 0)))
  }

  #hear(): void {
    if (this.isAnswering) for (const peer of this.asked) this.answer(peer)
  }
}

function heads(text: string): string[] {
  return text.split('\r\n\r\n').slice(0, -1)
}

interface Client {
  readonly peer: Peer
  /** The path of the request under way. */
  path: string | undefined
  /** What it had been answered before. */
  before: number
}

class Story {
  readonly #routed: Routed
  readonly #given: GivenEndpoints
  readonly #servers: readonly HeldServer[]
  readonly #random: () => number
  readonly #clients: Client[] = []
  #paths = 0

  constructor(routed: Routed, given: GivenEndpoints, servers: readonly HeldServer[], seed: number) {
    this.#routed = routed
    this.#given = given
    this.#servers = servers
    this.#random = seededRandom(seed)
  }

  async step(): Promise<void> {
    const kind = this.#random()
    if (kind < 0.25) await this.#arrive()
    else if (kind < 0.55) this.#ask()
    else if (kind < 0.75) this.#answer()
    else if (kind < 0.87) this.#leave()
    else if (kind < 0.95) this.#change()
    else this.#routed.clock.advance(500)
    // What came so far is heard; what is under way goes on.
    if (this.#random() < 0.6) await turns(2)
    for (const server of this.#servers) expect(server.mostAtOnce).toBeLessThanOrEqual(1)
    this.#check()
  }

  /** Everybody who has asked gets an answer: his own, or one that says why not. */
  async end(): Promise<void> {
    this.#given.give(...this.#servers.map(({ port }) => port))
    for (const server of this.#servers) {
      server.isAnswering = true
      for (const peer of server.asked) server.answer(peer)
    }
    await until(() => {
      this.#check()
      return this.#clients.every(({ path }) => path === undefined)
    })
    for (const { peer } of this.#clients) peer.socket.end()
    await until(() => this.#routed.sluice.connections().length === 0)
    expect(this.#routed.sluice.metric('sluice_endpoint_requests')).toBe(0)
    await this.#routed.sluice.stop()
    await until(() => this.#routed.upstreams === 0)
    expect(this.#routed.sluice.metric('sluice_endpoint_open_connections')).toBe(0)
    await this.#routed.expectNothingLeft()
  }

  async #arrive(): Promise<void> {
    if (this.#clients.length >= MAX_CLIENTS) return
    const peer = await this.#routed.client(this.#random() < 0.5 ? 'in' : 'other')
    this.#clients.push({ peer, path: undefined, before: 0 })
  }

  #ask(): void {
    const client = this.#draw(this.#clients.filter(({ path }) => path === undefined))
    if (client === undefined) return
    client.path = `/${++this.#paths}`
    client.before = client.peer.text.length
    client.peer.send(`GET ${client.path} HTTP/1.1\r\nHost: shop\r\n\r\n`)
  }

  #answer(): void {
    const server = this.#draw(this.#servers.filter(({ asked }) => asked.length > 0))
    if (server !== undefined) server.answer(this.#draw(server.asked)!)
  }

  #leave(): void {
    const client = this.#draw(this.#clients)
    if (client === undefined) return
    this.#clients.splice(this.#clients.indexOf(client), 1)
    resetSocket(client.peer.socket)
  }

  #change(): void {
    const stay = this.#servers.filter(() => this.#random() < 0.6)
    this.#given.give(...stay.map(({ port }) => port))
  }

  #check(): void {
    for (const client of this.#clients) {
      const { path, peer, before } = client
      if (path === undefined) continue
      const answer = peer.text.slice(before)
      const [head, body] = answer.split('\r\n\r\n')
      if (body === undefined) continue
      if (head!.startsWith('HTTP/1.1 200 ')) {
        if (body.length < path.length) continue
        expect(body).toBe(path)
      } else if (!body.endsWith('\n')) continue
      else expect(body).toMatch(/^sluice: (?:no-endpoint|upstream-full): /)
      client.path = undefined
    }
  }

  #draw<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)]
  }
}

describe.each([
  ['share their connections', 'tcp-forward'],
  ['have connections of their own', { 'tcp-forward': { proxyProtocol: 'v1' } }],
])('clients of two listeners that %s, some silent, some gone, while endpoints come and go', (_what, forward) => {
  test.each(Array.from({ length: 15 }, (_, i) => i + 1))(
    'get each their own answer, and leave no place taken: story %i',
    async (seed) => {
      const servers = [await HeldServer.start(), await HeldServer.start()]
      const given = new GivenEndpoints(...servers.map(({ port }) => port))
      const filters = ['detect', 'http-metrics', 'http-route', forward]
      const routed = await startRouted('web', {
        upstreams: { web: { endpoints: [{ source: 'given' }], maxConnections: 1 + (seed % 2) } },
        plugins: [given.plugin],
        listener: { filters },
        more: [{ name: 'other', address: '127.0.0.1:0', destination: 'web', filters }],
      })
      const story = new Story(routed, given, servers, seed)
      for (let i = 0; i < STEPS; i++) await story.step()
      await story.end()
    },
    20_000,
  )
})
