import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { clientHello } from '../support/client-hello.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startExim } from '../support/servers/exim.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNats } from '../support/servers/nats.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { connectTo, serve } from '../support/sockets.js'
import { startServers } from '../support/start-server.js'
import { startListener, turns } from '../support/start-sluice.js'
import { until } from '../support/until.js'

const DETECT_TIMEOUT_MS = 10_000
const FIRST_BYTE_MS = 60_000
const CONNECT_MS = 5_000

/** One destination, and a choice all the same: what nobody knows is refused. So both sides are withheld until there is a name. */
async function startWithChoice(port: number, detect: Record<string, unknown> = { onUnknown: 'deny' }) {
  const clock = new AnnouncingClock()
  const sluice = await startListener(
    { destination: `127.0.0.1:${port}`, filters: [{ detect }, 'tcp-forward'] },
    { clock },
  )
  return { sluice, clock, port: sluice.address('in').port, nextClose: () => sluice.nextClose('in') }
}

const programs = needPrograms(
  'mariadbd (mariadb-server)',
  'mariadb (mariadb-client)',
  'nats-server',
  'exim4 (exim4-daemon-light)',
  'swaks',
)

describe.skipIf(programs.areMissing)(`a client that waits for its server's greeting${programs.why}`, () => {
  let mariadb: TestServerProgram, nats: TestServerProgram, exim: TestServerProgram
  beforeAll(async () => {
    ;[mariadb, nats, exim] = await startServers(startMariadb, startNats, startExim)
  })
  afterAll(() => Promise.all([mariadb?.stop(), nats?.stop(), exim?.stop()]))

  test('of MariaDB is dialled for early, with time standing still, and the greeting decides', async () => {
    const { port, nextClose, sluice } = await startWithChoice(mariadb.port)
    const closed = nextClose()
    const args = [
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
    ]
    expect(await runProgram('mariadb', args)).toMatchObject({ code: 0, stdout: '42\n' })
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'mysql', decidedBy: 'server' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
  })

  test('of SMTP is dialled for early, with time standing still, and the greeting decides', async () => {
    const { port, nextClose, sluice } = await startWithChoice(exim.port)
    const closed = nextClose()
    const { code, stdout } = await runProgram('swaks', [
      '--server',
      `127.0.0.1:${port}`,
      '--from',
      'a@example.com',
      '--to',
      'b@example.com',
    ])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('250 OK id=') as string })
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'smtp', decidedBy: 'server' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
  })

  test('of NATS is dialled for early, with time standing still, and the greeting decides', async () => {
    const { port, nextClose, sluice } = await startWithChoice(nats.port)
    const closed = nextClose()
    const client = await connectTo(port)
    await client.hears('INFO {')
    client.send('CONNECT {"verbose":false}\r\nPING\r\n')
    await client.hears('PONG\r\n')
    client.socket.end()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'nats', decidedBy: 'server' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
  })
})

