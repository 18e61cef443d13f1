import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { freePort } from '../support/free-port.js'
import { needPrograms } from '../support/need-programs.js'
import { startRouted } from '../support/routed.js'
import { runProgram } from '../support/run-program.js'
import { startHaproxy } from '../support/servers/haproxy.js'
import { BIG_BODY_BYTES, type NginxServer, startNginx } from '../support/servers/nginx.js'
import type { Stoppable } from '../support/start-server.js'

const programs = needPrograms('curl', 'nginx', 'haproxy', 'openssl')
const curl = (...args: string[]) => runProgram('curl', ['--silent', '--show-error', ...args])

describe.skipIf(programs.areMissing)(`curl, its requests routed to nginx and HAProxy${programs.why}`, () => {
  let nginx: NginxServer
  let haproxy: Stoppable
  let haproxyPort: number
  beforeAll(async () => {
    nginx = await startNginx()
    haproxyPort = await freePort()
    haproxy = await startHaproxy(`frontend web
  mode http
  bind 127.0.0.1:${haproxyPort}
  http-request return status 200 content-type text/plain string haproxy if { path /hap }
  default_backend nginx
backend nginx
  mode http
  server nginx 127.0.0.1:${nginx.port}`)
  })
  afterAll(async () => {
    await haproxy?.stop()
    await nginx?.stop()
  })

  test('gets whole answers of both, over one connection of its own', async () => {
    const routed = await startRouted('web', {
      upstreams: {
        web: { endpoints: [`127.0.0.1:${nginx.port}`, `127.0.0.1:${haproxyPort}`], balance: 'round-robin' },
      },
    })
    const url = `http://127.0.0.1:${routed.port}`
    const big = ['--output', '/dev/null', `${url}/big`]
    const { code, stdout } = await curl(
      '--write-out',
      '%{http_code} %{size_download} %{num_connects}\n',
      ...big,
      ...big,
      ...big,
      ...big,
    )
    const again = `200 ${BIG_BODY_BYTES} 0\n`
    expect({ code, stdout }).toEqual({ code: 0, stdout: `200 ${BIG_BODY_BYTES} 1\n${again.repeat(3)}` })
    expect(routed.sluice.metric('response_total', { status_code: '200' })).toBe(4)
    await routed.expectNothingLeft()
  })

  test('speaks HTTP/1.0, HEAD, and uploads with Expect', async () => {
    const routed = await startRouted(nginx.port)
    const url = `http://127.0.0.1:${routed.port}`
    expect(await curl('--http1.0', `${url}/who`)).toEqual({ code: 0, stdout: 'HTTP/1.1 \n', stderr: '' })
    expect((await curl('--head', `${url}/big`)).stdout).toContain(`Content-Length: ${BIG_BODY_BYTES}`)
    const upload = ['--data-binary', '@-', '--output', '/dev/null', '--write-out', '%{http_code}', `${url}/who`]
    const expecting = ['--silent', '--header', 'Expect: 100-continue', ...upload]
    expect((await runProgram('curl', expecting, { input: 'x'.repeat(900_000) })).stdout).toBe('200')
    const chunked = ['--silent', '--header', 'Transfer-Encoding: chunked', ...upload]
    expect((await runProgram('curl', chunked, { input: 'x'.repeat(200_000) })).stdout).toBe('200')
    await routed.expectNothingLeft()
  })

  test('is answered by HAProxy, whose 408 to an idle connection answers nobody', async () => {
    const routed = await startRouted(haproxyPort)
    for (let i = 0; i < 3; i++)
      expect((await curl(`http://127.0.0.1:${routed.port}/hap`)).stdout, `request ${i}`).toBe('haproxy')
    // One, and those that were dialled early for a client that was slow to speak.
    expect(routed.upstreams).toBeLessThanOrEqual(3)
    await routed.expectNothingLeft()
  })

  test('asks for another address, as of a forward proxy, and gets the destination', async () => {
    const routed = await startRouted(nginx.port)
    const proxy = ['--proxy', `http://127.0.0.1:${routed.port}`]
    expect((await curl(...proxy, 'http://192.0.2.1/who')).stdout).toBe('HTTP/1.1 \n')
    const tunnelled = await curl(...proxy, '--proxytunnel', '--write-out', '%{http_connect}', 'http://192.0.2.1/who')
    expect(tunnelled.stdout).toMatch(/^40[05]$/)
    await routed.expectNothingLeft()
  })
})

test('a WebSocket echoes through the tunnel, and its end is the end of both connections', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const sockets = new WebSocketServer({ server })
  onTestFinished(() => sockets.close())
  sockets.on('connection', (socket, request: IncomingMessage) => {
    socket.on('message', (data: Buffer) => socket.send(`${request.url}: ${data.length}`))
  })
  const routed = await startRouted((server.address() as AddressInfo).port)
  const client = new WebSocket(`ws://127.0.0.1:${routed.port}/chat`)
  await once(client, 'open')
  for (const size of [1, 200, 70_000, 1_000_000]) {
    client.send(Buffer.alloc(size))
    const [answer] = (await once(client, 'message')) as [Buffer]
    expect(answer.toString()).toBe(`/chat: ${size}`)
  }
  client.close()
  await once(client, 'close')
  expect(routed.sluice.metric('sluice_http_tunnels_total', { kind: 'upgrade' })).toBe(1)
  await routed.expectNothingLeft()
})
