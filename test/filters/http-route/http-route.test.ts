import 'reflect-metadata'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { once } from 'node:events'
import { onTestFinished, describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../../src/http/request-record.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { freePort } from '../../support/free-port.js'
import { answering } from '../../support/answering.js'
import { resetSocket } from '../../support/reset-socket.js'
import { serveHttp, startRouted } from '../../support/routed.js'
import { type Peer, serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function get(path: string, ...fields: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: shop', ...fields, '', ''].join('\r\n')
}

describe('one request', () => {
  test('goes to the server and its response back, each with its own connection options', async () => {
    const server = await serve(
      answering(
        'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\nok',
      ),
    )
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(
      get('/a?b=c', 'Connection: keep-alive, X-Mine', 'X-Mine: 1', 'Keep-Alive: 300', 'TE: trailers', 'X-Yours: 2'),
    )
    expect(await client.hears('ok')).toBe('HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-End: 2\r\n\r\nok')
    expect((await server.accepted()).text).toBe('GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Yours: 2\r\n\r\n')
    client.socket.end()
    await client.ended()
    await routed.expectNothingLeft()
  })

  test('keeps what Connection must not take out', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/', 'Connection: Host, X-Forwarded-For, Cookie', 'X-Forwarded-For: 10.0.0.1', 'Cookie: a=b'))
    await client.hears('ok')
    expect((await server.accepted()).text).toBe(
      'GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 10.0.0.1\r\nCookie: a=b\r\n\r\n',
    )
  })

  test('is counted once, with http-metrics before it in the chain', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const records: RequestRecord[] = []
    routed.sluice.on('request', (record) => void records.push(record))
    const client = await routed.client()
    client.send(get('/a'))
    await client.hears('ok')
    expect(routed.sluice.metric('request_total')).toBe(1)
    expect(routed.sluice.metric('response_total', { status_code: '200', classification: 'success' })).toBe(1)
    expect(routed.sluice.metric('response_latency_ms')).toBe(1)
    expect(records).toEqual([
      expect.objectContaining({
        destination: `127.0.0.1:${server.port}`,
        method: 'GET',
        target: '/a',
        authority: 'shop',
        status: 200,
        bytes: { client: 0, server: 2 },
      }),
    ])
  })

  test('is counted without http-metrics, too', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port, {
      listener: { filters: ['detect', 'http-route', 'tcp-forward'] },
    })
    const client = await routed.client()
    client.send(get('/a'))
    await client.hears('ok')
    expect(routed.sluice.metric('request_total')).toBe(1)
    expect(routed.sluice.metric('response_total')).toBe(1)
  })

  test('of HTTP/1.0 is sent as HTTP/1.1, and its connection closed', async () => {
    const server = await serve(answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('GET / HTTP/1.0\r\n\r\n')
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok')
    expect((await server.accepted()).text).toBe(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('of HTTP/1.0 keeps its connection where it asks for that and the response has a length', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    for (let i = 1; i <= 2; i++) {
      client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
      await until(() => client.text.split('ok').length > i)
    }
    expect(client.text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok'.repeat(2))
  })

  test('that is not HTTP goes on to the next filter', async () => {
    const server = await serve((peer) => void peer.send('SSH-2.0-server\r\n'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('SSH-2.0-client\r\n')
    await client.hears('SSH-2.0-server')
    expect(routed.sluice.metric('request_total')).toBe(0)
    expect((await server.accepted()).text).toBe('SSH-2.0-client\r\n')
  })
})

describe('content', () => {
  test('of a request with a length, and chunked with trailers, arrives as it was sent', async () => {
    const bodies: { body: string; trailers: NodeJS.Dict<string>; length: string | undefined }[] = []
    const { port } = await serveHttp((request, response) => {
      void buffer(request).then((body) => {
        bodies.push({
          body: body.toString(),
          trailers: request.trailers,
          length: request.headers['content-length'],
        })
        response.end('ok')
      })
    })
    const routed = await startRouted(port)
    const client = await routed.client()
    client.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel').send('lo')
    await client.hears('ok')
    client.send('POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n')
    client.send('2\r\nde\r\n0\r\nX-Sum: 7\r\nContent-Length: 3\r\n\r\n')
    await until(() => client.text.split('ok').length === 3)
    expect(bodies).toEqual([
      { body: 'hello', trailers: {}, length: '5' },
      { body: 'abcde', trailers: { 'x-sum': '7' }, length: undefined },
    ])
  })

  test('of a response keeps chunks and trailers', async () => {
    const server = await serve(
      answering(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;q\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n',
        OK,
      ),
    )
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/') + get('/'))
    expect(await client.hears('ok')).toBe(
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n${OK}`,
    )
    expect(server.peers).toHaveLength(1)
  })

  test('that ends with the server is chunked for the client, whose connection goes on', async () => {
    const server = await serve((peer) => {
      peer.socket.on('data', () => {
        peer.send('HTTP/1.1 200 OK\r\n\r\nall')
        peer.socket.end()
      })
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n'
    expect(await client.hears('\r\n0\r\n\r\n')).toBe(answer)
    client.send(get('/2'))
    await until(() => client.text === answer + answer)
    expect(server.peers).toHaveLength(2)
  })

  test('is none after HEAD, 204 and 304', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    const empty = 'HTTP/1.1 204 No Content\r\n\r\n'
    const old = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'
    const server = await serve(answering(head, empty, old, OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/').replace('GET', 'HEAD') + get('/') + get('/') + get('/'))
    expect(await client.hears('ok')).toBe(head + empty + old + OK)
    expect(server.peers).toHaveLength(1)
  })

  test('is held for a slow reader by the server, not here', async () => {
    const block = Buffer.alloc(64 * 1024, 'x')
    const total = 64 * 1024 * 1024
    let sent = 0
    const { port } = await serveHttp((_request, response) => {
      response.writeHead(200, { 'content-length': total })
      const go = (): void => {
        while (sent < total) {
          sent += block.length
          if (!response.write(block)) return void response.once('drain', go)
        }
        response.end()
      }
      go()
    })
    const routed = await startRouted(port)
    const client = await routed.client()
    client.socket.pause()
    client.send(get('/'))
    // The kernel's buffers take a few megabytes; a proxy that collects would take it all.
    await until(() => sent > 0)
    let before = -1
    while (before !== sent) {
      before = sent
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent).toBeLessThan(total / 2)
    client.socket.resume()
    const bytes = await client.hearsBytes(total)
    await until(() => client.bytes.length >= total + client.text.slice(0, 1000).indexOf('\r\n\r\n') + 4)
    expect(bytes.subarray(-64).equals(block.subarray(-64))).toBe(true)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('of an upload is held for a slow server by the client', async () => {
    const total = 64 * 1024 * 1024
    let incoming: IncomingMessage | undefined
    const { port } = await serveHttp((request, response) => {
      incoming = request
      request.on('end', () => response.end('ok'))
    })
    const routed = await startRouted(port)
    const client = await routed.client()
    client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    client.send(Buffer.alloc(total, 'y'))
    await until(() => incoming !== undefined)
    let before = -1
    while (before !== client.socket.bytesWritten - client.socket.writableLength) {
      before = client.socket.bytesWritten - client.socket.writableLength
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.socket.writableLength).toBeGreaterThan(total / 2)
    let got = 0
    incoming!.on('data', (chunk: Buffer) => (got += chunk.every((byte) => byte === 0x79) ? chunk.length : 0))
    await client.hears('ok')
    expect(got).toBe(total)
  })
})

describe('a connection of a client', () => {
  test('has its pipelined requests answered in order, one after the other', async () => {
    const server = await serve()
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1') + get('/2') + get('/3').slice(0, 10))
    const peer = await server.accepted()
    await peer.hears('/1')
    expect(peer.text).not.toContain('/2')
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1')
    await peer.hears('/2')
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2')
    await client.hears('\r\n\r\n2')
    client.send(get('/3').slice(10))
    await peer.hears('/3')
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3')
    await client.hears('\r\n\r\n3')
    expect(server.peers).toHaveLength(1)
  })

  test('gets answers to thousands of pipelined requests', async () => {
    const { port } = await serveHttp((request, response) => void response.end(request.url))
    const routed = await startRouted(port)
    const client = await routed.client()
    const count = 3000
    client.send(Array.from({ length: count }, (_, i) => get(`/${i}`)).join(''))
    await client.hears(`/${count - 1}`)
    expect(client.text.match(/\r\n\r\n\/\d+/g)?.map((path) => Number(path.slice(5)))).toEqual(
      Array.from({ length: count }, (_, i) => i),
    )
  })

  test('that has ended its half still gets its answers', async () => {
    const server = await serve()
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1') + get('/2'))
    client.socket.end()
    const peer = await server.accepted()
    await peer.hears('/1')
    peer.send(OK)
    await peer.hears('/2')
    peer.send(OK)
    await client.ended()
    expect(client.text).toBe(OK + OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    await routed.expectNothingLeft()
  })

  test('that says close gets its answer, and the end', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/', 'Connection: close'))
    await client.ended()
    expect(client.text).toBe(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    expect((await server.accepted()).hasEnded).toBe(false)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test.each(['before the response', 'within it'])(
    'that is reset %s resets the connection to the server',
    async (when) => {
      const server = await serve()
      const routed = await startRouted(server.port)
      const client = await routed.client()
      client.send(get('/'))
      const peer = await server.accepted()
      await peer.hears('\r\n\r\n')
      if (when === 'within it') {
        peer.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe')
        await client.hears('he')
      }
      resetSocket(client.socket)
      expect(await peer.closed()).toBe('ECONNRESET')
      await until(() => routed.sluice.metric('response_total', { error: 'unclassified' }) === 1)
      await routed.expectNothingLeft()
    },
  )

  test('that leaves in the middle of its request takes the connection to the server with it', async () => {
    const server = await serve()
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf')
    const peer = await server.accepted()
    await peer.hears('half')
    client.socket.end()
    expect(await peer.closed()).toBe('ECONNRESET')
    await client.ended()
    await routed.expectNothingLeft()
  })
})

describe('connections to a server', () => {
  test('are shared by all clients, one request at a time', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    for (let i = 0; i < 5; i++) {
      const client = await routed.client()
      client.send(get(`/${i}`))
      await client.hears('ok')
      client.socket.end()
      await client.ended()
    }
    expect(server.peers).toHaveLength(1)
    expect(routed.upstreams).toBe(1)
    await routed.expectNothingLeft()
  })

  test('that get bytes while no request is outstanding are closed, and no request is answered by them', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    server.peers[0]!.send('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    await server.peers[0]!.ended()
    client.send(get('/2'))
    await until(() => client.text === OK + OK)
    expect(server.peers).toHaveLength(2)
    expect(routed.upstreams).toBe(1)
  })

  test('that the server ends are closed, and the next request opens another', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    server.peers[0]!.socket.end()
    await server.peers[0]!.closed()
    client.send(get('/2'))
    await until(() => client.text === OK + OK)
  })

  test('begin with the one that was dialled early', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    await server.accepted()
    await until(() => routed.upstreams === 1)
    client.send(get('/'))
    await client.hears('ok')
    expect(server.peers).toHaveLength(1)
    expect(routed.sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
    client.socket.end()
    await client.ended()
    await routed.expectNothingLeft()
  })

  test('do not begin with an early one on which the server has said something', async () => {
    const server = await serve((peer) => {
      if (server.peers.length === 1) peer.send('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
      else answering(OK)(peer)
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    await server.accepted()
    await until(() => routed.sluice.connections()[0]?.protocol === 'http/1')
    client.send(get('/'))
    expect(await client.hears('ok')).toBe(OK)
  })

  test('that break in the moment of a request are replaced, where it can be repeated', async () => {
    const server = await serve((peer) => {
      if (server.peers.length > 1) return answering(OK)(peer)
      answering(OK)(peer)
      peer.socket.on('data', () => peer.text.includes('/2') && peer.socket.destroy())
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    server.peers[0]!.socket.removeAllListeners('data')
    server.peers[0]!.socket.on('data', () => server.peers[0]!.socket.destroy())
    client.send(get('/2'))
    await until(() => client.text === OK + OK)
    expect(routed.sluice.metric('sluice_http_retries_total', { reason: 'stale-connection' })).toBe(1)
    client.send('POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx')
    server.peers[1]!.socket.removeAllListeners('data')
    server.peers[1]!.socket.on('data', () => server.peers[1]!.socket.destroy())
    expect(await client.hears('502')).toContain('sluice: upstream-closed: 127.0.0.1')
  })

  test('are at most maxConnections of each endpoint for 1,000 clients, as the servers see it', async () => {
    const most: number[] = []
    const serveCounted = async (index: number): Promise<string> => {
      let open = 0
      most[index] = 0
      const { port, server } = await serveHttp((_request, response) => void setImmediate(() => response.end('ok')))
      server.on('connection', (socket) => {
        most[index] = Math.max(most[index]!, ++open)
        socket.on('close', () => open--)
      })
      return `127.0.0.1:${port}`
    }
    const addresses = await Promise.all([0, 1, 2].map(serveCounted))
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: addresses.map((address) => ({ address, maxConnections: 5 })) } },
    })
    const clients = await Promise.all(Array.from({ length: 1000 }, () => routed.client()))
    for (const client of clients) client.send(get('/'))
    await Promise.all(clients.map((client) => client.hears('ok')))
    expect(Math.max(...most)).toBeLessThanOrEqual(5)
    expect(Math.min(...most)).toBeGreaterThan(0)
    expect(routed.sluice.metric('response_total', { status_code: '200' })).toBe(1000)
    for (const { socket } of clients) socket.end()
    await routed.expectNothingLeft()
  })

  test('are waited for as long as timeouts.connect, and the answer says so', async () => {
    const server = await serve()
    const clock = new FakeClock()
    const routed = await startRouted('web', {
      clock,
      upstreams: { web: { endpoints: [{ address: `127.0.0.1:${server.port}`, maxConnections: 1 }] } },
      options: { pool: { maxPending: 1 } },
    })
    const records: RequestRecord[] = []
    routed.sluice.on('request', (record) => void records.push(record))
    const [first, second, third] = [await routed.client(), await routed.client(), await routed.client()]
    first.send(get('/1'))
    await (await server.accepted()).hears('/1')
    second.send(get('/2'))
    await until(() => routed.sluice.metric('request_total') === 2)
    third.send(get('/3'))
    await until(() => third.text.includes('queue-full'))
    // No endpoint has had it, and none is blamed.
    expect(records).toMatchObject([{ refused: 'queue-full', destination: 'web' }])
    clock.advance(7_000)
    expect(await second.hears('upstream-full')).toContain('HTTP/1.1 503 Service Unavailable\r\n')
  })

  test('that have been idle for too long are closed', async () => {
    const server = await serve(answering(OK, OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=5\r\n\r\n')))
    const clock = new FakeClock()
    const routed = await startRouted(server.port, { clock, options: { pool: { idleTimeout: '20s' } } })
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('ok')
    clock.advance(18_000)
    expect(routed.upstreams).toBe(1)
    clock.advance(4_000)
    await server.peers[0]!.ended()
    await until(() => routed.upstreams === 0)
    client.send(get('/'))
    await until(() => client.text.split('ok').length === 3)
    clock.advance(5_000)
    await server.peers[1]!.ended()
  })
})

describe('requests over several endpoints', () => {
  test('are balanced one by one, on one connection of a client', async () => {
    const servers = [await serve(answering(OK)), await serve(answering(OK)), await serve(answering(OK))]
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: servers.map(({ port }) => `127.0.0.1:${port}`), balance: 'round-robin' } },
    })
    const client = await routed.client()
    for (let i = 1; i <= 6; i++) {
      client.send(get(`/${i}`))
      await until(() => client.text.split('ok').length > i)
    }
    for (const server of servers) {
      expect(server.peers).toHaveLength(1)
      expect(server.peers[0]!.text.split('Host').length - 1).toBe(2)
    }
  })

  test('go on where one cannot be connected', async () => {
    const server = await serve(answering(OK))
    const gone = await freePort()
    const routed = await startRouted('web', {
      upstreams: { web: { endpoints: [`127.0.0.1:${gone}`, `127.0.0.1:${server.port}`], balance: 'round-robin' } },
    })
    const client = await routed.client()
    for (let i = 1; i <= 4; i++) {
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
      await until(() => client.text.split('ok').length > i)
    }
    expect(client.text).toBe(OK.repeat(4))
    expect(routed.sluice.metric('sluice_http_retries_total', { reason: 'connect-failed' })).toBe(2)
  })

  test('get a 503 that says why where none can', async () => {
    const gone = await freePort()
    const routed = await startRouted(gone)
    const client = await routed.client()
    client.send(get('/') + get('/'))
    await until(() => client.text.split('connect-failed').length === 3)
    expect(client.text).toContain('HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain')
    expect(client.text).toContain(`sluice: connect-failed: 127.0.0.1:${gone} could not be connected`)
    expect(routed.sluice.metric('response_total', { status_code: '503', classification: 'failure' })).toBe(2)
    expect(routed.sluice.metric('sluice_http_refused_total', { reason: 'connect-failed' })).toBe(2)
    expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
    client.socket.end()
    await routed.expectNothingLeft()
  })
})

describe('a response', () => {
  test('that is interim is passed on, and the request goes on', async () => {
    const { port } = await serveHttp((request, response) => {
      void buffer(request).then((body) => response.end(`got ${body.toString()}`))
    })
    const routed = await startRouted(port)
    const client = await routed.client()
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    await client.hears('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('body')
    await client.hears('got body')
  })

  test('before the end of its request is passed on, and both connections are closed', async () => {
    const server = await serve(answering('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\nsome')
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    await server.peers[0]!.closed()
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test.each<[what: string, answer: string, reason: string, detail?: string]>([
    ['none', '', 'upstream-closed'],
    ['one that is none', 'HELLO\r\n\r\n', 'invalid-response'],
    [
      'one framed in two ways',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'invalid-response',
    ],
    ['one with a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n', 'invalid-response', 'obs-fold'],
    ['one with a blank before a colon', 'HTTP/1.1 200 OK\r\nX : a\r\n\r\n', 'invalid-response', 'space-before-colon'],
    [
      'one with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
      'invalid-response',
      'content-length-repeated',
    ],
    ['one of HTTP/2', 'HTTP/2 200 OK\r\n\r\n', 'invalid-response', 'unsupported-version'],
    ['one in a coding that nobody asked for', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n', 'invalid-response'],
    ['a change of protocol that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', 'invalid-response'],
  ])('that is %s becomes a 502', async (_what, answer, reason, detail = '') => {
    const server = await serve((peer) => {
      peer.socket.on('data', () => {
        if (answer !== '') peer.send(answer)
        else peer.socket.end()
      })
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/'))
    await until(() => client.text.includes(`sluice: ${reason}: `))
    expect(client.text).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/)
    expect(client.text.endsWith(`${detail}\n`)).toBe(true)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test.each(['FIN', 'reset'])('that breaks off with a %s is broken off for the client', async (how) => {
    const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('part')
    if (how === 'FIN') server.peers[0]!.socket.end()
    else resetSocket(server.peers[0]!.socket)
    expect(await client.closed()).toBe('ECONNRESET')
    await until(() => routed.sluice.metric('response_total', { status_code: '200', error: 'unclassified' }) === 1)
    await routed.expectNothingLeft()
  })

  test('with more than its length is passed on, and its connection is not used again', async () => {
    const server = await serve(answering(OK + 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1'))
    await client.hears('ok')
    client.send(get('/2'))
    await until(() => client.text === OK + OK)
    expect(server.peers).toHaveLength(2)
  })
})

describe('a tunnel', () => {
  test('by Upgrade carries both sides as they are, early bytes too', async () => {
    const server = await serve((peer) => {
      peer.socket.once('data', () =>
        peer.send('HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello'),
      )
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/', 'Connection: Upgrade', 'Upgrade: chat') + 'early')
    expect(await client.hears('hello')).toBe(
      'HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\nhello',
    )
    const peer = await server.accepted()
    expect(await peer.hears('early')).toBe(
      'GET / HTTP/1.1\r\nHost: shop\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\nearly',
    )
    client.socket.end()
    await peer.ended()
    peer.send('last words').socket.end()
    await client.ended()
    expect(client.text.endsWith('hellolast words')).toBe(true)
    expect(routed.sluice.metric('sluice_http_tunnels_total', { kind: 'upgrade' })).toBe(1)
    await routed.expectNothingLeft()
  })

  test('that the server refuses leaves a connection on which requests go on', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1', 'Connection: Upgrade', 'Upgrade: chat') + get('/2'))
    await until(() => client.text === OK + OK)
  })

  test('to HTTP/2 is not asked for on behalf of a client', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'))
    await client.hears('ok')
    expect((await server.accepted()).text).toBe('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
  })

  test('by CONNECT goes to the destination, never to what the request names', async () => {
    const server = await serve((peer) => void peer.socket.once('data', () => peer.send('HTTP/1.1 200 Yes\r\n\r\n')))
    const other = await serve()
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(`CONNECT 127.0.0.1:${other.port} HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\n\r\n`)
    await client.hears('200 Yes')
    client.send('through')
    await (await server.accepted()).hears('through')
    expect(other.peers).toHaveLength(0)
    resetSocket(client.socket)
    expect(await server.peers[0]!.closed()).toBe('ECONNRESET')
    await routed.expectNothingLeft()
  })
})

describe('a request that must not be sent on', () => {
  test.each([
    ['a 400 and the end', 'GET / HTTP/1.1\r\n\r\n', 400, 'host-missing'],
    ['a 400 and the end', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400, 'host-repeated'],
    ['a 400 and the end', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'invalid-host'],
    ['a 400 and the end', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'host-conflicts-with-target'],
    ['a 400 and the end', 'GET a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'invalid-target'],
    ['a 400 and the end', 'GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n', 400, 'space-before-colon'],
    [
      'a 400 and the end',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'content-length-conflict',
    ],
    [
      'a 501 and the end',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      501,
      'unknown-transfer-coding',
    ],
    ['a 431 and the end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431, 'head-too-large'],
  ])('gets %s: %j', async (_what, text, status, reason) => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/first'))
    await client.hears('ok')
    client.send(text + get('/smuggled'))
    await client.ended()
    const [, answer] = client.text.split(OK)
    expect(answer).toMatch(
      new RegExp(`^HTTP/1.1 ${status} [^]*\r\nConnection: close\r\n\r\nsluice: ${reason}: [^]*\n$`),
    )
    expect(routed.sluice.metric('sluice_http_refused_total', { reason })).toBe(1)
    expect(server.peers.map(({ text }) => text).join('')).toBe('GET /first HTTP/1.1\r\nHost: shop\r\n\r\n')
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('is noticed in the middle of its content, and the server does not take it for complete', async () => {
    const server = await serve()
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    const peer = await server.accepted()
    await peer.hears('abc')
    client.send('zz\r\n')
    await client.ended()
    expect(client.text).toContain('sluice: invalid-chunk-size: ')
    expect(await peer.closed()).toBe('ECONNRESET')
    expect(peer.text.endsWith('3\r\nabc\r\n')).toBe(true)
    client.socket.end()
    await routed.expectNothingLeft()
  })
})

describe('time', () => {
  test('for a head is bounded', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(get('/1') + 'GET /2 HT')
    await client.hears('ok')
    routed.clock.advance(9_000)
    client.send('TP/1.1\r\n')
    routed.clock.advance(2_000)
    await client.ended()
    expect(client.text).toMatch(/^HTTP\/1.1 200 [^]*okHTTP\/1.1 408 Request Timeout\r\n/)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('between requests is bounded, without a word', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port, { options: { timeouts: { idle: '30s' } } })
    const client = await routed.client()
    client.send(get('/'))
    await client.hears('ok')
    routed.clock.advance(29_000)
    client.send(get('/'))
    await until(() => client.text === OK + OK)
    routed.clock.advance(32_000)
    await client.ended()
    expect(client.text).toBe(OK + OK)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('for a request is bounded where that is asked for', async () => {
    const server = await serve((peer) => {
      peer.socket.on(
        'data',
        () => peer.text.includes('/slow') && peer.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'),
      )
    })
    const routed = await startRouted(server.port, { options: { timeouts: { request: '5s' } } })
    const [silent, slow] = [await routed.client(), await routed.client()]
    silent.send(get('/silent'))
    slow.send(get('/slow'))
    await slow.hears('part')
    await until(() => server.peers.some(({ text }) => text.includes('/silent')))
    routed.clock.advance(6_000)
    expect(await silent.hears('request-timeout')).toMatch(/^HTTP\/1.1 504 Gateway Timeout\r\n/)
    expect(await slow.closed()).toBe('ECONNRESET')
    silent.socket.end()
    await routed.expectNothingLeft()
  })
})

describe('a drain', () => {
  test('ends what is idle, lets what is in flight finish, and says so', async () => {
    const server = await serve((peer) => {
      peer.socket.on('data', () => peer.text.endsWith(get('/idle')) && peer.send(OK))
    })
    const routed = await startRouted(server.port)
    const [idle, busy] = [await routed.client(), await routed.client()]
    idle.send(get('/idle'))
    await idle.hears('ok')
    busy.send(get('/busy'))
    const asked = (): Peer | undefined => server.peers.find(({ text }) => text.endsWith(get('/busy')))
    await until(() => asked() !== undefined)
    routed.clock.advance(500)
    const stopped = routed.sluice.stop({ grace: 60_000 })
    await idle.ended()
    idle.socket.end()
    asked()!.send(OK)
    await busy.ended()
    expect(busy.text).toBe(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    busy.socket.end()
    await stopped
    expect(routed.sluice.metric('tcp_open_connections', { peer: 'src' })).toBe(0)
  })

  test('answers requests that were on their way when it began, also the first one of a client, and says so', async () => {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const [known, silent, unheard] = [await routed.client(), await routed.client(), await routed.client()]
    for (const client of [known, unheard]) {
      client.send(get('/before'))
      await client.hears('ok')
    }
    await until(() => routed.sluice.connections().length === 3)
    const stopped = routed.sluice.stop({ grace: 60_000 })
    await until(() => routed.clock.pending.includes(500))
    for (const client of [known, silent]) {
      client.send(get('/on-its-way'))
      await client.ended()
      expect(client.text.endsWith(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))).toBe(true)
      client.socket.end()
    }
    expect(unheard.hasEnded).toBe(false)
    routed.clock.advance(500)
    await unheard.ended()
    unheard.socket.end()
    await stopped
  })
})

describe("node:http's client", () => {
  test('has hundreds of exchanges with all kinds of content over few connections', async () => {
    const { port } = await serveHttp((request, response) => {
      void buffer(request).then((body) => {
        const isChunked = request.url!.includes('chunked')
        response.writeHead(200, { ...(!isChunked && { 'content-length': body.length }), 'x-url': request.url! })
        response.end(body)
      })
    })
    const routed = await startRouted(port)
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    onTestFinished(() => agent.destroy())
    const exchange = async (index: number): Promise<void> => {
      const body = Buffer.alloc((index * 997) % 200_000, `body ${index} `)
      const path = `/${index}${index % 2 ? '/chunked' : ''}`
      const asked = httpRequest({ port: routed.port, path, method: 'POST', agent, host: '127.0.0.1' })
      if (index % 3 === 0) asked.setHeader('content-length', body.length)
      asked.end(body)
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      expect(response.headers['x-url']).toBe(path)
      expect((await buffer(response)).equals(body), path).toBe(true)
    }
    await Promise.all(Array.from({ length: 300 }, (_, index) => exchange(index)))
    expect(routed.sluice.metric('response_total', { status_code: '200' })).toBe(300)
    expect(routed.upstreams).toBeLessThanOrEqual(4)
    agent.destroy()
    await routed.expectNothingLeft()
  })
})
