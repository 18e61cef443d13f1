import { createServer as createHttpServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type AcceptMode, NodeTransport } from '../../src/core/node-transport.js'
import { TRANSPORT } from '../../src/core/tokens.js'
import type { AcceptedWire, Transport } from '../../src/core/transport.js'
import { nativeTransport } from '../support/native-transport.js'
import type { Wire, WireReader } from '../../src/core/wire.js'
import { connectTo, type Peer, serve } from '../support/sockets.js'
import { startListener, turns } from '../support/start-sluice.js'

const modes: readonly (AcceptMode | 'native')[] = ['handle', 'data', 'native']

function transportOf(mode: AcceptMode | 'native'): Transport {
  if (mode !== 'native') return new NodeTransport({ acceptMode: mode })
  return nativeTransport()
}

/** A wire that was accepted, and who is at its other end. */
async function accept(mode: AcceptMode | 'native'): Promise<{ wire: AcceptedWire; client: Peer }> {
  let accepted: (wire: AcceptedWire) => void = () => {}
  const wire = new Promise<AcceptedWire>((resolve) => (accepted = resolve))
  const transport = transportOf(mode)
  const socket = await transport.listen(
    { host: '127.0.0.1', port: 0, ipv6Only: false, keepAliveMs: 10_000 },
    (one) => {
      one.pause()
      accepted(one)
    },
    (error) => expect.unreachable(error.message),
  )
  onTestFinished(() => socket.close())
  const client = await connectTo(socket.port)
  return { wire: await wire, client }
}

function reader(overrides: Partial<WireReader>): WireReader {
  return { onChunk: () => {}, onEnd: () => {}, onError: () => {}, onDrain: () => {}, ...overrides }
}

describe.each(modes)('a wire accepted by %s', (mode) => {
  test('hands out borrowed chunks and copies what is written', async () => {
    const { wire, client } = await accept(mode)
    const kept: Uint8Array[] = []
    wire.read(
      reader({
        onChunk(chunk) {
          kept.push(chunk)
          const reply = Buffer.from(chunk)
          wire.write(reply)
          reply.fill(0)
        },
      }),
    )
    wire.resume()
    client.send('borrowed')
    expect(await client.hears('borrowed')).toBe('borrowed')
    // Read buffers are overwritten once the callback has returned, so that who keeps one is found out.
    if (mode !== 'data') expect(Buffer.from(kept[0]!).toString()).not.toBe('borrowed')
    expect(wire.bytesRead).toBe(8)
    expect(wire.bytesWritten).toBe(8)
  })

  test('says when to pause and when to go on, and delivers all', async () => {
    const { wire, client } = await accept(mode)
    client.socket.pause()
    const block = randomBytes(64 * 1024)
    let drains = 0
    wire.read(reader({ onDrain: () => void drains++ }))
    let written = 0
    while (wire.write(block)) written++
    expect(wire.pendingBytes).toBeGreaterThan(0)
    client.socket.resume()
    const received = await client.hearsBytes((written + 1) * block.length)
    expect(received.subarray(-block.length).equals(block)).toBe(true)
    await turns(3)
    expect(drains).toBe(1)
  })

  test('ends its half and goes on reading', async () => {
    const { wire, client } = await accept(mode)
    const heard: string[] = []
    const ended = new Promise<void>((resolve) => {
      wire.read(reader({ onChunk: (chunk) => void heard.push(Buffer.from(chunk).toString()), onEnd: resolve }))
    })
    wire.resume()
    wire.end()
    await client.ended()
    client.send('still talking').socket.end()
    await ended
    expect(heard).toEqual(['still talking'])
  })

  test('resets, also in the turn in which it ended its half', async () => {
    for (const endsFirst of [false, true]) {
      const { wire, client } = await accept(mode)
      const over = new Promise<void>((resolve) => wire.whenClosed(resolve))
      if (endsFirst) wire.end()
      wire.reset()
      await over
      // Whose reading is over hears of a reset when it writes.
      while (endsFirst && !client.socket.destroyed) {
        client.send('x')
        await turns(1)
      }
      expect(await client.closed()).toMatch(endsFirst ? /ECONNRESET|EPIPE/ : /ECONNRESET/)
    }
  })

  test('ends with a reader that throws, and with no other', async () => {
    const { wire, client } = await accept(mode)
    const errors: Error[] = []
    wire.read(
      reader({
        onChunk() {
          throw new Error('a bug in a reader')
        },
        onError: (error) => void errors.push(error),
      }),
    )
    wire.resume()
    client.send('x')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(errors.map(({ message }) => message)).toEqual(['a bug in a reader'])
  })

  test('is given up to node:http with the bytes that its reader held', async () => {
    const { wire, client } = await accept(mode)
    const held = 'GET /held HTTP/1.1\r\nhost: x\r\n'
    const arrived = new Promise<void>((resolve) => {
      wire.read(reader({ onChunk: () => resolve(), onDetach: () => Buffer.from(held) }))
    })
    wire.resume()
    client.send(held)
    await arrived
    const server = createHttpServer((request, response) => response.end(`answer to ${request.url}`))
    const socket = wire.detach()
    server.emit('connection', socket)
    socket.resume()
    client.send('connection: close\r\n\r\n')
    expect(await client.hears('answer to /held')).toContain('200 OK')
    await client.ended()
  })
})

