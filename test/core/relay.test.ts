import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, turns } from '../support/start-sluice.js'

async function pair(listener: Record<string, unknown> = {}, clock?: FakeClock) {
  const server = await serve()
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, ...listener }, clock ? { clock } : {})
  const closed = sluice.nextClose('in')
  const client = await connectTo(sluice.address('in').port)
  const upstream = await server.accepted()
  await turns(3) // the proxy hears that it is connected, too
  return { server, sluice, closed, client, upstream }
}

describe('a relay', () => {
  test('carries both directions unchanged and says who closed', async () => {
    const { client, upstream, closed } = await pair()
    client.send('ping')
    await upstream.hears('ping')
    upstream.send('pong')
    await client.hears('pong')
    client.socket.end()
    await upstream.ended()
    upstream.socket.end()
    expect(await closed).toMatchObject({ closedBy: 'client', reason: 'end', bytes: { client: 4, server: 4 } })
  })

  test("passes on the client's half-close and keeps the other direction open", async () => {
    const { client, upstream, closed } = await pair()
    client.send('question').socket.end()
    await upstream.ended()
    upstream.send('first ')
    await client.hears('first ')
    upstream.send('second').socket.end()
    await client.ended()
    expect(client.text).toBe('first second')
    expect(await closed).toMatchObject({ closedBy: 'client', reason: 'end', bytes: { client: 8, server: 12 } })
  })

  test("passes on the server's half-close and keeps the other direction open", async () => {
    const { client, upstream, closed } = await pair()
    upstream.send('greeting').socket.end()
    await client.ended()
    client.send('still here')
    await upstream.hears('still here')
    client.socket.end()
    expect(await closed).toMatchObject({ closedBy: 'server', reason: 'end' })
  })

  test('carries a half-close without a byte', async () => {
    const { client, upstream } = await pair()
    client.socket.end()
    await upstream.ended()
    upstream.send('answer')
    await client.hears('answer')
  })

  test('resets the server when the client resets', async () => {
    const { client, upstream, closed } = await pair()
    client.send('x')
    await upstream.hears('x')
    client.socket.resetAndDestroy()
    expect(await upstream.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ closedBy: 'client', reason: 'reset' })
  })

  test('resets the client when the server resets', async () => {
    const { client, upstream, closed, sluice } = await pair()
    upstream.send('x')
    await client.hears('x')
    upstream.socket.resetAndDestroy()
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ closedBy: 'server', reason: 'reset' })
    expect(sluice.metric('tcp_close_total', { peer: 'dst', errno: 'ECONNRESET' })).toBe(1)
  })

  test('resets the client when no endpoint can be connected', async () => {
    const gone = await serve()
    await new Promise((resolve) => gone.server.close(resolve))
    const sluice = await startListener({ destination: `127.0.0.1:${gone.port}` })
    const closed = sluice.nextClose('in')
    const client = await connectTo(sluice.address('in').port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_CONNECT_REFUSED', closedBy: 'proxy' })
    expect(sluice.metric('sluice_connect_errors_total', { code: 'SLUICE_CONNECT_REFUSED' })).toBe(1)
  })

  test('pauses a fast client for a slow server, and loses nothing', async () => {
    const { client, upstream, sluice } = await pair()
    upstream.socket.pause()
    const block = randomBytes(1 << 20)
    const count = 32
    for (let i = 0; i < count; i++) client.socket.write(block)
    await turns(200)
    // What neither the server's kernel nor ours takes stays with the client.
    expect(sluice.connections()[0]?.bytes.client).toBeLessThan(count * block.length)
    upstream.socket.resume()
    const received = await upstream.hearsBytes(count * block.length)
    const expected = createHash('sha256')
    for (let i = 0; i < count; i++) expected.update(block)
    expect(createHash('sha256').update(received).digest('hex')).toBe(expected.digest('hex'))
  })

  test('pauses a fast server for a slow client, and loses nothing', async () => {
    const { client, upstream } = await pair()
    client.socket.pause()
    const block = randomBytes(1 << 20)
    for (let i = 0; i < 32; i++) upstream.socket.write(block)
    upstream.socket.end()
    await turns(200)
    client.socket.resume()
    await client.ended()
    expect(client.bytes.length).toBe(32 * block.length)
    expect(client.bytes.subarray(-block.length).equals(block)).toBe(true)
  })

  test('keeps what the client says while the upstream is being dialled', async () => {
    const { client, upstream } = await pair()
    const bytes = randomBytes(300_000)
    client.send(bytes)
    const received = await upstream.hearsBytes(bytes.length)
    expect(received.equals(bytes)).toBe(true)
  })

  test('ends a connection on which nothing moves for the idle timeout', async () => {
    const clock = new FakeClock()
    const { client, upstream, closed } = await pair({ timeouts: { idle: '10m' } }, clock)
    clock.advance(9 * 60_000)
    client.send('x')
    await upstream.hears('x')
    clock.advance(9 * 60_000)
    upstream.send('still open')
    await client.hears('still open')
    clock.advance(12 * 60_000)
    expect(await closed).toMatchObject({ reason: 'idle-timeout', closedBy: 'proxy' })
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await upstream.closed()).toBe('ECONNRESET')
  })

  test('ends a half-closed connection on which nothing moves for the half-close timeout', async () => {
    const clock = new FakeClock()
    const { client, upstream, closed } = await pair({ timeouts: { halfClose: '1m' } }, clock)
    client.socket.end()
    await upstream.ended()
    clock.advance(70_000)
    clock.advance(70_000)
    expect(await closed).toMatchObject({ reason: 'half-close-timeout', closedBy: 'proxy' })
    expect(await client.closed()).toBe('ECONNRESET')
    // After our FIN the server hears of the reset when it writes: the first write provokes it, the next one meets it.
    while (!upstream.socket.destroyed) {
      upstream.send('more')
      await turns(1)
    }
    expect(await upstream.closed()).toMatch(/ECONNRESET|EPIPE/)
  })
})
