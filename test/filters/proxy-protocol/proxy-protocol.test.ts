import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defineFilter } from '../../../src/core/filter.js'
import { z } from 'zod'
import { loadConfig } from '../../../src/core/config/load-config.js'
import { registryOf } from '../../../src/core/config/registry.js'
import { CLIENT_DESTINATION, type Connection } from '../../../src/core/connection.js'
import { proxyProtocol } from '../../../src/filters/proxy-protocol/proxy-protocol.js'
import { builtIns } from '../../../src/plugins/built-ins.js'
import { encodeProxyV1, encodeProxyV2, readProxyHeader } from '../../../src/protocols/proxy-protocol.js'
import { mysql } from '../../../src/plugins/mysql.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { connectTo, Peer, serve } from '../../support/sockets.js'
import { startListener, startSluice, turns } from '../../support/start-sluice.js'
import { until } from '../../support/until.js'

const CLIENT = { host: '203.0.113.7', port: 51022 }
const REACHED = { host: '198.51.100.1', port: 443 }
const V1 = Buffer.from(encodeProxyV1(CLIENT, REACHED))
const V2 = Buffer.from(encodeProxyV2(CLIENT, REACHED))
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const GREETING = Buffer.from(mysql.samples.server![0] as Uint8Array)
const TIMEOUT_MS = 5_000
const SILENT_MS = 1_000
const HEADERS = [
  { version: 1, header: V1 },
  { version: 2, header: V2 },
]

/** A listener behind a proxy on this machine. Time stands still: what needed a timer would hang. */
async function start(options: object = {}, forward: object = {}, beforeForward: (string | object)[] = ['detect']) {
  const clock = new FakeClock()
  const server = await serve()
  const sluice = await startListener(
    {
      destination: `127.0.0.1:${server.port}`,
      filters: [
        { 'proxy-protocol': { trusted: ['127.0.0.1'], ...options } },
        ...beforeForward,
        { 'tcp-forward': forward },
      ],
    },
    { clock, plugins: [{ name: 'test', apiVersion: 1, filters: [seeing] }] },
  )
  return { clock, server, sluice, port: sluice.address().port, closed: sluice.nextClose() }
}

const seen: Connection[] = []
/** Lets a test look at the connection as a later filter has it. */
const seeing = defineFilter({
  name: 'seeing',
  options: z.strictObject({}),
  create: () => ({ onConnection: (connection) => (seen.push(connection), 'continue') }),
})

/** A client of which nothing is trusted. */
async function connectFromElsewhere(port: number): Promise<Peer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2', noDelay: true, allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const peer = new Peer(socket)
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return peer
}

