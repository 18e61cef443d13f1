import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { runProgram } from '../support/run-program.js'
import { BIG_BODY_BYTES, type NginxServer, startNginx } from '../support/servers/nginx.js'
import { connectTo, serve } from '../support/sockets.js'

const programs = needPrograms('curl', 'nginx', 'openssl')
const curl = (...args: string[]) => runProgram('curl', ['--silent', '--show-error', ...args])

describe.skipIf(programs.areMissing)(`curl through the default chain to nginx${programs.why}`, () => {
  let nginx: NginxServer
  beforeAll(async () => {
    nginx = await startNginx()
  })
  afterAll(() => nginx?.stop())

  test('speaks HTTP/1.1', async () => {
    const { port, nextClose, sluice, expectNothingLeft } = await oneWayOut(nginx.port)
    const closed = nextClose()
    expect(await curl(`http://127.0.0.1:${port}/who`)).toEqual({ code: 0, stdout: 'HTTP/1.1 \n', stderr: '' })
    const summary = await closed
    expect(summary).toMatchObject({
      outcome: 'detected',
      protocol: 'http/1',
      decidedBy: 'client',
      reason: 'end',
      closedBy: 'client',
    })
    expect(summary.bytes.client).toBeGreaterThan('GET /who HTTP/1.1\r\n'.length)
    expect(summary.bytes.server).toBeGreaterThan('HTTP/1.1 200 OK\r\n'.length)
    expect(sluice.metric('response_total', { status_code: '200', classification: 'success' })).toBe(1)
    expectNothingLeft()
  })

  test('makes several requests on one connection, also one that is refused', async () => {
    const { port, nextClose, sluice } = await oneWayOut(nginx.port)
    const url = `http://127.0.0.1:${port}`
    const closed = nextClose()
    const { code, stdout } = await curl(
      '--write-out',
      '%{http_code} ',
      '--output',
      '/dev/null',
      `${url}/who`,
      '--output',
      '/dev/null',
      `${url}/none`,
      '--output',
      '/dev/null',
      `${url}/big`,
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '200 404 200 ' })
    expect((await closed).bytes.server).toBeGreaterThan(BIG_BODY_BYTES)
    expect(sluice.metric('response_total')).toBe(3)
    expect(sluice.metric('tcp_open_total', { peer: 'src' })).toBe(1)
  })

  test('uploads a body', async () => {
    const { port } = await oneWayOut(nginx.port)
    const { code, stdout } = await runProgram(
      'curl',
      [
        '--silent',
        '--data-binary',
        '@-',
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_code}',
        `http://127.0.0.1:${port}/who`,
      ],
      {
        input: 'x'.repeat(100_000),
      },
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: '200' })
  })

  test('speaks HTTP/2 with prior knowledge', async () => {
    const { port, nextClose, expectNothingLeft } = await oneWayOut(nginx.h2cPort)
    const closed = nextClose()
    expect(await curl('--http2-prior-knowledge', `http://127.0.0.1:${port}/who`)).toEqual({
      code: 0,
      stdout: 'HTTP/2.0 \n',
      stderr: '',
    })
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'http/2', decidedBy: 'client', reason: 'end' })
    expectNothingLeft()
  })

  test('downloads a large body over HTTP/2', async () => {
    const { port, nextClose } = await oneWayOut(nginx.h2cPort)
    const closed = nextClose()
    const { code, stdout } = await curl(
      '--http2-prior-knowledge',
      '--output',
      '/dev/null',
      '--write-out',
      '%{size_download}',
      `http://127.0.0.1:${port}/big`,
    )
    expect({ code, stdout }).toEqual({ code: 0, stdout: String(BIG_BODY_BYTES) })
    expect((await closed).bytes.server).toBeGreaterThan(BIG_BODY_BYTES)
  })

  test('speaks HTTPS, and the name it asks for is seen', async () => {
    const { port, nextClose, sluice, expectNothingLeft } = await oneWayOut(nginx.tlsPort)
    const closed = nextClose()
    const { code, stdout, stderr } = await curl(
      '--insecure',
      '--connect-to',
      `shop.example.com:443:127.0.0.1:${port}`,
      'https://shop.example.com/who',
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'HTTP/2.0 shop.example.com\n', stderr: '' })
    expect(await closed).toMatchObject({
      outcome: 'detected',
      protocol: 'tls',
      decidedBy: 'client',
      facts: { sni: 'shop.example.com', alpn: ['h2', 'http/1.1'] },
    })
    expect(sluice.metric('tcp_open_total', { peer: 'src', tls: 'opaque' })).toBe(1)
    expect(sluice.metric('tcp_read_bytes_total', { peer: 'dst', tls: 'opaque' })).toBeGreaterThan(0)
    expectNothingLeft()
  })

  test('goes through an openssl s_client handshake without a server name', async () => {
    const { port, nextClose } = await oneWayOut(nginx.tlsPort)
    const closed = nextClose()
    const { stdout } = await runProgram(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, '-noservername', '-quiet', '-ign_eof'],
      {
        input: 'GET /who HTTP/1.0\r\n\r\n',
      },
    )
    expect(stdout).toContain('HTTP/1.0 \n')
    const summary = await closed
    expect(summary).toMatchObject({ outcome: 'detected', protocol: 'tls' })
    expect(summary.facts).not.toHaveProperty('sni')
  })
})

