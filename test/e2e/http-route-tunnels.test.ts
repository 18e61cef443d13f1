import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { resetSocket } from '../support/reset-socket.js'
import { type Routed, startRouted } from '../support/routed.js'
import { type Peer, serve } from '../support/sockets.js'
import { turns } from '../support/start-sluice.js'
import { until } from '../support/until.js'

/** More than the kernel holds for a reader that does not read. */
const MUCH = randomBytes(12 * 1024 * 1024)

interface Kind {
  readonly kind: 'connect' | 'upgrade'
  readonly request: string
  readonly answer: string
  /** As the client gets it. */
  readonly answered: string
}

const KINDS: readonly Kind[] = [
  {
    kind: 'connect',
    request: 'CONNECT inner:443 HTTP/1.1\r\nHost: inner:443\r\n\r\n',
    answer: 'HTTP/1.1 200 Yes\r\n\r\n',
    answered: 'HTTP/1.1 200 Yes\r\n\r\n',
  },
  {
    kind: 'upgrade',
    request: 'GET / HTTP/1.1\r\nHost: inner\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n',
    answer: 'HTTP/1.1 101 Yes\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n',
    answered: 'HTTP/1.1 101 Yes\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n',
  },
]

/** What a side has heard behind so many bytes. */
function behind(peer: Peer, count: number): Buffer {
  return peer.bytes.subarray(count)
}

