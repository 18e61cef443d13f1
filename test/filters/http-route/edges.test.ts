import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { MemoryTransport } from '../../../src/testing/memory-transport.js'
import { WIRE_CAPACITY_BYTES } from '../../../src/testing/memory-wire.js'
import { WireRecorder } from '../../../src/testing/wire-recorder.js'
import { nativeTransport, needNativeAddon } from '../../support/native-transport.js'
import { resetSocket } from '../../support/reset-socket.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { type Peer, serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Answers the first of what comes with `first`, and all that follows with a 200. */
function answering(first: string): (peer: Peer) => void {
  let next = first
  return (peer) => {
    peer.socket.on('data', () => {
      peer.send(next)
      next = OK
    })
  }
}

describe('a CONNECT that is refused', () => {
  test('by the server ends the connection: what follows was meant for a tunnel', async () => {
    const server = await serve(answering('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    expect(server.peers.map(({ text }) => text).join('')).not.toContain('smuggled')
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('by us does so, too', async () => {
    const routed = await startRouted(1, {
      options: { rules: [{ name: 'no', match: { method: 'CONNECT' }, respond: { status: 405 } }] },
    })
    const client = await routed.client()
    client.send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    client.socket.end()
    await routed.expectNothingLeft()
  })
})

/** Draining, and the time is over for which clients are waited for. `stopped` settles when the last connection has ended. */
async function drained({ sluice, clock }: Routed): Promise<{ readonly stopped: Promise<void> }> {
  const stopped = sluice.stop({ grace: 60_000 })
  await until(() => clock.pending.includes(500))
  clock.advance(500)
  return { stopped }
}

test('a drain while a response is under way ends the connection behind it', async () => {
  const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'))
  const routed = await startRouted(server.port)
  const client = await routed.client()
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.hears('half')
  const { stopped } = await drained(routed)
  server.peers[0]!.send('half')
  await client.ended()
  client.socket.end()
  await stopped
})

describe('a request that came before its turn', () => {
  const first = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const second = 'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'
  const last = OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')

  test('is answered, and told so, where a drain began and ended behind the head of the response before it', async () => {
    const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'
    const server = await serve(answering(begun))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(first + second)
    await client.hears('half')
    const { stopped } = await drained(routed)
    server.peers[0]!.send('half')
    await client.ended()
    expect(client.text).toBe(`${begun}half${last}`)
    client.socket.end()
    await stopped
  })

  test('is answered where a drain ends while its client has not read the response before it', async () => {
    const long = 'x'.repeat(WIRE_CAPACITY_BYTES * 2)
    const large = `HTTP/1.1 200 OK\r\nContent-Length: ${long.length}\r\n\r\n${long}`
    const answers = [large, OK]
    const transport = new MemoryTransport((_, wire) => {
      wire.read({ onChunk: () => wire.write(Buffer.from(answers.shift()!)), onEnd() {}, onError() {}, onDrain() {} })
    })
    const routed = await startRouted(80, { transport })
    const client = transport.accept(routed.sluice.address('in'))
    const heard = new WireRecorder(client)
    client.pause()
    client.write(Buffer.from(first + second))
    await until(() => routed.sluice.metric('response_total') === 1)
    routed.clock.advance(1_000)
    const { stopped } = await drained(routed)
    client.resume()
    await until(() => heard.hasEnded)
    expect(heard.text).toBe(large + last)
    client.end()
    await stopped
  })
})

const native = needNativeAddon()

test.skipIf(native.isMissing)(
  `a client that is paused, since its next request has come, and is reset does not keep the server waiting${native.why}`,
  async () => {
    const server = await serve()
    const routed = await startRouted(server.port, { transport: nativeTransport() })
    const client = await routed.client()
    client.send('POST /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    const asked = await server.accepted()
    await asked.hears('/1')
    resetSocket(client.socket)
    expect(await asked.closed()).toBe('ECONNRESET')
    expect(routed.sluice.metric('tcp_close_total', { peer: 'src', errno: 'ECONNRESET' })).toBe(1)
    await routed.expectNothingLeft()
  },
)

test('a 400 after a HEAD has its body', async () => {
  const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'))
  const routed = await startRouted(server.port)
  const client = await routed.client()
  client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.hears('\r\n\r\n')
  client.send('GET / HTTP/1.1\r\nHost : a\r\n\r\n')
  await client.ended()
  expect(client.text).toContain('sluice: space-before-colon')
})

test('an absolute form of HTTP/1.0 without Host gets that of the target, for rules and for servers', async () => {
  const server = await serve(answering(OK))
  const routed = await startRouted(server.port, {
    options: { rules: [{ name: 'inner', match: { host: 'inner' }, respond: { status: 403 } }] },
  })
  const asks = async (target: string): Promise<string> => {
    const client = await routed.client()
    client.send(`GET ${target} HTTP/1.0\r\n\r\n`)
    await client.ended()
    return client.text
  }
  expect(await asks('http://inner/')).toMatch(/^HTTP\/1.1 403 /)
  expect(await asks('http://outer:81/a')).toMatch(/^HTTP\/1.1 200 /)
  expect(server.peers[0]!.text).toBe('GET http://outer:81/a HTTP/1.1\r\nHost: outer:81\r\n\r\n')
})

test('a connection on which a 204 announces content is not used again', async () => {
  const server = await serve(answering('HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n'))
  const routed = await startRouted(server.port)
  const client = await routed.client()
  client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.hears('\r\n\r\n')
  client.send('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.hears('ok')
  expect(server.peers).toHaveLength(2)
})

test('a client that is slow to send does not have its server set aside for that', async () => {
  const servers = [await serve(), await serve()]
  const routed = await startRouted('two', {
    upstreams: {
      two: { endpoints: servers.map(({ port }) => `127.0.0.1:${port}`), ejection: { consecutiveFailures: 1 } },
    },
    options: { timeouts: { request: '1s' } },
  })
  const client = await routed.client()
  client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf')
  await until(() => servers.some(({ peers }) => peers.some(({ text }) => text.endsWith('half'))))
  routed.clock.advance(1_500)
  await until(() => client.text.includes('request-timeout'))
  expect(routed.sluice.metric('sluice_endpoint_ejections_total')).toBe(0)
})