describe.each(HEADERS)('a version $version header', ({ version, header }) => {
  test('names the client, and is not passed on; detection sees what follows', async () => {
    const { server, sluice, port, closed, clock } = await start()
    const client = await connectTo(port)
    client.send(Buffer.concat([header, Buffer.from(REQUEST)]))
    const upstream = await server.accepted()
    expect(await upstream.hears('host: a\r\n\r\n')).toBe(REQUEST)
    expect(sluice.connections()[0]).toMatchObject({ source: '203.0.113.7:51022', protocol: 'http/1' })
    upstream.send('answer').socket.end()
    client.socket.end()
    expect(await closed).toMatchObject({
      source: '203.0.113.7:51022',
      peer: `127.0.0.1:${client.socket.localPort}`,
      proxyProtocol: { version, command: 'proxy', source: '203.0.113.7:51022', destination: '198.51.100.1:443' },
      bytes: { client: REQUEST.length, server: 6 },
      protocol: 'http/1',
      reason: 'end',
    })
    expect(clock.pending).toEqual([])
  })

  test('comes byte by byte, and so does what follows', async () => {
    const { server, sluice, port } = await start()
    const client = await connectTo(port)
    const all = Buffer.concat([header, Buffer.from(REQUEST)])
    for (let sent = 1; sent <= header.length; sent++) {
      client.send(all.subarray(sent - 1, sent))
      // What the header leaves is 0 again once it is taken out.
      await until(() => sluice.connections()[0]?.bytes.client === (sent === header.length ? 0 : sent))
    }
    const upstream = await server.accepted()
    for (let at = header.length; at < all.length; at++) {
      client.send(all.subarray(at, at + 1))
      await upstream.hearsBytes(at + 1 - header.length)
    }
    expect(upstream.text).toBe(REQUEST)
    expect(sluice.connections()[0]).toMatchObject({ source: '203.0.113.7:51022', protocol: 'http/1' })
  })

  test('lets the name decide where it is needed, on bytes that come one by one', async () => {
    const { server, port, sluice } = await start({}, {}, [{ detect: { onUnknown: 'deny', earlyDial: false } }])
    const client = await connectTo(port)
    for (const byte of Buffer.concat([header, Buffer.from(REQUEST)])) {
      client.send(Uint8Array.of(byte))
      await turns(2)
    }
    expect(await (await server.accepted()).hears('host: a\r\n\r\n')).toBe(REQUEST)
    expect(sluice.connections()[0]).toMatchObject({ protocol: 'http/1', decidedBy: 'client' })
  })

  test('lets a server speak first: nothing is waited for behind the header', async () => {
    const { server, port, sluice } = await start()
    const client = await connectTo(port)
    client.send(header)
    const upstream = await server.accepted()
    upstream.send(GREETING)
    expect((await client.hearsBytes(GREETING.length)).equals(GREETING)).toBe(true)
    expect(sluice.connections()[0]).toMatchObject({ protocol: 'mysql', decidedBy: 'server', bytes: { client: 0 } })
  })

  test('never reaches the upstream while it is incomplete', async () => {
    const { server, port, clock, closed } = await start()
    const client = await connectTo(port)
    client.send(header.subarray(0, -1))
    await turns()
    expect(server.peers.length).toBe(0)
    clock.advance(TIMEOUT_MS - 1)
    client.send(header.subarray(-1))
    await server.accepted()
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ source: '203.0.113.7:51022' })
  })

  test('of nobody who is trusted is data, where untrusted peers pass', async () => {
    const { server, port, closed } = await start({ untrusted: 'pass' })
    const client = await connectFromElsewhere(port)
    client.send(header)
    const upstream = await server.accepted()
    expect((await upstream.hearsBytes(header.length)).equals(header)).toBe(true)
    upstream.socket.end()
    client.socket.end()
    const summary = await closed
    expect(summary).toMatchObject({
      source: `127.0.0.2:${client.socket.localPort}`,
      bytes: { client: header.length },
    })
    expect([summary.peer, summary.proxyProtocol]).toEqual([undefined, undefined])
  })

  test('ends a connection that ends within it', async () => {
    const { server, port, closed } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.send(header.subarray(0, -1)).socket.end()
    expect(await closed).toMatchObject({ denied: { filter: 'proxy-protocol', reason: 'malformed' } })
    expect(server.peers.length).toBe(0)
  })

  test('may be all that a client says: the half-close behind it is passed on', async () => {
    const { server, port } = await start()
    const client = await connectTo(port)
    client.send(header).socket.end()
    await (await server.accepted()).ended()
  })
})