describe.each(KINDS)('a tunnel by $kind', ({ kind, request, answer, answered }) => {
  async function start(): Promise<{ routed: Routed; client: Peer; server: Peer }> {
    const servers = await serve()
    const routed = await startRouted(servers.port)
    const client = await routed.client()
    client.send(request)
    const server = await servers.accepted()
    await server.hears('\r\n\r\n')
    return { routed, client, server }
  }

  async function open(): Promise<{ routed: Routed; client: Peer; server: Peer }> {
    const opened = await start()
    opened.server.send(answer)
    await opened.client.hears(answered)
    return opened
  }

  async function expectTunnelOver(routed: Routed): Promise<void> {
    expect(routed.sluice.metric('sluice_http_tunnels_total', { kind })).toBe(1)
    await until(() => routed.upstreams === 0)
    await routed.expectNothingLeft()
  }

  test('begins with what either side said early, byte for byte', async () => {
    const { routed, client, server } = await start()
    client.send('early, ').send('and more')
    await until(() => routed.sluice.connections()[0]!.bytes.client === request.length + 15)
    server.send(`${answer}hello`)
    await client.hears('hello')
    await server.hears('and more')
    expect(client.text).toBe(`${answered}hello`)
    expect(server.text).toBe(`${request}early, and more`)
    client.socket.end()
    server.socket.end()
    await expectTunnelOver(routed)
  })

  test('begins with much that the client said early, which is held by the client until there is one', async () => {
    const { routed, client, server } = await start()
    const taken = (): number => routed.sluice.connections()[0]!.bytes.client
    client.send(MUCH)
    await until(() => taken() > request.length)
    // It reads no more than what comes at once: the rest stays where it is.
    const atOnce = taken()
    await turns(50)
    expect(taken()).toBe(atOnce)
    expect(atOnce).toBeLessThan(1024 * 1024)
    expect(server.text).toBe(request)
    server.send(answer)
    await server.hearsBytes(request.length + MUCH.length)
    expect(behind(server, request.length).equals(MUCH)).toBe(true)
    client.socket.end()
    server.socket.end()
    await expectTunnelOver(routed)
  })

  test.each(['', 'all I have to say'])(
    'is one, too, for a client that has ended its half before: %j',
    async (early) => {
      const { routed, client, server } = await start()
      client.send(early).socket.end()
      await until(() => routed.sluice.connections()[0]!.bytes.client === request.length + early.length)
      await turns()
      expect(server.hasEnded).toBe(false)
      server.send(answer)
      await server.ended()
      expect(server.text).toBe(request + early)
      server.send(MUCH).socket.end()
      await client.ended()
      expect(client.text.startsWith(answered)).toBe(true)
      expect(behind(client, answered.length).equals(MUCH)).toBe(true)
      await expectTunnelOver(routed)
    },
  )

  test('goes on one way when the client ends its half first', async () => {
    const { routed, client, server } = await open()
    server.send(MUCH.subarray(0, MUCH.length / 2))
    client.send('last words').socket.end()
    await server.ended()
    expect(behind(server, request.length).toString()).toBe('last words')
    server.send(MUCH.subarray(MUCH.length / 2))
    await client.hearsBytes(answered.length + MUCH.length)
    server.socket.end()
    await client.ended()
    expect(behind(client, answered.length).equals(MUCH)).toBe(true)
    await expectTunnelOver(routed)
  })

  test('goes on one way when the server ends its half first, also in the moment in which it agrees', async () => {
    const { routed, client, server } = await start()
    server.send(`${answer}last words`).socket.end()
    await client.ended()
    expect(client.text).toBe(`${answered}last words`)
    client.send(MUCH).socket.end()
    await server.ended()
    expect(behind(server, request.length).equals(MUCH)).toBe(true)
    await expectTunnelOver(routed)
  })

  test('passes a reset of the client on to the server', async () => {
    const { routed, client, server } = await open()
    client.send('half a ')
    await server.hears('half a ')
    resetSocket(client.socket)
    expect(await server.closed()).toBe('ECONNRESET')
    await expectTunnelOver(routed)
  })

  test('passes a reset of the server on to the client', async () => {
    const { routed, client, server } = await open()
    server.send('half a ')
    await client.hears('half a ')
    resetSocket(server.socket)
    expect(await client.closed()).toBe('ECONNRESET')
    await expectTunnelOver(routed)
  })

  test('is as long as its sides want, whatever requests may take', async () => {
    const servers = await serve()
    const routed = await startRouted(servers.port, {
      options: { timeouts: { idle: '1s', header: '1s', request: '1s' } },
    })
    const client = await routed.client()
    client.send(request)
    const server = await servers.accepted()
    await server.hears('\r\n\r\n')
    server.send(answer)
    await client.hears(answered)
    for (let i = 0; i < 5; i++) routed.clock.advance(1_000)
    client.send('still here')
    await server.hears('still here')
    server.send('here, too')
    await client.hears('here, too')
    client.socket.end()
    server.socket.end()
    await expectTunnelOver(routed)
  })

  test('that begins in a drain is one, and is waited for', async () => {
    const { routed, client, server } = await start()
    const stopped = routed.sluice.stop({ grace: 60_000 })
    await until(() => routed.clock.pending.includes(500))
    server.send(answer)
    await client.hears(answered)
    expect(client.text).toBe(answered)
    routed.clock.advance(500)
    client.send('through')
    await server.hears('through')
    client.socket.end()
    server.socket.end()
    await stopped
    await client.ended()
  })
})

test('a WebSocket carries large binary messages both ways at once, whole and in their order', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  onTestFinished(() => sockets.close())
  const messages = [randomBytes(1), randomBytes(65_536), MUCH, randomBytes(126), randomBytes(5_000_000)]
  const heard: { readonly client: Buffer[]; readonly server: Buffer[] } = { client: [], server: [] }
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => heard.server.push(data))
    for (const message of messages) socket.send(message)
  })
  const routed = await startRouted((server.address() as AddressInfo).port)
  const client = new WebSocket(`ws://127.0.0.1:${routed.port}/`, { perMessageDeflate: false })
  client.on('message', (data: Buffer) => heard.client.push(data))
  await once(client, 'open')
  for (const message of messages) client.send(message)
  await until(() => heard.client.length === messages.length && heard.server.length === messages.length)
  for (const side of [heard.client, heard.server])
    expect(side.map((data, index) => data.equals(messages[index]!))).toEqual(messages.map(() => true))
  client.close()
  await once(client, 'close')
  expect(routed.sluice.metric('sluice_http_tunnels_total', { kind: 'upgrade' })).toBe(1)
  await routed.expectNothingLeft()
})
