import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, serve, type TestServer } from '../support/sockets.js'
import { startListener, startSluice, turns } from '../support/start-sluice.js'
import { CLOCK } from '../../src/core/tokens.js'
import { mysql } from '../../src/plugins/mysql.js'

const GREETING = Buffer.from(mysql.samples.server![0] as Uint8Array)

/** A fixed destination, and a name that is needed: what nobody knows is denied. */
async function startPicky(options: Record<string, unknown> = {}, listener: Record<string, unknown> = {}) {
  const clock = new FakeClock()
  const server = await serve()
  const filters = [{ detect: { onUnknown: 'deny', ...options } }, 'tcp-forward']
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, filters, ...listener }, { clock })
  return { clock, server, sluice, closed: sluice.nextClose() }
}

/** Routes by what is spoken, without a destination of its own. */
async function startMultiplexer(silence = '1s') {
  const clock = new FakeClock()
  const [ssh, web, db] = [await serve(), await serve(), await serve()]
  const route = (name: string, match: object, server: TestServer) => ({
    name,
    match,
    destination: `127.0.0.1:${server.port}`,
  })
  const routes = [
    route('ssh', { protocol: 'ssh' }, ssh),
    route('web', { protocol: ['http/1', 'http/2'] }, web),
    route('db', { clientSilent: silence }, db),
  ]
  const sluice = await startListener({ filters: ['detect', { 'tcp-forward': { routes } }] }, { clock })
  return { clock, ssh, web, db, sluice, closed: sluice.nextClose() }
}

describe('a chain with a choice', () => {
  test('withholds what the client says until the name is there', async () => {
    const { ssh, web, sluice } = await startMultiplexer()
    const client = await connectTo(sluice.address().port)
    client.send('SSH')
    await turns()
    expect([ssh.peers.length, web.peers.length]).toEqual([0, 0])
    client.send('-2.0-x\r\n')
    expect(await (await ssh.accepted()).hears('\r\n')).toBe('SSH-2.0-x\r\n')
    expect(web.peers.length).toBe(0)
  })

  test('sends each protocol to its own server', async () => {
    const { ssh, web, sluice } = await startMultiplexer()
    const one = await connectTo(sluice.address().port)
    one.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await (await web.accepted()).hears('host: a')
    const two = await connectTo(sluice.address().port)
    two.send('SSH-2.0-x\r\n')
    await (await ssh.accepted()).hears('SSH-2.0-x')
    expect(sluice.connections().map(({ route }) => route)).toEqual(['web', 'ssh'])
  })

  test('denies with a reset what no route takes, as soon as every sniffer has said no', async () => {
    const { sluice, closed } = await startMultiplexer()
    const client = await connectTo(sluice.address().port)
    client.send('\0\0\0\0\0')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({
      outcome: 'unknown',
      reason: 'denied',
      denied: { filter: 'tcp-forward', reason: 'no-route' },
    })
    expect(sluice.metric('sluice_deny_total', { filter: 'tcp-forward', reason: 'no-route' })).toBe(1)
  })

  test('lets the greeting decide: dials early, without a timer, when the client is silent after one poll', async () => {
    const { server, sluice, closed } = await startPicky()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    upstream.send(GREETING)
    expect((await client.hearsBytes(GREETING.length)).equals(GREETING)).toBe(true)
    client.send('login')
    await upstream.hears('login')
    client.socket.end()
    upstream.socket.end()
    expect(await closed).toMatchObject({
      outcome: 'detected',
      protocol: 'mysql',
      decidedBy: 'server',
      bytes: { client: 5, server: GREETING.length },
    })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
  })

  test('does not dial early for a client that speaks at once', async () => {
    const { server, sluice, closed } = await startPicky()
    const client = await connectTo(sluice.address().port)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await (await server.accepted()).hears('GET')
    client.socket.resetAndDestroy()
    await closed
    expect(server.peers.length).toBe(1)
    expect(sluice.metric('sluice_early_dial_total')).toBe(0)
  })

  test('never dials for a client that resets without a byte', async () => {
    const { server, sluice, closed } = await startPicky({ earlyDial: false })
    const client = await connectTo(sluice.address().port)
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ reason: 'reset', closedBy: 'client' })
    await turns()
    expect(server.peers.length).toBe(0)
  })

  test('withholds the greeting that nobody knows, and denies it', async () => {
    const { server, sluice, closed } = await startPicky()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    upstream.send('\x01\x02\x03 not a greeting\n')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(client.text).toBe('')
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
    expect(await upstream.closed()).toBe('ECONNRESET')
  })

  test('still detects a client that was only slow, on the wire that was dialled early', async () => {
    const { clock, server, sluice } = await startPicky()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    await turns(3)
    clock.advance(30_000)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await upstream.hears('GET / HTTP/1.1')
    expect(sluice.connections()[0]).toMatchObject({ protocol: 'http/1', decidedBy: 'client' })
    expect(server.peers.length).toBe(1)
  })

  test('bounds a client and a server that say nothing by firstByte', async () => {
    const { clock, server, sluice, closed } = await startPicky({ onTimeout: 'deny' })
    const client = await connectTo(sluice.address().port)
    await server.accepted()
    await turns(3)
    clock.advance(60_000)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ outcome: 'timeout', denied: { filter: 'detect', reason: 'timeout' } })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'in-vain' })).toBe(1)
  })

  test('carries what took too long as opaque, where the config does not deny it', async () => {
    const { clock, server, sluice } = await startPicky({ timeout: '10s' })
    const client = await connectTo(sluice.address().port)
    client.send('GET / HT')
    await turns(5)
    clock.advance(9_999)
    await turns(5)
    expect(server.peers.length).toBe(0)
    clock.advance(1)
    expect(await (await server.accepted()).hears('GET / HT')).toBe('GET / HT')
    expect(sluice.connections()[0]).toMatchObject({ outcome: 'timeout' })
  })

  test('counts the timeout from the first withheld byte, however many follow', async () => {
    const { clock, server, sluice } = await startPicky({ timeout: '10s' })
    const client = await connectTo(sluice.address().port)
    for (const letter of 'GET /abc') {
      client.send(letter)
      await turns(5)
      clock.advance(1_250)
    }
    await (await server.accepted()).hears('GET /abc')
  })

  test('carries a client that ends its half without a byte', async () => {
    const { server, sluice } = await startPicky({ onUnknown: 'continue', onTimeout: 'deny' })
    const client = await connectTo(sluice.address().port)
    client.socket.end()
    const upstream = await server.accepted()
    await upstream.ended()
    upstream.send('greeting all the same')
    await client.hears('greeting all the same')
  })

  test('ends a silent client whose only destination is dead', async () => {
    const gone = await serve()
    await new Promise((resolve) => gone.server.close(resolve))
    const { sluice, closed } = await startPicky({}, { destination: `127.0.0.1:${gone.port}` })
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_CONNECT_REFUSED' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'failed' })).toBe(1)
  })

  test("passes the server's reset on while detecting", async () => {
    const { server, sluice } = await startPicky()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    await turns(3)
    upstream.socket.resetAndDestroy()
    expect(await client.closed()).toBe('ECONNRESET')
  })

  test("passes the client's reset on while detecting", async () => {
    const { server, sluice, closed } = await startPicky()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    await turns(3)
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ reason: 'reset', closedBy: 'client' })
    expect(await upstream.closed()).toBe('ECONNRESET')
  })

  test('pauses a client whose window is full, names it full, and loses nothing', async () => {
    const { server, sluice } = await startPicky({
      onUnknown: 'continue',
      onTimeout: 'deny',
      protocols: ['http/1', 'tls'],
    })
    const client = await connectTo(sluice.address().port)
    // A hello that says it is larger than any window.
    const hello = Buffer.concat([Buffer.from('1603014000010100000303', 'hex'), Buffer.alloc(200_000, 7)])
    client.send(hello)
    const upstream = await server.accepted()
    expect((await upstream.hearsBytes(hello.length)).equals(hello)).toBe(true)
  })
})

