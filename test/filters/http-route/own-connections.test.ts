import 'reflect-metadata'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineFilter } from '../../../src/core/filter.js'
import { ORIGINAL_DESTINATIONS } from '../../../src/core/tokens.js'
import { nativeAddon } from '../../../src/core/native/native-addon.js'
import { answering } from '../../support/answering.js'
import { startRouted } from '../../support/routed.js'
import { Peer, serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`

const isRoot = process.getuid?.() === 0
const cannot = !isRoot || nativeAddon().addon === undefined
if (cannot && process.env.CI === 'true')
  throw new Error('With CI=true every test must run: as root, with the native addon')

/** Connects as another address of this machine. */
async function connectFrom(localAddress: string, port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const peer = new Peer(socket)
  await once(socket, 'connect')
  return peer
}

describe('a client of whom servers are told by the PROXY protocol', () => {
  test('has connections of its own, each of which says who it is, once', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port, {
      listener: {
        filters: [
          { detect: { earlyDial: false } },
          'http-metrics',
          'http-route',
          { 'tcp-forward': { proxyProtocol: 'v1' } },
        ],
      },
    })
    const clients = [await routed.client(), await routed.client()]
    for (const [index, client] of clients.entries()) {
      for (let i = 1; i <= 3; i++) {
        client.send(get(`/${index}/${i}`))
        await until(() => client.text === OK.repeat(i))
      }
    }
    expect(server.peers.map(({ text }) => text)).toEqual(
      clients.map(
        ({ socket }, index) =>
          `PROXY TCP4 127.0.0.1 127.0.0.1 ${socket.localPort} ${routed.port}\r\n` +
          [1, 2, 3].map((i) => get(`/${index}/${i}`)).join(''),
      ),
    )
    clients[0]!.socket.end()
    await server.peers[0]!.ended()
    expect(server.peers[1]!.hasEnded).toBe(false)
    clients[1]!.socket.end()
    await routed.expectNothingLeft()
  })
})

describe('a server to which the chain cannot say who the client is', () => {
  test('is not sent the request, which ends with its connection', async () => {
    const server = await serve(answering(OK))
    const prefacing = defineFilter({
      name: 'prefacing',
      options: z.strictObject({}),
      terminal: true,
      create: () => ({
        onConnection: () => 'handled' as const,
        preface: () => {
          throw new Error('nobody knows')
        },
      }),
    })
    const routed = await startRouted(server.port, {
      plugins: [{ name: 'prefacing', apiVersion: 1, filters: [prefacing] }],
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'prefacing'] },
    })
    const client = await routed.client()
    client.send(get('/'))
    expect(await client.closed()).toBe('ECONNRESET')
    const peer = await server.accepted()
    await peer.closed()
    expect(peer.text).toBe('')
    await routed.expectNothingLeft()
  })
})

const why = cannot ? ' (needs root and the native addon)' : ''
describe.skipIf(cannot)(`clients whose addresses servers see${why}`, () => {
  test('have connections of their own, from their own addresses', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port, { listener: { preserveSource: true } })
    for (const [index, address] of ['127.0.0.9', '127.1.2.3'].entries()) {
      const client = await connectFrom(address, routed.port)
      client.send(get(`/${index}/1`))
      await client.hears('ok')
      client.send(get(`/${index}/2`))
      await until(() => client.text === OK + OK)
    }
    expect(server.peers.map(({ socket, text }) => [socket.remoteAddress, text])).toEqual([
      ['127.0.0.9', get('/0/1') + get('/0/2')],
      ['127.1.2.3', get('/1/1') + get('/1/2')],
    ])
  })
})

describe('connections that go where they were headed', () => {
  test('share those to one address, and those only', async () => {
    const [one, other] = [await serve(answering(OK)), await serve(answering(OK))]
    let port = one.port
    const routed = await startRouted('original', {
      listener: {
        intercept: 'redirect',
        filters: [{ detect: { earlyDial: false } }, 'http-route', 'tcp-forward'],
      },
      providers: [{ token: ORIGINAL_DESTINATIONS, value: { of: () => ({ host: '127.0.0.1', port }) } }],
    })
    const asks = async (path: string): Promise<void> => {
      const client = await routed.client()
      client.send(get(path))
      await client.hears('ok')
    }
    await asks('/1')
    await asks('/2')
    port = other.port
    await asks('/3')
    port = one.port
    await asks('/4')
    const asked = (peers: readonly Peer[]): string[] => peers.map(({ text }) => text).filter((text) => text !== '')
    expect(asked(one.peers)).toEqual([get('/1') + get('/2') + get('/4')])
    expect(asked(other.peers)).toEqual([get('/3')])
  })
})

test.each(['used first', 'dialled early'])(
  'a server that says how long it keeps a connection is believed on one that was %s',
  async (how) => {
    const server = await serve(answering(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=5\r\n\r\n')))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    if (how === 'dialled early') await until(() => routed.upstreams === 1)
    client.send(get('/'))
    await client.hears('ok')
    routed.clock.advance(3_000)
    expect(routed.upstreams).toBe(1)
    routed.clock.advance(2_500)
    await server.peers[0]!.ended()
    await until(() => routed.upstreams === 0)
  },
)
