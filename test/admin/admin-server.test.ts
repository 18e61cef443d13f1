import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { createSluice, type Sluice } from '../../src/sluice.js'
import type { SluiceConfig } from '../../src/sluice-config.js'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that keeps its connections open and says nothing. */
async function silentOrigin(): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => void sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function started(config: SluiceConfig): Promise<Sluice> {
  const sluice = createSluice({ admin: { address: '127.0.0.1:0' }, ...config })
  onTestFinished(() => sluice.stop())
  return await sluice.start()
}

async function withOneListener(rest: Partial<SluiceConfig> = {}): Promise<Sluice> {
  const destination = `127.0.0.1:${await silentOrigin()}`
  return await started({ listeners: [{ name: 'in', address: '127.0.0.1:0', destination }], ...rest })
}

interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly host?: string
  readonly agent?: Agent
}

async function ask(
  sluice: Sluice,
  path: string,
  { method = 'GET', headers = {}, host = '127.0.0.1', agent }: Ask = {},
): Promise<Answer> {
  const sent = request({ host, port: sluice.adminAddress!.port, path, method, headers, agent: agent ?? false }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode!, headers: response.headers, body }
}

/** A client with a connection that is open through the proxy. */
async function client(sluice: Sluice): Promise<Socket> {
  const socket = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  const decided = new Promise<void>((resolve) => {
    const off = sluice.on('decided', () => {
      off()
      resolve()
    })
  })
  socket.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')
  await decided
  return socket
}