describe('deny reasons', () => {
  test.each([
    { reason: 'missing', bytes: 'GET / HTTP/1.1\r\n' },
    { reason: 'missing', bytes: 'PROXIES' },
    { reason: 'malformed', bytes: 'PROXY TCP4 10.0.0.256 10.0.0.1 1 2\r\n' },
    { reason: 'malformed', bytes: V2.subarray(0, 12).toString('latin1') + '\x31\x11' },
    { reason: 'too-long', bytes: `PROXY UNKNOWN ${'x'.repeat(107)}` },
    { reason: 'too-long', bytes: V2.subarray(0, 14).toString('latin1') + '\x10\x00' },
  ])('$reason: $bytes', async ({ reason, bytes }) => {
    const { server, sluice, port, closed } = await start()
    const client = await connectTo(port)
    client.send(bytes)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'denied', denied: { filter: 'proxy-protocol', reason } })
    expect(sluice.metric('sluice_deny_total', { filter: 'proxy-protocol', reason })).toBe(1)
    expect(server.peers.length).toBe(0)
  })

  test('missing: the client ends without a byte', async () => {
    const { port, closed } = await start()
    const client = await connectTo(port)
    client.socket.end()
    expect(await closed).toMatchObject({ denied: { reason: 'missing' } })
  })

  test.each(['', 'PROXY TCP4 10.0.0.1'])('timeout: nothing whole comes after %j', async (bytes) => {
    const { clock, sluice, port, closed } = await start()
    const client = await connectTo(port)
    client.send(bytes)
    await until(() => sluice.connections()[0]?.bytes.client === bytes.length)
    clock.advance(TIMEOUT_MS - 1)
    expect(sluice.connections()).toHaveLength(1)
    clock.advance(1)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { reason: 'timeout' } })
    expect(clock.pending).toEqual([])
  })

  test('untrusted: at once, without a byte being waited for', async () => {
    const { port, closed } = await start()
    const client = await connectFromElsewhere(port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'proxy-protocol', reason: 'untrusted' } })
  })

  test('too-long: a header that the peek window has no room for', async () => {
    const clock = new FakeClock()
    const sluice = await startListener(
      {
        destination: '127.0.0.1:9',
        limits: { peekWindow: '1KiB' },
        filters: [{ 'proxy-protocol': { trusted: ['127.0.0.1'] } }, 'tcp-forward'],
      },
      { clock },
    )
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.send(Buffer.concat([V2.subarray(0, 14), Buffer.from([8, 0]), Buffer.alloc(2048)]))
    expect(await closed).toMatchObject({ denied: { reason: 'too-long' } })
    expect(clock.pending).toEqual([])
  })

  test('a client that leaves while it is waited for leaves no timer', async () => {
    const { clock, sluice, port, closed } = await start()
    const client = await connectTo(port)
    client.send('PROXY')
    await until(() => sluice.connections()[0]?.bytes.client === 5)
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ reason: 'reset', closedBy: 'client' })
    expect(clock.pending).toEqual([])
  })
})

describe('an optional header', () => {
  test.each(['G', 'PA', '\r\nx', 'PROXX'])('is not there as soon as the bytes are %j', async (bytes) => {
    const { server, port, sluice } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.send(bytes)
    expect(await (await server.accepted()).hears(bytes)).toBe(bytes)
    expect(sluice.connections()[0]).toMatchObject({ source: `127.0.0.1:${client.socket.localPort}` })
  })

  test('is read where it comes', async () => {
    const { server, port, sluice } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.send(V2)
    await server.accepted()
    expect(sluice.connections()[0]).toMatchObject({ source: '203.0.113.7:51022' })
  })

  test('is not waited for longer than clientSilent, so that a server that speaks first is heard', async () => {
    const { server, port, clock, sluice } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    await until(() => sluice.connections().length === 1)
    clock.advance(SILENT_MS - 1)
    await turns()
    expect(server.peers.length).toBe(0)
    clock.advance(1)
    const upstream = await server.accepted()
    upstream.send(GREETING)
    expect((await client.hearsBytes(GREETING.length)).equals(GREETING)).toBe(true)
    expect(clock.pending.filter((delay) => delay <= TIMEOUT_MS)).toEqual([])
  })

  test('that has begun is waited for until the timeout, however silent the client is', async () => {
    const { server, port, clock, sluice, closed } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.send(V1.subarray(0, 4))
    await until(() => sluice.connections()[0]?.bytes.client === 4)
    clock.advance(TIMEOUT_MS - 1)
    await turns()
    expect([server.peers.length, sluice.connections().length]).toEqual([0, 1])
    clock.advance(1)
    expect(await closed).toMatchObject({ denied: { reason: 'timeout' } })
  })

  test('that is malformed is refused', async () => {
    const { port, closed } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.send('PROXY TCP4 a b c d\r\n')
    expect(await closed).toMatchObject({ denied: { reason: 'malformed' } })
  })

  test('is not missed in a half-close without a byte', async () => {
    const { server, port } = await start({ mode: 'optional' })
    const client = await connectTo(port)
    client.socket.end()
    await (await server.accepted()).ended()
  })
})