describe('with a choice to make', () => {
  test('a greeting that nobody knows is refused, and the client does not see a byte of it', async () => {
    const server = await serve((peer) => void peer.send('\u0001 what is this\r\n'))
    const { port, nextClose, sluice } = await startWithChoice(server.port)
    const closed = nextClose()
    const client = await connectTo(port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(client.bytes).toHaveLength(0)
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
    expect(await (await server.accepted()).closed()).toBe('ECONNRESET')
    expect(sluice.metric('sluice_deny_total', { filter: 'detect', reason: 'unknown' })).toBe(1)
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'in-vain' })).toBe(1)
  })

  test('a client that speaks at once is not dialled for until its protocol is known', async () => {
    const server = await serve()
    const { port, nextClose, sluice } = await startWithChoice(server.port)
    const closed = nextClose()
    const client = await connectTo(port)
    client.send(Buffer.alloc(5))
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'detect', reason: 'unknown' } })
    await turns()
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(0)
    expect(server.peers.filter(({ bytes }) => bytes.length > 0)).toEqual([])
  })

  test('a client and a server that both stay silent are carried as opaque when firstByte is over', async () => {
    const server = await serve()
    const { port, nextClose, clock } = await startWithChoice(server.port)
    const closed = nextClose()
    const client = await connectTo(port)
    const upstream = await server.accepted()
    await clock.isAskedFor(FIRST_BYTE_MS)
    await clock.isNoLongerAskedFor(CONNECT_MS)
    clock.advance(FIRST_BYTE_MS)
    client.send('at last')
    await upstream.hears('at last')
    upstream.send('welcome')
    await client.hears('welcome')
    client.socket.end()
    upstream.socket.end()
    const summary = await closed
    expect(summary).toMatchObject({ outcome: 'timeout', bytes: { client: 7, server: 7 }, reason: 'end' })
    expect(summary).not.toHaveProperty('protocol')
  })

  test('a client and a server that both stay silent are refused when firstByte is over and a timeout is to be denied', async () => {
    const server = await serve()
    const { port, nextClose, clock, sluice } = await startWithChoice(server.port, { onTimeout: 'deny' })
    const closed = nextClose()
    const client = await connectTo(port)
    await server.accepted()
    await clock.isAskedFor(FIRST_BYTE_MS)
    await clock.isNoLongerAskedFor(CONNECT_MS)
    clock.advance(FIRST_BYTE_MS)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'detect', reason: 'timeout' } })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'in-vain' })).toBe(1)
    expect(clock.pending).toEqual([])
  })

  test('without early dials nobody is dialled until the client speaks', async () => {
    const server = await serve((peer) => void peer.send('220 mail.example.com ESMTP\r\n'))
    const { port, sluice, clock } = await startWithChoice(server.port, { onUnknown: 'deny', earlyDial: false })
    const client = await connectTo(port)
    await clock.isAskedFor(FIRST_BYTE_MS)
    await turns(100)
    expect(server.peers).toHaveLength(0)
    client.send('EHLO client.example\r\n')
    await client.hears('220 mail.example.com ESMTP\r\n')
    expect(sluice.connections()).toMatchObject([{ protocol: 'smtp', decidedBy: 'client' }])
    expect(sluice.metric('sluice_early_dial_total')).toBe(0)
  })

  test('a client that stops half way through its first bytes is bounded by the detect timeout, from the first byte on', async () => {
    const server = await serve()
    const { port, nextClose, clock } = await startWithChoice(server.port, { onTimeout: 'deny' })
    const closed = nextClose()
    const client = await connectTo(port)
    client.send('GET ')
    await clock.isAskedFor(DETECT_TIMEOUT_MS)
    clock.advance(DETECT_TIMEOUT_MS)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({
      outcome: 'timeout',
      denied: { filter: 'detect', reason: 'timeout' },
      bytes: { client: 4 },
    })
    expect(clock.pending).toEqual([])
  })

  test('what is not refused at the detect timeout is carried on, with the bytes that were withheld first', async () => {
    const server = await serve()
    const { port, clock } = await startWithChoice(server.port)
    const client = await connectTo(port)
    client.send('GET ')
    await clock.isAskedFor(DETECT_TIMEOUT_MS)
    clock.advance(DETECT_TIMEOUT_MS)
    const upstream = await server.accepted()
    client.send('/late HTTP/1.1\r\n\r\n')
    expect(await upstream.hears('\r\n\r\n')).toBe('GET /late HTTP/1.1\r\n\r\n')
  })

  test('a ClientHello that comes byte by byte is one ClientHello', async () => {
    const server = await serve()
    const { port, sluice } = await startWithChoice(server.port)
    const hello = await clientHello({ servername: 'shop.example.com', ALPNProtocols: ['h2'] })
    const client = await connectTo(port)
    for (let sent = 1; sent <= hello.length; sent++) {
      client.send(hello.subarray(sent - 1, sent))
      await until(() => sluice.connections()[0]?.bytes.client === sent)
    }
    const upstream = await server.accepted()
    expect((await upstream.hearsBytes(hello.length)).equals(hello)).toBe(true)
    expect(sluice.connections()).toMatchObject([
      { protocol: 'tls', decidedBy: 'client', facts: { sni: 'shop.example.com', alpn: ['h2'] } },
    ])
  })

  test('a client that connects and closes without a byte is carried: it cannot be told from a half-close', async () => {
    const server = await serve()
    const { port, nextClose } = await startWithChoice(server.port, { onTimeout: 'deny' })
    const closed = nextClose()
    const client = await connectTo(port)
    client.socket.end()
    const upstream = await server.accepted()
    await upstream.ended()
    upstream.send('late answer').socket.end()
    await client.ended()
    expect(client.text).toBe('late answer')
    expect(await closed).toMatchObject({
      outcome: 'ended',
      closedBy: 'client',
      reason: 'end',
      bytes: { client: 0, server: 11 },
    })
  })

  test('a probe that connects and resets without a byte dials nobody', async () => {
    const server = await serve()
    const { port, sluice } = await startWithChoice(server.port)
    for (let i = 0; i < 50; i++) {
      const probe = await connectTo(port)
      probe.socket.resetAndDestroy()
      await probe.closed()
    }
    // Whoever had been dialled for a probe would have been accepted before this one.
    const client = await connectTo(port)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await (await server.accepted()).hears('GET / HTTP/1.1\r\n\r\n')
    expect(server.peers).toHaveLength(1)
    await until(() => sluice.connections().length === 1)
    expect(sluice.metric('sluice_early_dial_total')).toBe(0)
  })

  test('a server that cannot be dialled early, and a client that waits for it: the client is reset', async () => {
    const gone = await serve()
    await new Promise((resolve) => gone.server.close(resolve))
    const { port, nextClose, sluice } = await startWithChoice(gone.port)
    const closed = nextClose()
    const client = await connectTo(port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_CONNECT_REFUSED' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'failed' })).toBe(1)
  })

  test('a request line longer than the peek window is carried whole', async () => {
    const server = await serve()
    const { port, nextClose } = await startWithChoice(server.port, { onTimeout: 'deny' })
    const closed = nextClose()
    const client = await connectTo(port)
    const bytes = Buffer.from(`GET /${'x'.repeat(200_000)} HTTP/1.1\r\n\r\n`)
    client.send(bytes)
    const upstream = await server.accepted()
    const received = await upstream.hearsBytes(bytes.length)
    expect(received.equals(bytes)).toBe(true)
    client.socket.end()
    upstream.socket.end()
    expect((await closed).bytes).toEqual({ client: bytes.length, server: 0 })
  })
})
