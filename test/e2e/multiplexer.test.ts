import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLOCK } from '../../src/core/tokens.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { clientHello } from '../support/client-hello.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { type NginxServer, startNginx } from '../support/servers/nginx.js'
import { type SshServer, startSshd } from '../support/servers/sshd.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { connectTo, serve } from '../support/sockets.js'
import { startServers } from '../support/start-server.js'
import { startSluice } from '../support/start-sluice.js'
import { until } from '../support/until.js'

const programs = needPrograms(
  'curl',
  'nginx',
  'openssl',
  'sshd (openssh-server)',
  'ssh (openssh-client)',
  'ssh-keygen (openssh-client)',
  'mariadbd (mariadb-server)',
  'mariadb (mariadb-client)',
)

const SILENCE_MS = 1_000

interface Ports {
  readonly web: readonly number[]
  readonly tls: number
  readonly ssh: number
  readonly db: number
}

/** The second configuration of the README, with the ports of this test. */
async function startMultiplexer({ web, tls, ssh, db }: Ports) {
  const clock = new AnnouncingClock()
  const sluice = await startSluice(
    {
      upstreams: {
        web: { endpoints: web.map((port) => `127.0.0.1:${port}`), balance: 'least-connections' },
        'web-tls': { endpoints: [`127.0.0.1:${tls}`] },
      },
      listeners: [
        {
          name: 'one-port',
          address: '127.0.0.1:0',
          limits: { maxConnections: 100 },
          filters: [
            { detect: { timeout: '5s' } },
            'http-metrics',
            {
              'tcp-forward': {
                routes: [
                  { name: 'ssh', match: { protocol: 'ssh' }, destination: `127.0.0.1:${ssh}` },
                  { name: 'tls', match: { protocol: 'tls' }, destination: 'web-tls' },
                  { name: 'web', match: { protocol: ['http/1', 'http/2'] }, destination: 'web' },
                  { name: 'db', match: { clientSilent: '1s' }, destination: `127.0.0.1:${db}` },
                ],
              },
            },
          ],
        },
      ],
    },
    { providers: [{ token: CLOCK, value: clock }] },
  )
  return { sluice, clock, port: sluice.address('one-port').port, nextClose: () => sluice.nextClose('one-port') }
}

describe.skipIf(programs.areMissing)(`SSH, TLS, HTTP and MariaDB on one port${programs.why}`, () => {
  let nginx: NginxServer, sshd: SshServer, mariadb: TestServerProgram, ports: Ports
  beforeAll(async () => {
    ;[nginx, sshd, mariadb] = await startServers(startNginx, startSshd, startMariadb)
    ports = { web: [nginx.port, nginx.h2cPort], tls: nginx.tlsPort, ssh: sshd.port, db: mariadb.port }
  })
  afterAll(() => Promise.all([nginx?.stop(), sshd?.stop(), mariadb?.stop()]))

  test('curl reaches the web servers over HTTP/1.1', async () => {
    const { port, nextClose, sluice } = await startMultiplexer({ ...ports, web: [nginx.port] })
    const closed = nextClose()
    const { stdout } = await runProgram('curl', ['-sS', `http://127.0.0.1:${port}/who`])
    expect(stdout).toBe('HTTP/1.1 \n')
    expect(await closed).toMatchObject({
      route: 'web',
      upstream: 'web',
      destination: `127.0.0.1:${nginx.port}`,
      protocol: 'http/1',
      decidedBy: 'client',
    })
    expect(sluice.metric('response_total', { status_code: '200' })).toBe(1)
  })

  test('curl reaches the web servers over HTTP/2', async () => {
    const { port, nextClose } = await startMultiplexer({ ...ports, web: [nginx.h2cPort] })
    const closed = nextClose()
    const { stdout } = await runProgram('curl', ['-sS', '--http2-prior-knowledge', `http://127.0.0.1:${port}/who`])
    expect(stdout).toBe('HTTP/2.0 \n')
    expect(await closed).toMatchObject({ route: 'web', protocol: 'http/2', decidedBy: 'client' })
  })

  test('curl reaches the TLS server', async () => {
    const { port, nextClose } = await startMultiplexer(ports)
    const closed = nextClose()
    const { stdout } = await runProgram('curl', [
      '-sSk',
      '--connect-to',
      `shop.example.com:443:127.0.0.1:${port}`,
      'https://shop.example.com/who',
    ])
    expect(stdout).toBe('HTTP/2.0 shop.example.com\n')
    expect(await closed).toMatchObject({ route: 'tls', upstream: 'web-tls', protocol: 'tls', decidedBy: 'client' })
  })

  test('ssh speaks first, and is there without a wait', async () => {
    const { port, nextClose } = await startMultiplexer(ports)
    const closed = nextClose()
    const { code, stdout, stderr } = await runProgram('ssh', [...sshd.clientOptions(port), 'echo over ssh'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'over ssh\n', stderr: '' })
    expect(await closed).toMatchObject({ route: 'ssh', protocol: 'ssh', decidedBy: 'client' })
  })

  test('mariadb stays silent, and is taken to the database after that second', async () => {
    const { port, nextClose, clock } = await startMultiplexer(ports)
    const closed = nextClose()
    const client = runProgram('mariadb', [
      '--no-defaults',
      '-h',
      '127.0.0.1',
      '-P',
      String(port),
      '-u',
      'test',
      '-psecret',
      '-NBe',
      'select 6*7',
    ])
    await clock.isAskedFor(SILENCE_MS)
    clock.advance(SILENCE_MS)
    expect(await client).toMatchObject({ code: 0, stdout: '42\n' })
    expect(await closed).toMatchObject({
      route: 'db',
      destination: `127.0.0.1:${mariadb.port}`,
      protocol: 'mysql',
      decidedBy: 'server',
    })
  })

  test('warns that clients of ssh may wait for a greeting, and of nothing else', async () => {
    const { sluice } = await startMultiplexer(ports)
    expect(sluice.warnings.map(({ code, message }) => ({ code, message }))).toEqual([
      {
        code: 'SLUICE_CONFIG_SILENT_CLIENTS',
        message: 'clients of ssh may wait for a greeting too: after 1 s they would go to "db"',
      },
    ])
  })

  test('all at once, each is carried to its own', async () => {
    const { port, sluice } = await startMultiplexer({ ...ports, web: [nginx.port] })
    const routes: (string | undefined)[] = []
    sluice.on('closed', ({ route }) => routes.push(route))
    const runs = Array.from({ length: 5 }, () => [
      runProgram('curl', ['-sS', `http://127.0.0.1:${port}/who`]),
      runProgram('curl', ['-sSk', `https://127.0.0.1:${port}/who`]),
      runProgram('ssh', [...sshd.clientOptions(port), 'echo over ssh']),
    ])
    const outputs = (await Promise.all(runs.flat())).map(({ stdout }) => stdout)
    expect(new Set(outputs)).toEqual(new Set(['HTTP/1.1 \n', 'HTTP/2.0 \n', 'over ssh\n']))
    await until(() => routes.length === outputs.length)
    expect(routes.sort()).toEqual(['ssh', 'tls', 'web'].flatMap((route) => Array<string>(5).fill(route)))
  })
})