describe('a WebSocket through the default chain', () => {
  test('carries messages both ways after the upgrade', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => server.close())
    await once(server, 'listening')
    server.on('connection', (socket) =>
      socket.on('message', (data: Buffer, isBinary) => socket.send(data, { binary: isBinary })),
    )
    const { port, nextClose, sluice, expectNothingLeft } = await oneWayOut((server.address() as AddressInfo).port)

    const closed = nextClose()
    const client = new WebSocket(`ws://127.0.0.1:${port}/`)
    await once(client, 'open')
    // Frames that look like another protocol, and like HTTP, to whoever still looks.
    for (const text of ['HTTP/1.1 200 OK\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(200_000)]) {
      client.send(text)
      const [data] = (await once(client, 'message')) as [Buffer]
      expect(data.toString()).toBe(text)
    }
    client.close()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'http/1', decidedBy: 'client', reason: 'end' })
    expect(sluice.metric('request_total')).toBe(1)
    expect(sluice.metric('response_total', { status_code: '101' })).toBe(1)
    expectNothingLeft()
  })
})

describe('CONNECT through the default chain to an HTTP proxy', () => {
  /** An HTTP proxy of 20 lines, as Node makes it: opens the tunnel and pipes. */
  async function startHttpProxy(): Promise<number> {
    const tunnels = new Set<Socket>()
    const proxy = createServer((_request, response) => response.writeHead(405).end()).listen(0, '127.0.0.1')
    proxy.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
      const [host, port] = (request.url ?? '').split(':')
      const upstream = connectSocket(Number(port), host, () => {
        client.write(`HTTP/${request.httpVersion} 200 Connection established\r\n\r\n`)
        upstream.write(head)
        upstream.pipe(client).pipe(upstream)
      })
      for (const socket of [client, upstream]) {
        tunnels.add(socket)
        socket.on('error', () => {})
      }
    })
    onTestFinished(() => {
      for (const socket of tunnels) socket.destroy()
      proxy.close()
    })
    await once(proxy, 'listening')
    return (proxy.address() as AddressInfo).port
  }

  /** An origin that answers in the body what it was asked. */
  async function startOrigin(): Promise<number> {
    const origin = createServer((request, response) =>
      response.end(`origin saw ${request.method} ${request.url}`),
    ).listen(0, '127.0.0.1')
    onTestFinished(() => void origin.close())
    await once(origin, 'listening')
    return (origin.address() as AddressInfo).port
  }

  test.skipIf(programs.areMissing).each(['--proxytunnel', '--proxy1.0'])(
    `works for curl with %s${programs.why}`,
    async (flag) => {
      const [proxyPort, originPort] = [await startHttpProxy(), await startOrigin()]
      const { port, nextClose, sluice } = await oneWayOut(proxyPort)
      const proxy = `127.0.0.1:${port}`
      const closed = nextClose()
      const { code, stdout } = await curl(
        ...(flag === '--proxy1.0' ? ['--proxytunnel', '--proxy1.0', proxy] : [flag, '--proxy', proxy]),
        `http://127.0.0.1:${originPort}/inside`,
      )
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'origin saw GET /inside' })
      expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'http/1', decidedBy: 'client' })
      // What is said inside the tunnel is not the proxy's traffic: one exchange, the CONNECT.
      expect(sluice.metric('request_total')).toBe(1)
      expect(sluice.metric('response_total', { status_code: '200' })).toBe(1)
    },
  )

  test('carries a server that speaks first inside the tunnel', async () => {
    const proxyPort = await startHttpProxy()
    const greeter = await serve((peer) => void peer.send('220 greeting\r\n'))
    const { port } = await oneWayOut(proxyPort)
    const client = await connectTo(port)
    client.send(`CONNECT 127.0.0.1:${greeter.port} HTTP/1.0\r\n\r\n`)
    await client.hears('220 greeting\r\n')
    client.send('EHLO me\r\n')
    await (await greeter.accepted()).hears('EHLO me\r\n')
    expect(client.text).toMatch(/^HTTP\/1\.[01] 200 Connection established\r\n\r\n220 greeting\r\n$/)
  })
})
