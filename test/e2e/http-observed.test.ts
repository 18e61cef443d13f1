import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createServer as createHttp2Server, connect as connectHttp2 } from 'node:http2'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { Sluice } from '../../src/sluice.js'
import { needPrograms } from '../support/need-programs.js'
import { type OneWayOut, oneWayOut } from '../support/one-way-out.js'
import { runProgram } from '../support/run-program.js'
import { INDEX_BYTES, type NghttpdServer, startNghttpd, STYLE_BYTES } from '../support/servers/nghttpd.js'
import { type NghttpxServer, startNghttpx } from '../support/servers/nghttpx.js'
import { type NginxServer, startNginx } from '../support/servers/nginx.js'

/** Small enough to fit the machine of a test; large enough that every worker of a client has many. */
const LOAD_REQUESTS = 2000

/** What a test says a client saw, and Sluice must have seen. */
interface Seen {
  readonly requests: number
  /** Responses by their status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Bytes of content. */
  readonly bytes: { readonly client: number; readonly server: number }
}

function expectSeen(sluice: Sluice, { requests, statuses, bytes }: Seen): void {
  const responses = Object.values(statuses).reduce((sum, count) => sum + count, 0)
  expect(sluice.metric('request_total'), 'requests').toBe(requests)
  expect(sluice.metric('response_total'), 'responses').toBe(responses)
  expect(sluice.metric('response_latency_ms'), 'latencies').toBe(responses)
  for (const [status, count] of Object.entries(statuses))
    expect(sluice.metric('response_total', { status_code: status, error: '' }), status).toBe(count)
  expect(sluice.metric('sluice_http_request_body_bytes_total'), 'bytes of requests').toBe(bytes.client)
  expect(sluice.metric('sluice_http_response_body_bytes_total'), 'bytes of responses').toBe(bytes.server)
  expectFollowed(sluice)
}

function expectFollowed(sluice: Sluice): void {
  expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
  expect(sluice.metric('sluice_http_observer_stopped_total')).toBe(0)
  expect(sluice.metric('sluice_http_requests_in_flight')).toBe(0)
}

/** Settles when so many connections have closed. */
function closes(sluice: Sluice, count: number): Promise<void> {
  let left = count
  return new Promise((resolve) => void sluice.on('closed', () => void (--left === 0 && resolve())))
}

