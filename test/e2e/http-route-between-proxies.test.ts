import 'reflect-metadata'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.js'
import { needPrograms } from '../support/need-programs.js'
import { startRouted } from '../support/routed.js'
import { runProgram } from '../support/run-program.js'
import { startHaproxy } from '../support/servers/haproxy.js'
import { BIG_BODY_BYTES, type NginxServer, startNginx } from '../support/servers/nginx.js'
import { startNginxReverseProxy } from '../support/servers/nginx-reverse-proxy.js'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms('curl', 'nginx', 'haproxy')
const BODY = randomBytes(3_000_000)

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

interface Digester {
  readonly port: number
  /** Connections that were opened to it. */
  readonly connections: number
}

/** Says what it was asked, as method, target, framing and the checksum of the body; `/body` is a body without a length. */
async function serveDigests(): Promise<Digester> {
  let connections = 0
  const server = createServer((asked, response) => void answer(asked, response)).listen(0, '127.0.0.1')
  server.on('connection', () => connections++)
  server.keepAliveTimeout = 0
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
  }
}

async function answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = asked
  const body = await buffer(asked)
  if (url === '/none') return void response.writeHead(204).end()
  if (url === '/body') {
    response.write(BODY.subarray(0, 10))
    return void response.end(BODY.subarray(10))
  }
  const framing = headers['content-length'] ?? headers['transfer-encoding'] ?? 'none'
  response.end(`${method} ${url} ${framing} ${sha256(body)}`)
}

/** HAProxy as a reverse proxy, which keeps connections to servers for whoever comes next. */
async function startHaproxyBefore(forwardTo: number): Promise<number> {
  const port = await freePort()
  const haproxy = await startHaproxy(`listen web
  mode http
  bind 127.0.0.1:${port}
  http-reuse always
  server next 127.0.0.1:${forwardTo}`)
  onTestFinished(() => haproxy.stop())
  return port
}

async function startNginxBefore(forwardTo: number): Promise<number> {
  const nginx = await startNginxReverseProxy(forwardTo)
  onTestFinished(() => nginx.stop())
  return nginx.port
}

const BETWEEN = [
  { front: 'nginx', back: 'HAProxy', startFront: startNginxBefore, startBack: startHaproxyBefore },
  { front: 'HAProxy', back: 'nginx', startFront: startHaproxyBefore, startBack: startNginxBefore },
] as const

describe.skipIf(programs.areMissing).each(BETWEEN)(
  `requests through $front in front and $back behind${programs.why}`,
  ({ startFront, startBack }) => {
    test('arrive with all that they carry, and their answers, over connections that are kept', async () => {
      const server = await serveDigests()
      const routed = await startRouted(await startBack(server.port))
      const port = await startFront(routed.port)
      const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
      onTestFinished(() => {
        for (const agent of agents) agent.destroy()
      })
      const asks = async (agent: Agent, method: string, path: string, body?: Buffer, headers = {}) => {
        const asking = request({ port, host: '127.0.0.1', method, path, agent, headers })
        asking.end(body)
        const [response] = (await once(asking, 'response')) as [IncomingMessage]
        return { status: response.statusCode, body: await buffer(response), length: response.headers['content-length'] }
      }
      const nothing = sha256(Buffer.alloc(0))
      const rounds = 15
      await Promise.all(
        agents.map(async (agent) => {
          for (let round = 0; round < rounds; round++) {
            const small = BODY.subarray(0, 1 + round * 700)
            const text = async (...asked: Parameters<typeof asks>) => (await asks(...asked)).body.toString()
            expect(await text(agent, 'GET', '/a?b')).toBe(`GET /a?b none ${nothing}`)
            expect(await text(agent, 'POST', '/p', small)).toBe(`POST /p ${small.length} ${sha256(small)}`)
            const chunked = { 'transfer-encoding': 'chunked' }
            // nginx gives a length to what it has whole.
            const arrived = await text(agent, 'PUT', '/c', small, chunked)
            expect(arrived.replace(/ \d+ /, ' chunked ')).toBe(`PUT /c chunked ${sha256(small)}`)
            expect(await asks(agent, 'HEAD', '/h')).toMatchObject({ status: 200, body: Buffer.alloc(0) })
            expect((await asks(agent, 'GET', '/none')).status).toBe(204)
            if (round % 5 > 0) continue
            expect(await text(agent, 'POST', '/big', BODY)).toBe(`POST /big ${BODY.length} ${sha256(BODY)}`)
            expect((await asks(agent, 'GET', '/body')).body.equals(BODY)).toBe(true)
          }
        }),
      )
      const requests = agents.length * (rounds * 5 + 3 * 2)
      expect(routed.sluice.metric('request_total')).toBe(requests)
      expect(routed.sluice.metric('response_total', { classification: 'success' })).toBe(requests)
      expect(routed.sluice.metric('sluice_http_refused_total')).toBe(0)
      expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(0)
      // Four at once: nobody opens one for each request.
      expect(routed.sluice.metric('tcp_open_total', { peer: 'src' })).toBeLessThanOrEqual(20)
      expect(routed.sluice.metric('tcp_open_total', { peer: 'dst' })).toBeLessThanOrEqual(20)
      expect(server.connections).toBeLessThanOrEqual(20)
    })
  },
)