describe('the admin endpoint', () => {
  test('gives the metrics in the text format of Prometheus', async () => {
    const sluice = await withOneListener()
    await client(sluice)
    const { status, headers, body } = await ask(sluice, '/metrics')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toMatch(/^# TYPE tcp_open_total counter$/m)
    expect(body).toMatch(/^sluice_detect_total\{.*protocol="http\/1".*\} 1$/m)
    expect(body).not.toMatch(/^process_/m) // those are the command line's
  })

  test('is ready from start to stop, and says that it is live', async () => {
    const sluice = await withOneListener()
    expect(await ask(sluice, '/ready')).toMatchObject({ status: 200, body: 'ready\n' })
    expect(await ask(sluice, '/live')).toMatchObject({ status: 200, body: 'live\n' })
  })

  test('is no longer ready while it drains, still answers, and is gone after', async () => {
    const sluice = await withOneListener()
    const open = await client(sluice)
    const stopped = sluice.stop({ grace: 60_000 })
    expect(await ask(sluice, '/ready')).toMatchObject({ status: 503, body: 'not ready\n' })
    expect(await ask(sluice, '/live')).toMatchObject({ status: 200 })
    const { port } = sluice.adminAddress!
    open.resetAndDestroy()
    await stopped
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('lists open connections, then closed ones with their traces, each by its number too', async () => {
    const sluice = await withOneListener()
    const socket = await client(sluice)
    const open = JSON.parse((await ask(sluice, '/connections')).body) as { connections: object[] }
    expect(open.connections).toEqual([
      expect.objectContaining({ listener: 'in', connection: 1, protocol: 'http/1', decidedBy: 'client' }),
    ])
    expect(open.connections[0]).not.toHaveProperty('closedBy')
    expect(JSON.parse((await ask(sluice, '/connections/1')).body)).toMatchObject({
      state: 'open',
      connection: 1,
      listener: 'in',
    })
    expect(JSON.parse((await ask(sluice, '/connections/closed')).body)).toEqual({ connections: [] })

    const closed = sluice.nextClose('in')
    socket.resetAndDestroy()
    await closed
    expect(JSON.parse((await ask(sluice, '/connections')).body)).toEqual({ connections: [] })
    const trace = expect.arrayContaining([
      expect.objectContaining({ step: 'tcp-forward', verdict: 'handled' }),
    ]) as unknown
    const ended = { connection: 1, protocol: 'http/1', closedBy: 'client', reason: 'reset', trace }
    expect(JSON.parse((await ask(sluice, '/connections/closed')).body)).toMatchObject({ connections: [ended] })
    expect(JSON.parse((await ask(sluice, '/connections/1')).body)).toMatchObject({ state: 'closed', ...ended })
  })

  test.for([
    '/connections/2',
    '/connections/0',
    '/connections/x',
    '/connections/1/2',
    '/nothing',
    '/ready/',
    '//metrics',
  ])('has nothing at %s', async (path) => {
    expect((await ask(await withOneListener(), path)).status).toBe(404)
  })

  test('shows the configuration in force, with its defaults', async () => {
    const sluice = await withOneListener()
    const { headers, body } = await ask(sluice, '/config')
    expect(headers['content-type']).toBe('application/yaml; charset=utf-8')
    const filters = [
      'tls-passthrough',
      {
        'http-metrics': {
          labels: { authority: false, grpc: false, maxValues: 100, method: false },
          maxHeadBytes: '64KiB',
          maxPipelined: 1000,
          maxStreams: 1000,
        },
      },
      'tcp-forward',
    ]
    expect(parse(body)).toMatchObject({
      drain: { delay: '0s', grace: '25s' },
      listeners: [{ name: 'in', timeouts: { idle: '1h' }, filters: expect.arrayContaining(filters) as unknown }],
    })
  })

  test('shows what came from the environment as ***', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'sluice.yaml')
    vi.stubEnv('SLUICE_TEST_SECRET', 'hidden.example')
    onTestFinished(() => void vi.unstubAllEnvs())
    const listener = '{ name: in, address: "127.0.0.1:0", destination: "${SLUICE_TEST_SECRET}:80" }'
    writeFileSync(file, `admin: { address: "127.0.0.1:0" }\nlisteners: [${listener}]\n`)
    const sluice = await createSluice(file).start()
    onTestFinished(() => sluice.stop())
    const { body } = await ask(sluice, '/config')
    expect(body).toContain('***')
    expect(body).not.toContain('hidden')
  })

  test('lists in text what there is', async () => {
    const { status, body } = await ask(await withOneListener(), '/')
    expect(status).toBe(200)
    for (const path of [
      '/metrics',
      '/ready',
      '/live',
      '/connections',
      '/connections/closed',
      '/connections/ID',
      '/config',
    ])
      expect(body).toContain(`\n${path} `)
  })

  test('ignores a query', async () => {
    expect(await ask(await withOneListener(), '/ready?verbose')).toMatchObject({ status: 200, body: 'ready\n' })
  })

  test('answers HEAD as GET, without the body', async () => {
    const sluice = await withOneListener()
    expect(await ask(sluice, '/ready', { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '6' },
    })
  })

  test.for(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('refuses %s', async (method) => {
    const sluice = await withOneListener()
    for (const path of ['/ready', '/config'])
      expect(await ask(sluice, path, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })

  test('answers only the public paths under a Host that may be a rebound name', async () => {
    const sluice = await withOneListener()
    const headers = { host: `evil.example:${sluice.adminAddress!.port}` }
    for (const path of ['/metrics', '/ready', '/live']) expect((await ask(sluice, path, { headers })).status).toBe(200)
    for (const path of ['/', '/connections', '/connections/1', '/connections/closed', '/config', '/nothing']) {
      expect(await ask(sluice, path, { headers })).toMatchObject({
        status: 403,
        body: expect.stringContaining('admin.allowedHosts') as string,
      })
    }
  })

  test('answers under an allowed Host', async () => {
    const sluice = await withOneListener({ admin: { address: '127.0.0.1:0', allowedHosts: ['sluice.internal'] } })
    expect((await ask(sluice, '/config', { headers: { host: 'sluice.internal' } })).status).toBe(200)
  })

  test('refuses a target that names a host of its own', async () => {
    expect((await ask(await withOneListener(), 'http://127.0.0.1/config')).status).toBe(400)
  })

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address

  test.skipIf(outside === undefined)(
    'answers peers from elsewhere the public paths only (skipped where the machine has no address but loopback)',
    async () => {
      const sluice = await withOneListener({ admin: { address: '0.0.0.0:0' } })
      expect((await ask(sluice, '/ready', { host: outside! })).status).toBe(200)
      expect(await ask(sluice, '/config', { host: outside! })).toMatchObject({
        status: 403,
        body: expect.stringContaining('this machine') as string,
      })
      expect((await ask(sluice, '/config')).status).toBe(200)
    },
  )

  test('ends kept connections when the instance stops, and leaves nothing', async () => {
    const sluice = await withOneListener()
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    await ask(sluice, '/ready', { agent })
    const half = connect(sluice.adminAddress!.port, '127.0.0.1')
    await once(half, 'connect')
    half.write('GET /ready HTTP/1.1\r\n')
    const gone = new Promise<void>((resolve) => half.on('error', () => {}).once('close', () => resolve()))
    half.resume()
    await sluice.stop()
    await gone
    await expect(once(connect(sluice.adminAddress!.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  test('says that its address is taken, and nothing stays bound', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const sluice = createSluice({
      admin: { address: `127.0.0.1:${port}` },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:1' }],
    })
    await expect(sluice.start()).rejects.toMatchObject({
      code: 'SLUICE_ADDRESS_IN_USE',
      message: `admin: 127.0.0.1:${port} is in use by another program; stop it or choose another port`,
    })
  })
})