describe('what the header says', () => {
  test('is there for later filters: source, destination and fields', async () => {
    const { server, port, closed } = await start({}, {}, ['seeing'])
    const client = await connectTo(port)
    const tlvs = Buffer.from('010002' + '6832' + '020001' + '61' + '050002' + 'beef' + 'ea0001' + '07', 'hex')
    const header = Buffer.concat([V2, tlvs])
    header.writeUInt16BE(12 + tlvs.length, 14)
    client.send(header)
    const upstream = await server.accepted()
    const connection = seen.at(-1)!
    expect(connection.source).toEqual(CLIENT)
    expect(connection.peer).toEqual({ host: '127.0.0.1', port: client.socket.localPort })
    expect(connection.get(CLIENT_DESTINATION)).toEqual(REACHED)
    upstream.socket.end()
    client.socket.end()
    expect(await closed).toMatchObject({
      proxyProtocol: { version: 2, alpn: 'h2', authority: 'a', uniqueId: 'beef', tlvs: { '0xea': '07' } },
    })
  })

  test.each([
    { what: 'LOCAL', header: Buffer.concat([V2.subarray(0, 12), Buffer.from('20000000', 'hex')]), command: 'local' },
    { what: 'UNKNOWN', header: Buffer.from('PROXY UNKNOWN\r\n'), command: 'proxy' },
  ])('$what leaves the connection its own address', async ({ header, command }) => {
    const { server, port, closed } = await start()
    const client = await connectTo(port)
    client.send(header)
    const upstream = await server.accepted()
    upstream.socket.end()
    client.socket.end()
    const summary = await closed
    expect(summary).toMatchObject({ source: `127.0.0.1:${client.socket.localPort}`, proxyProtocol: { command } })
    expect(summary.peer).toBeUndefined()
  })

  test('chooses routes by source', async () => {
    const other = await serve()
    const { server, port } = await start(
      {},
      { routes: [{ match: { source: '203.0.113.0/24' }, destination: `127.0.0.1:${other.port}` }] },
    )
    const client = await connectTo(port)
    client.send(V1)
    await other.accepted()
    expect(server.peers.length).toBe(0)
  })
})

describe.each(['v1', 'v2'] as const)('tcp-forward with proxyProtocol: %s', (proxyProtocol) => {
  function headerOf(bytes: Uint8Array) {
    const read = readProxyHeader(bytes, 1_000)
    if (read.kind !== 'header') throw new Error(`${read.kind}: ${Buffer.from(bytes).toString('latin1')}`)
    return { ...read.header, rest: Buffer.from(bytes.subarray(read.length)).toString('latin1') }
  }
  const headerBytes = (proxyProtocol === 'v1' ? V1 : V2).length

  async function startForward(filters: (string | object)[]) {
    const clock = new FakeClock()
    const server = await serve()
    const sluice = await startListener(
      { destination: `127.0.0.1:${server.port}`, filters: [...filters, { 'tcp-forward': { proxyProtocol } }] },
      { clock },
    )
    return { clock, server, sluice, port: sluice.address().port, closed: sluice.nextClose() }
  }

  test('tells the server who the client is before it has said anything', async () => {
    const { server, port, closed } = await startForward(['detect'])
    const client = await connectTo(port)
    const upstream = await server.accepted()
    // The server's greeting waits for the header.
    await upstream.hearsBytes(16)
    await until(() => readProxyHeader(upstream.bytes, 1_000).kind === 'header')
    upstream.send(GREETING)
    await client.hearsBytes(GREETING.length)
    client.send('login')
    await upstream.hears('login')
    expect(headerOf(upstream.bytes)).toMatchObject({
      command: 'proxy',
      source: { host: '127.0.0.1', port: client.socket.localPort },
      destination: { host: '127.0.0.1', port },
      rest: 'login',
    })
    client.socket.end()
    upstream.socket.end()
    expect(await closed).toMatchObject({
      protocol: 'mysql',
      decidedBy: 'server',
      bytes: { client: 5, server: GREETING.length },
    })
  })

  test('sends it with an early dial at once, and never twice', async () => {
    const { server, port, sluice, closed } = await startForward([{ detect: { onUnknown: 'deny' } }])
    const client = await connectTo(port)
    const upstream = await server.accepted()
    await until(() => readProxyHeader(upstream.bytes, 1_000).kind === 'header')
    upstream.send(GREETING)
    await client.hearsBytes(GREETING.length)
    client.send('login')
    await upstream.hears('login')
    expect(headerOf(upstream.bytes)).toMatchObject({ rest: 'login' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'used' })).toBe(1)
    client.socket.end()
    upstream.socket.end()
    expect(await closed).toMatchObject({ bytes: { client: 5, server: GREETING.length } })
  })

  test('has told the server of a client that then leaves: an early dial in vain', async () => {
    const { server, port, sluice, closed } = await startForward([{ detect: { onUnknown: 'deny' } }])
    const client = await connectTo(port)
    const upstream = await server.accepted()
    await until(() => readProxyHeader(upstream.bytes, 1_000).kind === 'header')
    client.socket.resetAndDestroy()
    await closed
    await upstream.closed()
    expect(headerOf(upstream.bytes)).toMatchObject({ source: { host: '127.0.0.1' }, rest: '' })
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'in-vain' })).toBe(1)
  })

  test('passes on what the proxy before us said', async () => {
    const { server, port } = await startForward([{ 'proxy-protocol': { trusted: ['127.0.0.1'] } }])
    const client = await connectTo(port)
    client.send(V2).send('hello')
    const upstream = await server.accepted()
    await upstream.hearsBytes(headerBytes + 5)
    expect(headerOf(upstream.bytes)).toMatchObject({ source: CLIENT, destination: REACHED, rest: 'hello' })
  })

  test('tells the endpoint that was connected, after one that refused', async () => {
    const [server, refusing] = [await serve(), await serve()]
    refusing.server.close()
    await once(refusing.server, 'close')
    const sluice = await startSluice({
      upstreams: { pair: { endpoints: [`127.0.0.1:${refusing.port}`, `127.0.0.1:${server.port}`] } },
      listeners: [
        { name: 'in', address: '127.0.0.1:0', destination: 'pair', filters: [{ 'tcp-forward': { proxyProtocol } }] },
      ],
    })
    for (const nth of [0, 1]) {
      const client = await connectTo(sluice.address().port)
      client.send('hello')
      const upstream = await server.accepted(nth)
      await upstream.hears('hello')
      expect(headerOf(upstream.bytes)).toMatchObject({ source: { port: client.socket.localPort }, rest: 'hello' })
    }
  })
})

