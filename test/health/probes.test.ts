import { createServer as createHttpServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { HttpCheckConfig } from '../../src/core/config/config.js'
import { NodeTransport } from '../../src/core/node-transport.js'
import { HttpProbe } from '../../src/health/http-probe.js'
import type { Probe } from '../../src/health/probe.js'
import { TcpProbe } from '../../src/health/tcp-probe.js'
import { type Peer, serve } from '../support/sockets.js'

const CONFIG: HttpCheckConfig = { path: '/ready', host: undefined, statuses: [{ from: 200, to: 299 }] }
const transport = new NodeTransport()

function ask(probe: Probe, port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return new Promise((resolve) => probe.begin({ host, port }, resolve))
}

/** Answers the first bytes of whoever connects, and says what they were. */
async function answering(answer: (peer: Peer) => void) {
  return await serve((peer) => peer.socket.once('data', () => answer(peer)))
}

async function writeSlowly(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function refusing(): Promise<number> {
  const server = await serve()
  await new Promise((resolve) => server.server.close(resolve))
  return server.port
}

describe('a TCP check', () => {
  test('is content with a connection, and leaves none', async () => {
    const server = await serve()
    expect(await ask(new TcpProbe(transport), server.port)).toBeUndefined()
    expect(await (await server.accepted()).closed()).toBeDefined()
  })

  test('looks a name up', async () => {
    const server = await serve()
    expect(await ask(new TcpProbe(transport), server.port, 'localhost')).toBeUndefined()
    expect(await ask(new TcpProbe(transport), server.port, 'no-such-name.invalid')).toContain('no-such-name.invalid')
  })

  test('tries all addresses of a name before it says that it failed, as connections do', async () => {
    const server = await serve()
    const named = Object.assign(new NodeTransport(), { lookup: () => Promise.resolve(['127.0.0.9', '127.0.0.1']) })
    expect(await ask(new TcpProbe(named), server.port, 'shop.test')).toBeUndefined()
    expect(await ask(new TcpProbe(named), await refusing(), 'shop.test')).toContain('127.0.0.1')
  })

  test('says that nobody listens', async () => {
    expect(await ask(new TcpProbe(transport), await refusing())).toContain('ECONNREFUSED')
  })
})

describe('an HTTP check', () => {
  test('asks a server of node:http, and takes its status', async () => {
    const seen: unknown[] = []
    let status = 204
    const server = createHttpServer(({ method, url, headers }, response) => {
      seen.push([method, url, headers.host, headers.connection])
      response.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const probe = new HttpProbe(transport, CONFIG)
    expect(await ask(probe, port)).toBeUndefined()
    status = 503
    expect(await ask(probe, port)).toBe('it answered 503')
    const named = new HttpProbe(transport, { path: '/', host: 'shop.example', statuses: [{ from: 503, to: 503 }] })
    expect(await ask(named, port)).toBeUndefined()
    expect(seen).toEqual([
      ['GET', '/ready', `127.0.0.1:${port}`, 'close'],
      ['GET', '/ready', `127.0.0.1:${port}`, 'close'],
      ['GET', '/', 'shop.example', 'close'],
    ])
  })

  test.each([
    ['a byte at a time', 'HTTP/1.1 200 OK\r\n', undefined],
    ['no reason', 'HTTP/1.1 200\r\n', undefined],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n', undefined],
    ['what comes before the answer', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n', undefined],
    ['a redirect', 'HTTP/1.1 302 Found\r\n', 'it answered 302'],
    ['another protocol', 'SSH-2.0-x', 'it does not answer with HTTP/1'],
    ['a status that is none', 'HTTP/1.1 999 x\r\n', 'it does not answer with HTTP/1'],
  ])('reads %s', async (_, answer, expected) => {
    const server = await answering(({ socket }) => void writeSlowly(socket, answer))
    expect(await ask(new HttpProbe(transport, CONFIG), server.port)).toBe(expected)
  })

  test.each<[string, (peer: Peer) => void, RegExp]>([
    ['ends at once', ({ socket }) => void socket.end(), /without an answer/],
    ['resets', ({ socket }) => void socket.resetAndDestroy(), /ECONNRESET/],
    ['never ends its head', ({ socket }) => void socket.write(`HTTP/1.1 ${'2'.repeat(20_000)}`), /too long/],
  ])('fails where the server %s', async (_, act, expected) => {
    const server = await answering(act)
    expect(await ask(new HttpProbe(transport, CONFIG), server.port)).toMatch(expected)
  })

  test('can be given up, and leaves no connection', async () => {
    const server = await serve()
    const giveUp = new HttpProbe(transport, CONFIG).begin({ host: '127.0.0.1', port: server.port }, () =>
      expect.unreachable('it was given up'),
    )
    const peer = await server.accepted()
    await peer.hears('\r\n\r\n')
    giveUp()
    expect(await peer.closed()).toBe('ECONNRESET')
  })
})