describe('a multiplexer before servers by hand', () => {
  async function startWithServers() {
    const [web, otherWeb, tls, ssh, db] = [await serve(), await serve(), await serve(), await serve(), await serve()]
    const servers = { web, otherWeb, tls, ssh, db }
    return {
      servers,
      ...(await startMultiplexer({ web: [web.port, otherWeb.port], tls: tls.port, ssh: ssh.port, db: db.port })),
    }
  }

  test('resets what no route matches, and counts it', async () => {
    const { port, nextClose, sluice, servers } = await startWithServers()
    const closed = nextClose()
    const client = await connectTo(port)
    client.send(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8]))
    expect(await client.closed()).toBe('ECONNRESET')
    expect(client.bytes).toHaveLength(0)
    expect(await closed).toMatchObject({
      outcome: 'unknown',
      closedBy: 'proxy',
      reason: 'denied',
      denied: { filter: 'tcp-forward', reason: 'no-route' },
    })
    expect(sluice.metric('sluice_deny_total', { filter: 'tcp-forward', reason: 'no-route' })).toBe(1)
    expect(Object.values(servers).map(({ peers }) => peers.length)).toEqual([0, 0, 0, 0, 0])
  })

  test('withholds what it cannot name yet, then passes on every byte of it', async () => {
    const { port, servers, sluice } = await startWithServers()
    const hello = await clientHello({ servername: 'shop.example.com' })
    const client = await connectTo(port)
    client.send(hello)
    client.send('and more')
    const server = await servers.tls.accepted()
    const received = await server.hearsBytes(hello.length + 'and more'.length)
    expect(received.equals(Buffer.concat([hello, Buffer.from('and more')]))).toBe(true)
    expect(sluice.connections()).toMatchObject([{ protocol: 'tls', route: 'tls' }])
  })

  test('takes the endpoint with the fewest connections', async () => {
    const { port, servers } = await startWithServers()
    const clients = [await connectTo(port), await connectTo(port), await connectTo(port), await connectTo(port)]
    for (const client of clients) client.send('GET / HTTP/1.1\r\n\r\n')
    await servers.web.accepted(1)
    await servers.otherWeb.accepted(1)
    expect([servers.web.peers.length, servers.otherWeb.peers.length]).toEqual([2, 2])
  })

  test('a slow client that speaks after the second, before its server does, is taken where its words say', async () => {
    const { port, servers, clock, nextClose } = await startWithServers()
    const closed = nextClose()
    const client = await connectTo(port)
    await clock.isAskedFor(SILENCE_MS)
    clock.advance(SILENCE_MS)
    const silentServer = await servers.db.accepted()
    client.send('GET / HTTP/1.1\r\n\r\n')
    const web = await servers.web.accepted()
    await web.hears('GET / HTTP/1.1\r\n\r\n')
    await silentServer.ended()
    expect(silentServer.bytes).toHaveLength(0)
    web.send('HTTP/1.1 204 No Content\r\n\r\n').socket.end()
    await client.ended()
    client.socket.end()
    expect(await closed).toMatchObject({ route: 'web', protocol: 'http/1', decidedBy: 'client' })
  })

  test('a slow client that speaks after its server has, stays with that server', async () => {
    const { port, servers, clock, nextClose } = await startWithServers()
    const closed = nextClose()
    const client = await connectTo(port)
    await clock.isAskedFor(SILENCE_MS)
    clock.advance(SILENCE_MS)
    const server = await servers.db.accepted()
    server.send('a greeting that no sniffer knows\r\n')
    await client.hears('a greeting that no sniffer knows\r\n')
    client.send('GET / HTTP/1.1\r\n\r\n')
    await server.hears('GET / HTTP/1.1\r\n\r\n')
    client.socket.end()
    server.socket.end()
    expect(await closed).toMatchObject({ route: 'db', outcome: 'unknown' })
    expect(servers.web.peers).toHaveLength(0)
  })
})