describe('what check says', () => {
  async function findingsOf(filters: (string | object)[]): Promise<readonly string[]> {
    const failure: unknown = await startListener({ destination: '127.0.0.1:9', filters }).catch(
      (error: unknown) => error,
    )
    return (failure as { findings?: { code: string }[] }).findings?.map(({ code }) => code) ?? []
  }

  test('a filter behind detect is refused', async () => {
    const filters = ['detect', { 'proxy-protocol': { trusted: ['10.0.0.0/8'] } }, 'tcp-forward']
    expect(await findingsOf(filters)).toEqual(['SLUICE_CONFIG_FILTER_ORDER'])
  })

  test('trusted cannot be left out, and cannot be empty', async () => {
    expect(await findingsOf(['proxy-protocol', 'tcp-forward'])).toEqual(['SLUICE_CONFIG_MISSING_OPTION'])
    expect(await findingsOf([{ 'proxy-protocol': { trusted: [] } }, 'tcp-forward'])).toEqual([
      'SLUICE_CONFIG_INVALID_VALUE',
    ])
  })

  test('a silence longer than the timeout is refused', async () => {
    const options = { trusted: ['10.0.0.0/8'], mode: 'optional', clientSilent: '6s' }
    expect(await findingsOf([{ 'proxy-protocol': options }, 'tcp-forward'])).toEqual(['SLUICE_CONFIG_INVALID_VALUE'])
  })
})

describe('the reference page', () => {
  const page = readFileSync(new URL('../../../docs/reference/filters/proxy-protocol.md', import.meta.url), 'utf8')

  test('has a row for each deny reason, and no other', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (?!such)[^|]+\|$/gm)].map(([, reason]) => reason)
    expect(rows.toSorted()).toEqual(proxyProtocol.denyReasons?.toSorted())
  })

  test('has an example that is valid', () => {
    const [, example] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
    expect(loadConfig(example ?? '', registryOf([builtIns]), { environment: {} }).findings).toEqual([])
  })
})
