import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startExim } from '../support/servers/exim.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNats } from '../support/servers/nats.js'
import { type NginxServer, startNginx } from '../support/servers/nginx.js'
import { startRedis } from '../support/servers/redis.js'
import { type SshServer, startSshd } from '../support/servers/sshd.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { startServers } from '../support/start-server.js'
import { startSluiceCommand } from '../support/sluice-command.js'
import { connectTo } from '../support/sockets.js'

const programs = needPrograms(
  'curl',
  'nginx',
  'openssl',
  'mariadbd (mariadb-server)',
  'mariadb (mariadb-client)',
  'nats-server',
  'redis-server',
  'redis-cli (redis-tools)',
  'exim4 (exim4-daemon-light)',
  'swaks',
  'sshd (openssh-server)',
  'ssh (openssh-client)',
  'ssh-keygen (openssh-client)',
)

describe.skipIf(programs.areMissing)(`sluice proxy LISTEN DESTINATION, with nothing else${programs.why}`, () => {
  let nginx: NginxServer,
    sshd: SshServer,
    exim: TestServerProgram,
    nats: TestServerProgram,
    redis: TestServerProgram,
    mariadb: TestServerProgram
  beforeAll(async () => {
    ;[nginx, sshd, exim, nats, redis, mariadb] = await startServers(
      startNginx,
      startSshd,
      startExim,
      startNats,
      startRedis,
      startMariadb,
    )
  })
  afterAll(() => Promise.all([nginx, sshd, exim, nats, redis, mariadb].map((server) => server?.stop())))

  test.each<{
    of: string
    destination: () => number
    client: (port: number) => ReturnType<typeof runProgram>
    says: string
    line: object
  }>([
    {
      of: 'HTTP/1.1',
      destination: () => nginx.port,
      client: (port) => runProgram('curl', ['-sS', `http://127.0.0.1:${port}/who`]),
      says: 'HTTP/1.1',
      line: { outcome: 'detected', protocol: 'http/1', decidedBy: 'client' },
    },
    {
      of: 'HTTP/2',
      destination: () => nginx.h2cPort,
      client: (port) => runProgram('curl', ['-sS', '--http2-prior-knowledge', `http://127.0.0.1:${port}/who`]),
      says: 'HTTP/2.0',
      line: { outcome: 'detected', protocol: 'http/2', decidedBy: 'client' },
    },
    {
      of: 'HTTPS',
      destination: () => nginx.tlsPort,
      client: (port) =>
        runProgram('curl', [
          '-sSk',
          '--connect-to',
          `shop.example.com:443:127.0.0.1:${port}`,
          'https://shop.example.com/who',
        ]),
      says: 'HTTP/2.0 shop.example.com',
      line: { outcome: 'detected', protocol: 'tls', decidedBy: 'client', facts: { sni: 'shop.example.com' } },
    },
    {
      of: 'MariaDB',
      destination: () => mariadb.port,
      client: (port) =>
        runProgram('mariadb', [
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
        ]),
      says: '42',
      line: { outcome: 'detected', protocol: 'mysql', decidedBy: 'server' },
    },
    {
      of: 'SMTP',
      destination: () => exim.port,
      client: (port) =>
        runProgram('swaks', ['--server', `127.0.0.1:${port}`, '--from', 'a@example.com', '--to', 'b@example.com']),
      says: '250 OK id=',
      line: { outcome: 'detected', protocol: 'smtp', decidedBy: 'server' },
    },
    {
      of: 'SSH',
      destination: () => sshd.port,
      client: (port) => runProgram('ssh', [...sshd.clientOptions(port), 'echo over ssh']),
      says: 'over ssh',
      line: { outcome: 'detected', protocol: 'ssh' },
    },
    {
      of: 'Redis',
      destination: () => redis.port,
      client: (port) => runProgram('redis-cli', ['-p', String(port), 'ping']),
      says: 'PONG',
      line: { outcome: 'detected', protocol: 'redis' },
    },
  ])('carries $of, and prints a line of it', async ({ destination, client, says, line }) => {
    const sluice = await startSluiceCommand(destination())
    expect(await client(sluice.port)).toMatchObject({ code: 0, stdout: expect.stringContaining(says) as string })
    expect(await sluice.closed(1)).toMatchObject({
      connection: 1,
      destination: `127.0.0.1:${destination()}`,
      reason: 'end',
      ...line,
    })
    expect((await sluice.stop()).code).toBe(0)
  })

  test('carries NATS, and prints a line of it', async () => {
    const sluice = await startSluiceCommand(nats.port)
    const client = await connectTo(sluice.port)
    await client.hears('INFO {')
    client.send('CONNECT {"verbose":false}\r\nPING\r\n')
    await client.hears('PONG\r\n')
    client.socket.end()
    expect(await sluice.closed(1)).toMatchObject({ outcome: 'detected', protocol: 'nats', decidedBy: 'server' })
  })

  test('carries a WebSocket, and prints a line of it', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => server.close())
    await once(server, 'listening')
    server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data)))
    const sluice = await startSluiceCommand((server.address() as AddressInfo).port)
    const client = new WebSocket(`ws://127.0.0.1:${sluice.port}/`)
    await once(client, 'open')
    client.send('hello')
    expect(String((await once(client, 'message'))[0])).toBe('hello')
    client.close()
    expect(await sluice.closed(1)).toMatchObject({ outcome: 'detected', protocol: 'http/1', decidedBy: 'client' })
  })

  test('drains at SIGTERM: what is open goes on, what is new is refused, and it ends with 0', async () => {
    const sluice = await startSluiceCommand(nats.port)
    const client = await connectTo(sluice.port)
    await client.hears('INFO {')
    const stopped = sluice.stop()
    client.send('CONNECT {"verbose":false}\r\n')
    client.send('PING\r\n')
    await client.hears('PONG\r\n')
    client.socket.end()
    const { code, output } = await stopped
    expect(code).toBe(0)
    expect(output).toContain('"protocol":"nats"')
  })
})
