import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import { CLOCK } from '../../src/core/tokens.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { clientHello } from '../support/client-hello.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { connectTo } from '../support/sockets.js'
import { startListener, startSluice } from '../support/start-sluice.js'
import { type Certificate, makeCertificate, serveTls } from '../support/tls-server.js'
import { until } from '../support/until.js'

const programs = needPrograms('openssl', 'curl')
const DETECT_TIMEOUT_MS = 3_000
const FIRST_BYTE_MS = 60_000
/** RFC 8446 section 5.1. */
const MAX_RECORD_BYTES = 16_384

describe.skipIf(programs.areMissing)(`an edge router by SNI and ALPN${programs.why}`, () => {
  let certificate: Certificate
  beforeAll(async () => {
    certificate = await makeCertificate('shop.example.com', '*.api.example.com')
  })

  /** The third configuration of the reference, with the ports of this test. */
  async function startEdge() {
    const clock = new AnnouncingClock()
    const ports = {
      shop: await serveTls('shop', certificate),
      api: await serveTls('api', certificate, { ALPNProtocols: ['h2', 'http/1.1'] }),
      acme: await serveTls('acme', certificate, { ALPNProtocols: ['acme-tls/1'] }),
    }
    const upstreams = Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [name, { endpoints: [`127.0.0.1:${port}`] }]),
    )
    const sluice = await startSluice(
      {
        upstreams,
        listeners: [
          {
            name: 'edge',
            address: '127.0.0.1:0',
            limits: { maxConnections: 2, over: 'refuse' },
            timeouts: { connect: '2s', idle: '1h', halfClose: '1m' },
            filters: [
              { detect: { protocols: ['tls'], timeout: '3s', onTimeout: 'deny', onUnknown: 'deny' } },
              'tls-passthrough',
              {
                'tcp-forward': {
                  routes: [
                    { name: 'acme', match: { alpn: 'acme-tls/1' }, destination: 'acme' },
                    { name: 'shop', match: { sni: 'shop.example.com' }, destination: 'shop' },
                    { name: 'api', match: { sni: '*.api.example.com' }, destination: 'api' },
                    { name: 'rest', match: { protocol: 'tls' }, destination: 'shop' },
                  ],
                },
              },
            ],
          },
        ],
      },
      { providers: [{ token: CLOCK, value: clock }] },
    )
    return { sluice, clock, port: sluice.address('edge').port, nextClose: () => sluice.nextClose('edge') }
  }

  /** What a TLS client hears that asks for this. */
  function ask(port: number, options: ConnectionOptions): Promise<string> {
    return text(connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }))
  }

  test.each([
    { asked: { servername: 'shop.example.com' }, route: 'shop', heard: 'shop sni=shop.example.com alpn=' },
    { asked: { servername: 'SHOP.Example.com' }, route: 'shop', heard: 'shop sni=SHOP.Example.com alpn=' },
    {
      asked: { servername: 'v1.api.example.com', ALPNProtocols: ['h2'] },
      route: 'api',
      heard: 'api sni=v1.api.example.com alpn=h2',
    },
    { asked: { servername: 'a.b.api.example.com' }, route: 'api', heard: 'api sni=a.b.api.example.com alpn=' },
    { asked: { servername: 'api.example.com' }, route: 'rest', heard: 'shop sni=api.example.com alpn=' },
    { asked: {}, route: 'rest', heard: 'shop sni= alpn=' },
    {
      asked: { servername: 'shop.example.com', ALPNProtocols: ['http/1.1', 'acme-tls/1'] },
      route: 'acme',
      heard: 'acme sni=shop.example.com alpn=acme-tls/1',
    },
  ])('takes $asked to $route', async ({ asked, route, heard }) => {
    const { port, nextClose } = await startEdge()
    const closed = nextClose()
    expect(await ask(port, asked)).toBe(heard)
    expect(await closed).toMatchObject({ route, protocol: 'tls', outcome: 'detected', decidedBy: 'client' })
  })

  test('takes an openssl client where its server name says', async () => {
    const { port, nextClose } = await startEdge()
    const closed = nextClose()
    const { stdout } = await runProgram('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'eu.api.example.com',
      '-quiet',
    ])
    expect(stdout).toBe('api sni=eu.api.example.com alpn=')
    expect(await closed).toMatchObject({ route: 'api', facts: { sni: 'eu.api.example.com' } })
  })

  test('routes a ClientHello that comes byte by byte as one that comes at once', async () => {
    const { port, sluice, nextClose } = await startEdge()
    const closed = nextClose()
    const hello = await clientHello({ servername: 'v1.api.example.com' })
    const client = await connectTo(port)
    for (let sent = 1; sent <= hello.length; sent++) {
      client.send(hello.subarray(sent - 1, sent))
      await until(() => sluice.connections()[0]?.bytes.client === sent)
    }
    // A ServerHello: type 22 (RFC 8446 section 5.1). The upstream has had the whole hello.
    expect((await client.hearsBytes(1))[0]).toBe(22)
    client.socket.end()
    expect(await closed).toMatchObject({ route: 'api', facts: { sni: 'v1.api.example.com' } })
  })

  test('carries a ClientHello longer than the peek window by its name alone, whole', async () => {
    const { port, nextClose } = await startEdge()
    const closed = nextClose()
    const client = await connectTo(port)
    client.send(helloWithPadding(40_000))
    // An alert: type 21 (RFC 8446 section 6). The server has read the hello to its end and does not like it.
    expect((await client.hearsBytes(1))[0]).toBe(21)
    client.socket.end()
    const summary = await closed
    expect(summary).toMatchObject({ route: 'rest', protocol: 'tls', decidedBy: 'client', facts: {} })
    expect(summary.bytes.client).toBeGreaterThan(40_000)
  })

  test('resets what is not TLS', async () => {
    const { port, nextClose, sluice } = await startEdge()
    const closed = nextClose()
    const { code } = await runProgram('curl', ['-sS', `http://127.0.0.1:${port}/`])
    // 56: failure with receiving network data, that is, a reset. An end would be 52: an empty reply.
    expect(code).toBe(56)
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
    expect(sluice.metric('sluice_deny_total', { listener: 'edge', filter: 'detect', reason: 'unknown' })).toBe(1)
  })

  test('resets a client that begins a ClientHello and does not end it in time', async () => {
    const { port, nextClose, sluice, clock } = await startEdge()
    const closed = nextClose()
    const hello = await clientHello({ servername: 'shop.example.com' })
    const client = await connectTo(port)
    client.send(hello.subarray(0, 60))
    await clock.isAskedFor(DETECT_TIMEOUT_MS)
    clock.advance(DETECT_TIMEOUT_MS - 1)
    // Absolute, from the first withheld byte: a byte more does not begin it anew.
    client.send(hello.subarray(60, 61))
    await until(() => sluice.connections()[0]?.bytes.client === 61)
    clock.advance(1)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ bytes: { client: 61, server: 0 }, reason: 'denied' })
    expect(sluice.metric('sluice_deny_total')).toBe(1)
  })

  test('resets a client that says nothing at all', async () => {
    const { port, nextClose, clock } = await startEdge()
    const closed = nextClose()
    const client = await connectTo(port)
    await clock.isAskedFor(FIRST_BYTE_MS)
    clock.advance(FIRST_BYTE_MS)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ outcome: 'timeout', denied: { filter: 'detect', reason: 'timeout' } })
  })

  test('refuses connections beyond its limit, and accepts again when one has gone', async () => {
    const { port, sluice, nextClose } = await startEdge()
    const [first] = [await connectTo(port), await connectTo(port)]
    await until(() => sluice.connections().length === 2)
    const refused = nextClose()
    const third = await connectTo(port)
    expect(await third.closed()).toBe('ECONNRESET')
    expect(await refused).toMatchObject({ denied: { filter: 'listener', reason: 'max-connections' } })
    expect(sluice.metric('sluice_deny_total', { filter: 'listener', reason: 'max-connections' })).toBe(1)
    const gone = nextClose()
    first?.socket.resetAndDestroy()
    await gone
    expect(await ask(port, { servername: 'shop.example.com' })).toBe('shop sni=shop.example.com alpn=')
  })

  test('tls-passthrough lets only the names on its list pass', async () => {
    const shop = await serveTls('shop', certificate)
    const sluice = await startListener({
      destination: `127.0.0.1:${shop}`,
      filters: ['detect', { 'tls-passthrough': { allow: ['shop.example.com', '*.api.example.com'] } }, 'tcp-forward'],
    })
    const { port } = sluice.address('in')
    expect(await ask(port, { servername: 'shop.example.com' })).toBe('shop sni=shop.example.com alpn=')
    expect(await ask(port, { servername: 'x.api.example.com' })).toBe('shop sni=x.api.example.com alpn=')
    await expect(ask(port, { servername: 'other.example.com' })).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(ask(port, {})).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(sluice.metric('sluice_deny_total', { filter: 'tls-passthrough', reason: 'sni-not-allowed' })).toBe(1)
    expect(sluice.metric('sluice_deny_total', { filter: 'tls-passthrough', reason: 'no-sni' })).toBe(1)
  })
})

/** A ClientHello in records of 16 KiB that offers no cipher that there is, with padding (RFC 7685) before anything of interest. */
function helloWithPadding(paddingBytes: number): Buffer {
  const extension = Buffer.concat([uint(2, 21), uint(2, paddingBytes), Buffer.alloc(paddingBytes)])
  const body = Buffer.concat([
    uint(2, 0x0303),
    Buffer.alloc(32, 7), // random
    uint(1, 0), // session id
    Buffer.concat([uint(2, 2), uint(2, 0x0a0a)]), // one cipher suite, reserved by RFC 8701
    Buffer.concat([uint(1, 1), uint(1, 0)]), // no compression
    Buffer.concat([uint(2, extension.length), extension]),
  ])
  const message = Buffer.concat([uint(1, 1), uint(3, body.length), body])
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += MAX_RECORD_BYTES) {
    const fragment = message.subarray(at, at + MAX_RECORD_BYTES)
    records.push(uint(1, 22), uint(2, 0x0301), uint(2, fragment.length), fragment)
  }
  return Buffer.concat(records)
}

function uint(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}