describe.each(modes)('a wire accepted by %s that was given up', (mode) => {
  test.each(['close', 'reset'] as const)('is still closed by %s()', async (how) => {
    for (const hasEnded of [false, true]) {
      const { wire, client } = await accept(mode)
      const over = new Promise<void>((resolve) => wire.whenClosed(resolve))
      const { localHost, localPort } = wire
      const socket = wire.detach()
      expect(wire).toMatchObject({ localHost, localPort })
      if (hasEnded) socket.end()
      wire[how]()
      await over
      if (hasEnded) continue
      if (how === 'close') await client.ended()
      else expect(await client.closed()).toBe('ECONNRESET')
    }
  })

  test('when it was closed is a socket that is closed', async () => {
    const { wire } = await accept(mode)
    const over = new Promise<void>((resolve) => wire.whenClosed(resolve))
    wire.close()
    const socket = wire.detach()
    expect(socket.destroyed).toBe(true)
    await over
  })
})

test('everything works without adopting handles, which is undocumented', async () => {
  const server = await serve()
  const sluice = await startListener(
    { destination: `127.0.0.1:${server.port}` },
    { providers: [{ token: TRANSPORT, value: new NodeTransport({ acceptMode: 'data' }) }] },
  )
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  const bytes = randomBytes(1 << 20)
  client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const upstream = await server.accepted()
  await upstream.hears('host: x')
  upstream.send(bytes).socket.end()
  await client.ended()
  expect(client.bytes.equals(bytes)).toBe(true)
  client.socket.end()
  expect(await closed).toMatchObject({ protocol: 'http/1', reason: 'end', bytes: { client: 27, server: bytes.length } })
})

describe.each(['handle', 'native'] as const)('a wire that was connected by %s', (mode) => {
  /** A wire that is paused, and whose peer has said this and was reset: as the kernel does with one that is closed and has unread bytes. */
  async function connectedTo(lastWords: string): Promise<Wire> {
    const server = await serve()
    const wire = await new Promise<Wire>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, keepAliveMs: 10_000 }
      const connecting = transportOf(mode).connect(options, (error) => {
        if (error) reject(error)
        else resolve(connecting)
      })
    })
    onTestFinished(() => wire.close())
    wire.read(reader({ onError: () => expect.unreachable('it is paused') }))
    wire.pause()
    const peer = await server.accepted()
    await new Promise((resolve) => peer.socket.write(lastWords, resolve))
    peer.socket.resetAndDestroy()
    await peer.closed()
    return wire
  }

  test('hands on what its peer has said before a write fails, then says that it is broken', async () => {
    const wire = await connectedTo('too large')
    const heard: string[] = []
    const broken = new Promise<void>((resolve) => {
      wire.read(
        reader({
          onChunk: (chunk) => void heard.push(Buffer.from(chunk).toString()),
          onEnd: () => void heard.push('end'),
          onError({ code }) {
            heard.push(code!)
            resolve()
          },
        }),
      )
    })
    wire.resume()
    wire.write(Buffer.from('more'))
    await broken
    expect(heard).toEqual(['too large', expect.stringMatching(/^(?:ECONNRESET|EPIPE)$/)])
  })

  test('can be reset while it does so, and says nothing more', async () => {
    const wire = await connectedTo('too large')
    const over = new Promise<void>((resolve) => wire.whenClosed(resolve))
    wire.read(
      reader({ onChunk: () => wire.reset(), onError: () => expect.unreachable('who resets it knows that it is over') }),
    )
    wire.resume()
    wire.write(Buffer.from('more'))
    await over
  })
})