async function listening(server: Server | ReturnType<typeof createHttp2Server>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Repeats what it is sent, with status 201. */
const echoServer = (): Server =>
  createServer((asked, response) => {
    response.statusCode = 201
    asked.pipe(response)
  })

const curlPrograms = needPrograms('curl', 'nginx', 'nghttpx (nghttp2-proxy)', 'openssl')

describe.skipIf(curlPrograms.areMissing)(`curl to nginx${curlPrograms.why}`, () => {
  let nginx: NginxServer
  let nghttpx: NghttpxServer
  beforeAll(async () => {
    nginx = await startNginx()
    nghttpx = await startNghttpx(nginx.port)
  })
  afterAll(async () => {
    await nghttpx?.stop()
    await nginx?.stop()
  })

  /** Each URL with its own output, on one connection where curl can. The sizes and statuses that it saw. */
  async function curl(port: number, paths: readonly string[], ...options: string[]) {
    const urls = paths.flatMap((path) => ['--output', '/dev/null', `http://127.0.0.1:${port}${path}`])
    const args = [
      '--silent',
      '--show-error',
      '--write-out',
      '%{http_code} %{size_download} %{size_upload} %{http_version} %{size_request}\n',
    ]
    const { code, stdout, stderr } = await runProgram('curl', [...args, ...options, ...urls], {
      input: 'x'.repeat(70_000),
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
  }

  function sawOf(lines: readonly string[][]): Seen {
    const statuses: Record<string, number> = {}
    for (const [status] of lines) statuses[status!] = (statuses[status!] ?? 0) + 1
    const sum = (index: number): number => lines.reduce((total, line) => total + Number(line[index]), 0)
    return { requests: lines.length, statuses, bytes: { client: sum(2), server: sum(1) } }
  }

  test.each([
    ['HTTP/1.1', '1.1', [], () => nginx.port],
    ['HTTP/1.0', '1.0', ['--http1.0'], () => nginx.port],
    ['HTTP/2 with prior knowledge', '2', ['--http2-prior-knowledge'], () => nginx.h2cPort],
    ['HTTP/2 after an upgrade', '2', ['--http2'], () => nghttpx.port],
    ['HTTP/2 to nghttpx', '2', ['--http2-prior-knowledge'], () => nghttpx.port],
  ] as const)('speaks %s: downloads, one that is not there, HEAD', async (_, version, options, port) => {
    const { sluice, port: listen } = await oneWayOut(port())
    // What comes right behind a 101 may not be larger than curl's buffer.
    const paths = options[0] === '--http2' ? ['/who', '/who', '/none'] : ['/who', '/big', '/none']
    const closed = closes(sluice, version === '1.1' ? 1 : 3)
    const lines = []
    // curl 7.88 cannot use an HTTP/2 connection without TLS twice.
    for (const some of version === '1.1' ? [paths] : paths.map((path) => [path]))
      lines.push(...(await curl(listen, some, ...options)))
    await closed
    expect(lines.map(([status, , , spoken]) => [status, spoken])).toEqual(
      ['200', '200', '404'].map((status) => [status, version === '1.0' ? '1.1' : version]),
    )
    expectSeen(sluice, sawOf(lines))
    const closedAgain = closes(sluice, 1)
    await curl(listen, ['/big'], '--head', ...options)
    await closedAgain
    expect(sluice.metric('response_total', { status_code: '200' })).toBe(3)
    expect(sluice.metric('sluice_http_response_body_bytes_total')).toBe(sawOf(lines).bytes.server)
    expectFollowed(sluice)
  })

  test('uploads over HTTP/1.1 what is refused', async () => {
    const { sluice, port: listen } = await oneWayOut(nginx.port)
    const closed = sluice.nextClose('in')
    const lines = await curl(listen, ['/big'], '--data-binary', '@-')
    const { bytes } = await closed
    // nginx may answer before it has read anything of the content, and curl then stops where it is.
    expect(lines[0]![0]).toBe('405')
    expect(sluice.metric('response_total', { status_code: '405', error: '' })).toBe(1)
    const sent = sluice.metric('sluice_http_request_body_bytes_total')
    const [, , uploaded, , headBytes] = lines[0]!.map(Number)
    expect(sent).toBe(bytes.client - headBytes!)
    expect(sent).toBeLessThanOrEqual(uploaded!)
    expect(sluice.metric('sluice_http_response_body_bytes_total')).toBe(Number(lines[0]![1]))
    expectFollowed(sluice)
  })

  test.each([
    ['HTTP/1.1', [], createServer],
    ['HTTP/2', ['--http2-prior-knowledge'], createHttp2Server],
  ] as const)('gives a download over %s up, whose bytes are those that came', async (_, options, create) => {
    const server = (create as typeof createServer)((_asked, response) => {
      response.writeHead(200, { 'content-length': 1e9 })
      const more = (): void => {
        while (response.writable && response.write(Buffer.alloc(16_384)));
      }
      response.on('drain', more).on('error', () => {})
      more()
    })
    const { sluice, port: listen } = await oneWayOut(await listening(server))
    const closed = sluice.nextClose('in')
    const { code, stdout } = await runProgram('curl', [
      ...['--silent', '--output', '/dev/null', '--limit-rate', '1M', '--max-time', '0.5', ...options],
      ...['--write-out', '%{size_download}', `http://127.0.0.1:${listen}/`],
    ])
    expect(code).toBe(28)
    const { bytes } = await closed
    expect(sluice.metric('response_total', { status_code: '200', classification: 'failure' })).toBe(1)
    expect(sluice.metric('response_total', { error: '' })).toBe(0)
    const content = sluice.metric('sluice_http_response_body_bytes_total')
    expect(content).toBeGreaterThanOrEqual(Number(stdout))
    expect(content).toBeLessThan(bytes.server)
    // Head and frame headers, nine bytes for each 16 KiB, are all that is no content.
    expect(content).toBeGreaterThan(bytes.server * 0.999 - 1000)
    expectFollowed(sluice)
  })
})

describe('node:http', () => {
  async function exchange(port: number, agent: Agent, body: string): Promise<{ status: number; length: number }> {
    const asked = request({ port, host: '127.0.0.1', method: 'POST', agent, path: `/${body.length}` })
    asked.end(body)
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    let length = 0
    for await (const chunk of response) length += (chunk as Buffer).length
    return { status: response.statusCode!, length }
  }

  test('keeps connections alive, and sends chunked content both ways', async () => {
    const { sluice, port } = await oneWayOut(await listening(echoServer()))
    const agent = new Agent({ keepAlive: true, maxSockets: 3 })
    const lengths = Array.from({ length: 200 }, (_, i) => (i * 37) % 5000)
    const seen = await Promise.all(lengths.map((length) => exchange(port, agent, 'x'.repeat(length))))
    const closed = closes(sluice, 3)
    agent.destroy()
    await closed
    expect(seen.map(({ length }) => length)).toEqual(lengths)
    const total = lengths.reduce((sum, length) => sum + length, 0)
    expectSeen(sluice, { requests: 200, statuses: { 201: 200 }, bytes: { client: total, server: total } })
    expect(sluice.metric('tcp_open_total', { peer: 'src' })).toBe(3)
  })

  test('answers a pipeline', async () => {
    const { sluice, port, nextClose } = await oneWayOut(await listening(echoServer()))
    const closed = nextClose()
    const client = connect(port, '127.0.0.1')
    for (let i = 1; i <= 500; i++)
      client.write(
        `PUT /${i} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n${i === 500 ? 'connection: close\r\n' : ''}\r\nabc`,
      )
    let text = ''
    for await (const chunk of client.setEncoding('latin1') as AsyncIterable<string>) text += chunk
    await closed
    expect(text.split('HTTP/1.1 201').length - 1).toBe(500)
    expectSeen(sluice, { requests: 500, statuses: { 201: 500 }, bytes: { client: 1500, server: 1500 } })
  })
})

describe('ws', () => {
  test('upgrades, and what comes after is no HTTP', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(data as Buffer)))
    const { sluice, port, nextClose } = await oneWayOut((server.address() as AddressInfo).port)
    const closed = nextClose()
    const client = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    await once(client, 'open')
    for (const message of ['GET / HTTP/1.1\r\n\r\n', 'x'.repeat(100_000)]) {
      client.send(message)
      expect(String((await once(client, 'message'))[0])).toBe(message)
    }
    client.close()
    await closed
    expectSeen(sluice, { requests: 1, statuses: { 101: 1 }, bytes: { client: 0, server: 0 } })
    expect(sluice.metric('sluice_http_tunnels_total', { kind: 'upgrade' })).toBe(1)
  })
})

