import { readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TRANSPARENT_SOCKETS } from '../../src/core/tokens.js'
import { noTransparentSockets, type TransparentSockets } from '../../src/core/transparent-sockets.js'
import { nativeAddon } from '../../src/core/native/native-addon.js'
import { freePort } from '../support/free-port.js'
import { connectTo, Peer, serve } from '../support/sockets.js'
import { startListener, turns } from '../support/start-sluice.js'

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

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

// All of 127.0.0.0/8 is this machine's, so that answers come back without a rule.
describe.skipIf(cannot)('preserveSource', () => {
  test('has the server see the client, and both hear each other', async () => {
    const server = await serve()
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, preserveSource: true })
    for (const [index, address] of ['127.0.0.9', '127.1.2.3'].entries()) {
      const client = await connectFrom(address, sluice.address('in').port)
      client.send('who am I?')
      const upstream = await server.accepted(index)
      expect(upstream.socket.remoteAddress).toBe(address)
      expect(upstream.socket.remotePort).not.toBe(client.socket.localPort)
      await upstream.hears('who am I?')
      upstream.send(address)
      await client.hears(address)
    }
  })

  test('holds for a server that is dialled early, and that greets', async () => {
    const server = await serve((peer) => void peer.send('220 mail.example.com ESMTP\r\n'))
    const filters = [
      'detect',
      { 'tcp-forward': { routes: [{ match: { protocol: 'smtp' }, destination: `127.0.0.1:${server.port}` }] } },
    ]
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, preserveSource: true, filters })
    const client = await connectFrom('127.0.0.9', sluice.address('in').port)
    await client.hears('ESMTP')
    expect((await server.accepted()).socket.remoteAddress).toBe('127.0.0.9')
  })

  test('takes the client that a proxy before us names', async () => {
    const server = await serve()
    const filters = [{ 'proxy-protocol': { trusted: ['127.0.0.1'] } }, 'tcp-forward']
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, preserveSource: true, filters })
    const client = await connectTo(sluice.address('in').port)
    client.send('PROXY TCP4 127.0.0.77 127.0.0.1 1234 80\r\nhello')
    const upstream = await server.accepted()
    await upstream.hears('hello')
    expect(upstream.socket.remoteAddress).toBe('127.0.0.77')
  })

  test('cannot reach a server of the other family, and leaves no descriptor behind', async () => {
    const server = createServer().listen(0, '::1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const closedPort = await freePort()
    const other = await startListener({ destination: `[::1]:${port}`, preserveSource: true })
    const refusing = await startListener({ destination: `127.0.0.1:${closedPort}`, preserveSource: true })
    const before = descriptors()
    for (let i = 0; i < 20; i++) {
      for (const [sluice, error] of [
        [other, 'SLUICE_CONNECT_FAILED'],
        [refusing, 'SLUICE_CONNECT_REFUSED'],
      ] as const) {
        const closed = sluice.nextClose('in')
        const client = await connectTo(sluice.address('in').port)
        expect(await closed).toMatchObject({ reason: 'connect-failed', error })
        await client.closed()
      }
    }
    await turns()
    expect(descriptors()).toBeLessThan(before + 5)
  })
})

describe('without transparent sockets', () => {
  const withSockets = (sockets: Partial<TransparentSockets>) => ({
    providers: [{ token: TRANSPARENT_SOCKETS, value: { ...noTransparentSockets, unavailable: undefined, ...sockets } }],
  })
  const forbidden = (): never => {
    throw Object.assign(new Error('setsockopt EPERM'), { code: 'EPERM' })
  }

  test('a listener that needs them does not start, and says what it lacks', async () => {
    const config = { destination: '127.0.0.1:9', preserveSource: true }
    await expect(startListener(config, withSockets({ probe: forbidden }))).rejects.toMatchObject({
      code: 'SLUICE_NOT_PERMITTED',
      message:
        'listener in: the kernel does not let this process keep the addresses of clients (preserveSource): it needs the capability CAP_NET_ADMIN',
    })
    const tproxy = { intercept: 'tproxy', destination: 'original' }
    await expect(startListener(tproxy, withSockets({ listener: forbidden }))).rejects.toMatchObject({
      code: 'SLUICE_NOT_PERMITTED',
    })
  })

  test('a connection ends where one cannot be made later on', async () => {
    const sluice = await startListener(
      { destination: '127.0.0.1:9', preserveSource: true },
      withSockets({ probe: () => {}, source: forbidden }),
    )
    const closed = sluice.nextClose('in')
    const client = await connectTo(sluice.address('in').port)
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_CONNECT_FAILED' })
    expect(await client.closed()).toBe('ECONNRESET')
  })
})
