import { hostname } from 'node:os'
import { lookup } from 'node:dns/promises'
import { describe, expect, test } from 'vitest'
import type { Address } from '../../src/core/address.js'
import type { OriginalDestinations } from '../../src/core/original-destination.js'
import { ORIGINAL_DESTINATIONS } from '../../src/core/tokens.js'
import { freePort } from '../support/free-port.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, startSluice } from '../support/start-sluice.js'

/** As if every connection had been headed there before it was redirected. */
function headedTo(address: () => Address) {
  const value: OriginalDestinations = { of: address }
  return { token: ORIGINAL_DESTINATIONS, value }
}

/** A name of this machine that is not `localhost`, and an address that it stands for. */
async function ownName(): Promise<string> {
  try {
    await lookup(hostname(), { family: 4 })
    return hostname()
  } catch {
    return '127.1'
  }
}

describe('a connection that comes back to the instance it came from', () => {
  test('is denied when it was headed for the listener itself', async () => {
    const sluice = await startListener(
      { intercept: 'redirect', destination: 'original' },
      { providers: [headedTo(() => sluice.address('in'))] },
    )
    const closed = sluice.nextClose('in')
    const client = await connectTo(sluice.address('in').port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'listener', reason: 'loop' } })
    expect(sluice.metric('sluice_deny_total', { reason: 'loop' })).toBe(1)
    expect(sluice.metric('tcp_open_total')).toBe(1)
  })

  test('is denied when it was headed for another address on which the listener listens too', async () => {
    const port = await freePort()
    const sluice = await startListener(
      { address: `0.0.0.0:${port}`, intercept: 'redirect', destination: 'original' },
      { providers: [headedTo(() => ({ host: '127.0.0.2', port }))] },
    )
    const closed = sluice.nextClose('in')
    const client = await connectTo(port)
    client.send('hello?')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'listener', reason: 'loop' } })
    // At once: nothing was dialled, and nothing came back.
    expect(sluice.metric('sluice_deny_total', { reason: 'loop' })).toBe(1)
    expect(sluice.metric('tcp_open_total')).toBe(1)
  })

  test('is denied when its destination is a name of this machine', async () => {
    const port = await freePort()
    const second = await freePort()
    // Two listeners: the first leads to the second, by a name that only the resolver knows to be us.
    const sluice = await startSluice({
      listeners: [
        { name: 'first', address: `127.0.0.1:${port}`, destination: `${await ownName()}:${second}` },
        { name: 'second', address: `0.0.0.0:${second}`, destination: `127.0.0.1:${(await serve()).port}` },
      ],
    })
    const closed = sluice.nextClose('second')
    const client = await connectTo(port)
    client.send('hello?')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'listener', reason: 'loop' } })
  })

  test('is refused by the configuration where that is plain to see', async () => {
    const port = await freePort()
    await expect(startListener({ address: `0.0.0.0:${port}`, destination: `127.0.0.2:${port}` })).rejects.toMatchObject(
      {
        findings: expect.arrayContaining([
          expect.objectContaining({ code: 'SLUICE_CONFIG_OWN_ADDRESS', path: 'listeners[0].destination' }),
        ]) as unknown[],
      },
    )
  })

  test('is told from a client that takes the port of a connection that is over', async () => {
    const server = await serve((peer) => void peer.socket.end('bye'))
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}` })
    for (let i = 0; i < 50; i++) {
      const client = await connectTo(sluice.address('in').port)
      await client.ended()
      client.socket.end()
    }
    expect(sluice.metric('sluice_deny_total', { reason: 'loop' })).toBe(0)
  })
})

describe('two instances', () => {
  test('one behind the other: both name the connection, neither touches the other', async () => {
    const server = await serve((peer) => void peer.send('220 mail.example.com ESMTP\r\n'))
    const inner = await startListener({ destination: `127.0.0.1:${server.port}` })
    const outer = await startListener({ destination: `127.0.0.1:${inner.address('in').port}` })
    const [innerClosed, outerClosed] = [inner.nextClose('in'), outer.nextClose('in')]
    const client = await connectTo(outer.address('in').port)
    await client.hears('ESMTP\r\n')
    client.send('EHLO x\r\n').socket.end()
    const upstream = await server.accepted()
    await upstream.ended()
    upstream.socket.end()
    const expected = { outcome: 'detected', protocol: 'smtp', decidedBy: 'server', closedBy: 'client', reason: 'end' }
    expect(await innerClosed).toMatchObject(expected)
    expect(await outerClosed).toMatchObject(expected)
    for (const sluice of [inner, outer]) expect(sluice.metric('tcp_open_total', { peer: 'src' })).toBe(1)
  })

  test('a reset goes through both', async () => {
    const server = await serve()
    const inner = await startListener({ destination: `127.0.0.1:${server.port}` })
    const outer = await startListener({ destination: `127.0.0.1:${inner.address('in').port}` })
    const client = await connectTo(outer.address('in').port)
    client.send('x')
    const upstream = await server.accepted()
    await upstream.hears('x')
    upstream.socket.resetAndDestroy()
    expect(await client.closed()).toBe('ECONNRESET')
    expect(outer.metric('tcp_close_total', { peer: 'dst', errno: 'ECONNRESET' })).toBe(1)
  })

  test('count each their own, and stopping one leaves the other running', async () => {
    const server = await serve((peer) => void peer.send('hello'))
    const [one, two] = [
      await startListener({ destination: `127.0.0.1:${server.port}` }),
      await startListener({ destination: `127.0.0.1:${server.port}` }),
    ]
    const [client, other] = [await connectTo(one.address('in').port), await connectTo(two.address('in').port)]
    await Promise.all([client.hears('hello'), other.hears('hello')])
    expect([one, two].map((sluice) => sluice.connections().length)).toEqual([1, 1])
    await one.stop()
    expect(await client.closed()).toBe('ECONNRESET')
    expect([one, two].map((sluice) => sluice.metric('tcp_open_connections', { peer: 'src' }))).toEqual([0, 1])
    other.send('still here')
    await (await server.accepted(1)).hears('still here')
    expect(two.isReady).toBe(true)
    expect(other.hasEnded).toBe(false)
  })
})