describe('node:http2', () => {
  test('uploads and downloads on many streams at once', async () => {
    const server = createHttp2Server()
    server.on('stream', (stream) => {
      stream.respond({ ':status': 201 })
      stream.pipe(stream)
    })
    const { sluice, port, nextClose } = await oneWayOut(await listening(server))
    const closed = nextClose()
    const client = connectHttp2(`http://127.0.0.1:${port}`)
    const lengths = Array.from({ length: 100 }, (_, i) => i * 777)
    const seen = await Promise.all(
      lengths.map(async (length) => {
        const stream = client.request({ ':method': 'PUT', ':path': '/' })
        stream.end(Buffer.alloc(length))
        let bytes = 0
        for await (const chunk of stream) bytes += (chunk as Buffer).length
        return bytes
      }),
    )
    expect(seen).toEqual(lengths)
    client.close()
    await closed
    const total = lengths.reduce((sum, length) => sum + length, 0)
    expectSeen(sluice, { requests: 100, statuses: { 201: 100 }, bytes: { client: total, server: total } })
  })

  test('opens a WebSocket by extended CONNECT (RFC 8441) beside ordinary requests', async () => {
    const server = createHttp2Server({ settings: { enableConnectProtocol: true } })
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200 })
      if (headers[':protocol'] === 'websocket') stream.pipe(stream)
      else stream.end('plain')
    })
    const { sluice, port, nextClose } = await oneWayOut(await listening(server))
    const closed = nextClose()
    const client = connectHttp2(`http://127.0.0.1:${port}`)
    await once(client, 'remoteSettings')
    const socket = client.request(
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' },
      { endStream: false },
    )
    await once(socket, 'response')
    socket.write('tunnelled')
    expect(String((await once(socket, 'data'))[0])).toBe('tunnelled')
    const plain = client.request({ ':path': '/' })
    plain.resume()
    await once(plain, 'end')
    socket.end()
    await once(socket.resume(), 'close')
    client.close()
    await closed
    expectSeen(sluice, { requests: 2, statuses: { 200: 2 }, bytes: { client: 0, server: 5 } })
    expect(sluice.metric('sluice_http_tunnels_total', { kind: 'connect' })).toBe(1)
  })
})

const nghttp2Programs = needPrograms('nghttp (nghttp2-client)', 'h2load (nghttp2-client)', 'nghttpd (nghttp2-server)')