describe.skipIf(programs.areMissing)(`curl, its requests routed${programs.why}`, () => {
  const curl = (...args: string[]) => runProgram('curl', ['--silent', '--show-error', ...args])
  let folder: TemporaryFolder | undefined
  let nginx: NginxServer | undefined
  let file: string
  beforeAll(async () => {
    folder = await temporaryFolder('curl')
    file = join(folder.path, 'body')
    await writeFile(file, BODY)
    nginx = await startNginx()
  })
  afterAll(async () => {
    await nginx?.stop()
    await folder?.remove()
  })

  test.each([
    ['with a length, after a 100', ['--header', 'Expect: 100-continue', '--upload-file'], `${BODY.length}`],
    ['with a length, unasked', ['--header', 'Expect:', '--upload-file'], `${BODY.length}`],
    [
      'in chunks, after a 100',
      ['--header', 'Expect: 100-continue', '--header', 'Transfer-Encoding: chunked', '-T'],
      'chunked',
    ],
    ['over HTTP/1.0', ['--http1.0', '--upload-file'], `${BODY.length}`],
  ])('uploads %s', async (_how, args, framing) => {
    const server = await serveDigests()
    const routed = await startRouted(server.port)
    const { code, stdout, stderr } = await curl(...args, file, `http://127.0.0.1:${routed.port}/up`)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `PUT /up ${framing} ${sha256(BODY)}`, stderr: '' })
    await routed.expectNothingLeft()
  })

  test('uploads what comes on its standard input, in chunks', async () => {
    const server = await serveDigests()
    const routed = await startRouted(server.port)
    const input = 'not known how long '.repeat(50_000)
    const url = `http://127.0.0.1:${routed.port}/up`
    const { stdout } = await runProgram('curl', ['--silent', '--upload-file', '-', url], { input })
    expect(stdout).toBe(`PUT /up chunked ${sha256(Buffer.from(input))}`)
    await routed.expectNothingLeft()
  })

  test('is told by a server that an upload is too large, and reads that', async () => {
    const routed = await startRouted(nginx!.port)
    const url = `http://127.0.0.1:${routed.port}/up`
    const told = ['--write-out', '%{http_code}', '--output', '/dev/null']
    for (const expecting of ['Expect:', 'Expect: 100-continue']) {
      const { stdout } = await curl('--header', expecting, ...told, '--upload-file', file, url)
      expect(stdout, expecting).toBe('413')
    }
    expect(routed.sluice.metric('response_total', { status_code: '413' })).toBe(2)
    await routed.expectNothingLeft()
  })

  test('downloads ranges, asks for heads, and uses one connection for one thing after the other', async () => {
    const routed = await startRouted(nginx!.port)
    const url = `http://127.0.0.1:${routed.port}`
    const told = ['--write-out', '|%{http_code} %{size_download} %{num_connects}\n']
    const { code, stdout } = await curl(
      ...[...told, '--range', '4-7', `${url}/big`],
      ...['--next', '--silent', ...told, '--head', '--output', '/dev/null', `${url}/big`],
      ...['--next', '--silent', ...told, `${url}/who`],
      ...['--next', '--silent', ...told, '--output', '/dev/null', '--range', '1-', `${url}/big`],
      ...['--next', '--silent', ...told, '--output', '/dev/null', '--data', 'x', `${url}/big`],
      ...['--next', '--silent', ...told, '--range', '-9', `${url}/big`],
    )
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'body|206 4 1',
      expect.stringMatching(/^\|200 \d+ 0$/),
      'HTTP/1.1 ',
      '|200 10 0',
      `|206 ${BIG_BODY_BYTES - 1} 0`,
      expect.stringMatching(/^\|405 \d+ 0$/),
      expect.stringMatching(/^.{9}\|206 9 0$/),
      '',
    ])
    expect(routed.sluice.metric('tcp_open_total', { peer: 'src' })).toBe(1)
    await routed.expectNothingLeft()
  })
})
