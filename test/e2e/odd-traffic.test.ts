import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { runProgram } from '../support/run-program.js'
import { type Peer, connectTo, serve } from '../support/sockets.js'
import { clientHello } from '../support/client-hello.js'

const curl = needPrograms('curl')

/** Both sides say this; what each heard. */
async function exchange(
  client: Buffer,
  server: Buffer,
  say = (peer: Peer, bytes: Buffer): void => void peer.send(bytes),
) {
  const listening = await serve()
  const { port, nextClose, expectNothingLeft } = await oneWayOut(listening.port)
  const closed = nextClose()
  const left = await connectTo(port)
  say(left, client)
  left.socket.end()
  const right = await listening.accepted()
  say(right, server)
  right.socket.end()
  await Promise.all([left.ended(), right.ended()])
  const summary = await closed
  expectNothingLeft()
  return { atServer: right.bytes, atClient: left.bytes, summary }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('odd traffic arrives unchanged', () => {
  test.skipIf(curl.areMissing)(`of HTTP with a header of 64 KiB${curl.why}`, async () => {
    const origin = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
      const value = request.headers['x-big'] as string
      response.setHeader('x-big', value)
      response.end(`${value.length}`)
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void origin.close())
    await once(origin, 'listening')
    const { port, nextClose, sluice } = await oneWayOut((origin.address() as AddressInfo).port)
    const closed = nextClose()
    const value = 'v'.repeat(64 * 1024)
    const { code, stdout } = await runProgram('curl', ['-sS', '-H', `x-big: ${value}`, `http://127.0.0.1:${port}/`])
    expect({ code, stdout }).toEqual({ code: 0, stdout: String(value.length) })
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'http/1' })
    expect(sluice.metric('tcp_read_bytes_total', { peer: 'dst' })).toBeGreaterThan(value.length)
  })

  test('of a head of HTTP that never ends', async () => {
    const client = Buffer.from(`GET / HTTP/1.1\r\n${'x-more: and more\r\n'.repeat(50_000)}`)
    const { atServer, summary } = await exchange(
      client,
      Buffer.from('HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n'),
    )
    expect(hashOf(atServer)).toBe(hashOf(client))
    expect(summary).toMatchObject({ protocol: 'http/1', reason: 'end' })
  })

  test('of HTTP that is no HTTP any more', async () => {
    const client = Buffer.concat([
      Buffer.from('POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
      randomBytes(100_000),
    ])
    const server = Buffer.concat([Buffer.from('HTTP/1.1 999 what\r\ncontent-length: -1\r\n\r\n'), randomBytes(100_000)])
    const { atServer, atClient } = await exchange(client, server)
    expect(hashOf(atServer)).toBe(hashOf(client))
    expect(hashOf(atClient)).toBe(hashOf(server))
  })

  test('of a ClientHello with a byte in each segment, between two that have more to say', async () => {
    const hello = await clientHello({ servername: 'shop.example.com' })
    const listening = await serve()
    const { port, nextClose } = await oneWayOut(listening.port)
    const closed = nextClose()
    const client = await connectTo(port)
    const server = await listening.accepted()
    for (let i = 0; i < hello.length; i++) {
      client.send(hello.subarray(i, i + 1))
      await server.hearsBytes(i + 1)
    }
    expect(server.bytes.equals(hello)).toBe(true)
    client.socket.end()
    server.socket.end()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'tls', facts: { sni: 'shop.example.com' } })
  })

  test('of garbage, whatever byte it begins with, from either side', async () => {
    const garbage = randomBytes(2_000)
    // The server answers with what it hears, so that each byte comes first from both sides.
    const listening = await serve(({ socket }) => void socket.pipe(socket))
    const { port, sluice, expectNothingLeft } = await oneWayOut(listening.port)
    let closed = 0
    const allClosed = new Promise<void>((resolve) => sluice.on('closed', () => void (++closed === 256 && resolve())))
    await Promise.all(
      Array.from({ length: 256 }, async (_, first) => {
        const client = await connectTo(port)
        const bytes = Buffer.concat([Buffer.from([first]), garbage])
        client.send(bytes)
        await client.hearsBytes(bytes.length)
        expect(client.bytes.equals(bytes)).toBe(true)
        client.socket.end()
        await client.ended()
      }),
    )
    await allClosed
    expect(sluice.metric('sluice_deny_total')).toBe(0)
    expectNothingLeft()
  })

  test('of 100,000 writes of one byte', async () => {
    const bytes = randomBytes(100_000)
    const byteByByte = (peer: Peer, all: Buffer): void => {
      for (let i = 0; i < all.length; i++) peer.socket.write(all.subarray(i, i + 1))
    }
    const { atServer, atClient } = await exchange(bytes, Buffer.from(bytes).reverse(), byteByByte)
    expect(hashOf(atServer)).toBe(hashOf(bytes))
    expect(hashOf(atClient)).toBe(hashOf(Buffer.from(bytes).reverse()))
  })

  test('of a side that only listens, and of one that only talks', async () => {
    const bytes = randomBytes(5_000_000)
    expect(hashOf((await exchange(bytes, Buffer.alloc(0))).atServer)).toBe(hashOf(bytes))
    expect(hashOf((await exchange(Buffer.alloc(0), bytes)).atClient)).toBe(hashOf(bytes))
  })

  test('of sides that end at once without a byte', async () => {
    const { summary } = await exchange(Buffer.alloc(0), Buffer.alloc(0))
    expect(summary).toMatchObject({ outcome: 'ended', reason: 'end', bytes: { client: 0, server: 0 } })
  })
})