describe('clientSilent', () => {
  test('names a destination after its time, and the first byte of that server decides', async () => {
    const { clock, db, sluice } = await startMultiplexer()
    const client = await connectTo(sluice.address().port)
    await turns(5)
    clock.advance(999)
    await turns(5)
    expect(db.peers.length).toBe(0)
    clock.advance(1)
    ;(await db.accepted()).send(GREETING)
    await client.hearsBytes(GREETING.length)
    expect(sluice.connections()[0]).toMatchObject({ protocol: 'mysql', decidedBy: 'server', route: 'db' })
  })

  test('stays tentative until then: a client that was only slow goes where its words lead', async () => {
    const { clock, db, web, sluice } = await startMultiplexer()
    const client = await connectTo(sluice.address().port)
    await turns(5)
    clock.advance(1_000)
    const tentative = await db.accepted()
    await turns(3)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await (await web.accepted()).hears('GET')
    expect(sluice.connections()[0]).toMatchObject({ protocol: 'http/1', route: 'web' })
    expect(await tentative.ended()).toBeUndefined()
    expect(tentative.bytes.length).toBe(0)
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'in-vain' })).toBe(1)
  })

  test('carries both of a client and a server that stay silent, when firstByte has passed', async () => {
    const { clock, db, sluice } = await startMultiplexer()
    const client = await connectTo(sluice.address().port)
    await turns(5)
    clock.advance(1_000)
    const upstream = await db.accepted()
    await turns(3)
    clock.advance(60_000)
    await turns(3)
    client.send('at last')
    await upstream.hears('at last')
    expect(sluice.connections()[0]).toMatchObject({ outcome: 'timeout', route: 'db' })
  })
})

test('two listeners share nothing but the instance', async () => {
  const server = await serve()
  const clock = new FakeClock()
  const destination = `127.0.0.1:${server.port}`
  const sluice = await startSluice(
    {
      listeners: [
        { name: 'a', address: '127.0.0.1:0', destination },
        { name: 'b', address: '127.0.0.1:0', destination, filters: ['echo'] },
      ],
    },
    { providers: [{ token: CLOCK, value: clock }] },
  )
  const client = await connectTo(sluice.address('b').port)
  client.send('echo')
  await client.hears('echo')
  expect(server.peers.length).toBe(0)
  expect(sluice.connections().map(({ listener }) => listener)).toEqual(['b'])
})