describe.skipIf(nghttp2Programs.areMissing)(`nghttp2's own clients and server${nghttp2Programs.why}`, () => {
  let nghttpd: NghttpdServer
  beforeAll(async () => {
    nghttpd = await startNghttpd()
  })
  afterAll(() => nghttpd?.stop())

  async function ran({ port, sluice }: OneWayOut, program: string, args: readonly string[], connections: number) {
    const closed = closes(sluice, connections)
    const result = await runProgram(program, [...args, `http://127.0.0.1:${port}/index.html`])
    await closed
    expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' })
    return result.stdout
  }

  test.each([
    ['takes pushes', [], 1],
    ['takes none', ['--no-push'], 0],
    ['takes no table', ['--header-table-size=0', '--no-push'], 0],
    ['pads its frames, and goes on in CONTINUATION', ['--padding=100', '--continuation', '--no-push'], 0],
  ])('nghttp %s', async (_, options, pushes) => {
    const out = await oneWayOut(nghttpd.port)
    await ran(out, 'nghttp', ['--null-out', ...options], 1)
    expectSeen(out.sluice, { requests: 1, statuses: { 200: 1 }, bytes: { client: 0, server: INDEX_BYTES } })
    expect(out.sluice.metric('sluice_http_pushes_total')).toBe(pushes)
    // What was pushed is carried, and is none of a response that somebody asked for.
    const carried = out.sluice.metric('tcp_write_bytes_total', { peer: 'src' })
    expect(carried > INDEX_BYTES + STYLE_BYTES).toBe(pushes === 1)
  })

  test.each([
    ['HTTP/2', []],
    ['HTTP/2 with a table of 0 bytes', ['--header-table-size=0', '--encoder-header-table-size=0']],
  ])('h2load over %s, on 8 connections of 20 streams', async (_, options) => {
    const out = await oneWayOut(nghttpd.port)
    const stdout = await ran(out, 'h2load', ['-n', String(LOAD_REQUESTS), '-c', '8', '-m', '20', ...options], 8)
    expect(stdout).toContain(`status codes: ${LOAD_REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx`)
    const data = Number(/\((\d+)\) data/.exec(stdout)?.[1])
    expect(data).toBe(LOAD_REQUESTS * INDEX_BYTES)
    expectSeen(out.sluice, {
      requests: LOAD_REQUESTS,
      statuses: { 200: LOAD_REQUESTS },
      bytes: { client: 0, server: data },
    })
  })

  test('h2load over HTTP/1.1', async () => {
    const origin = await listening(createServer((_, response) => void response.end('hello')))
    const out = await oneWayOut(origin)
    const stdout = await ran(out, 'h2load', ['--h1', '-n', String(LOAD_REQUESTS), '-c', '8'], 8)
    expect(stdout).toContain(`status codes: ${LOAD_REQUESTS} 2xx`)
    expectSeen(out.sluice, {
      requests: LOAD_REQUESTS,
      statuses: { 200: LOAD_REQUESTS },
      bytes: { client: 0, server: 5 * LOAD_REQUESTS },
    })
  })
})

const browser = needPrograms('chromium')

describe.skipIf(browser.areMissing)(`Chromium${browser.why}`, () => {
  test('loads a page with what belongs to it', async () => {
    const asked: { path: string; status: number; bytes: number }[] = []
    const pages: Readonly<Record<string, string>> = {
      '/': '<link rel="stylesheet" href="/style.css"><script src="/script.js"></script><img src="/none.png"><p id="here">',
      '/style.css': 'p { color: red }',
      '/script.js': 'document.title = "done"',
    }
    const server = createServer((request, response) => {
      const body = pages[request.url!]
      const status = body === undefined ? 404 : 200
      asked.push({ path: request.url!, status, bytes: body?.length ?? 0 })
      const type = request.url!.endsWith('.css')
        ? 'text/css'
        : request.url!.endsWith('.js')
          ? 'text/javascript'
          : 'text/html'
      response.writeHead(status, { 'content-type': type }).end(body)
    })
    const { sluice, port } = await oneWayOut(await listening(server))
    const { code, stdout } = await runProgram('chromium', [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--dump-dom'],
      `http://127.0.0.1:${port}/`,
    ])
    expect({ code, isWhole: stdout.includes('<p id="here">') }).toEqual({ code: 0, isWhole: true })
    while (sluice.connections().length > 0) await sluice.nextClose('in')
    expect(asked.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/', '/style.css', '/script.js', '/none.png']),
    )
    const count = (status: number): number => asked.filter((one) => one.status === status).length
    expectSeen(sluice, {
      requests: asked.length,
      statuses: { 200: count(200), 404: count(404) },
      bytes: { client: 0, server: asked.reduce((sum, { bytes }) => sum + bytes, 0) },
    })
  })
})
