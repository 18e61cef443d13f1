import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { encodeProxyV1, encodeProxyV2 } from '../../src/protocols/proxy-protocol.js'
import { freePort } from '../support/free-port.js'
import { needPrograms } from '../support/need-programs.js'
import { selfSignedCertificate } from '../support/self-signed-certificate.js'
import { startHaproxy } from '../support/servers/haproxy.js'
import { type NginxProxy, startNginxProxy } from '../support/servers/nginx-proxy-protocol.js'
import { connectTo, serve } from '../support/sockets.js'
import type { Stoppable } from '../support/start-server.js'
import { startListener } from '../support/start-sluice.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const haproxyPrograms = needPrograms('haproxy', 'openssl')
const nginxPrograms = needPrograms('nginx')

const BEHIND_A_PROXY = { 'proxy-protocol': { trusted: ['127.0.0.0/8'] } }
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
const IPV4 = [
  { host: '203.0.113.7', port: 51022 },
  { host: '198.51.100.1', port: 443 },
] as const
const IPV6 = [
  { host: '2001:db8::7', port: 51022 },
  { host: '2001:db8::1', port: 443 },
] as const
/** A client of IPv6 that reached a name of IPv4: written as IPv6, the IPv4 one mapped. */
const MIXED = [IPV6[0], IPV4[1]] as const

/** A listener that takes headers, before a server of this test. */
async function startReceiver() {
  const server = await serve(({ socket }) => socket.on('end', () => socket.end()))
  const sluice = await startListener({
    destination: `127.0.0.1:${server.port}`,
    filters: [BEHIND_A_PROXY, 'detect', 'tcp-forward'],
  })
  return { server, port: sluice.address().port, closed: sluice.nextClose() }
}

/** A listener that takes headers and passes them on as `proxyProtocol` says. */
async function startSender(destinationPort: number, proxyProtocol: string) {
  const sluice = await startListener({
    destination: `127.0.0.1:${destinationPort}`,
    filters: [
      { 'proxy-protocol': { trusted: ['127.0.0.0/8'], mode: 'optional' } },
      'detect',
      { 'tcp-forward': { proxyProtocol } },
    ],
  })
  return { port: sluice.address().port, closed: sluice.nextClose() }
}

describe.skipIf(haproxyPrograms.areMissing)(`HAProxy as sender${haproxyPrograms.why}`, () => {
  /** HAProxy before this port, sending as `options` of its server line say. */
  async function startBefore(port: number, options: string, bindOptions = '', more = ''): Promise<number> {
    const own = await freePort()
    const sections = `
listen test
  bind 127.0.0.1:${own} ${bindOptions}
  ${more}
  server sluice 127.0.0.1:${port} ${options}`
    const haproxy = await startHaproxy(sections)
    onTestFinished(() => haproxy.stop())
    return own
  }

  test.each([
    { options: 'send-proxy', version: 1 },
    { options: 'send-proxy-v2', version: 2 },
    { options: 'send-proxy-v2 proxy-v2-options crc32c', version: 2 },
  ])('$options: the source is the client of HAProxy', async ({ options, version }) => {
    const { server, port, closed } = await startReceiver()
    const haproxyPort = await startBefore(port, options)
    const client = await connectTo(haproxyPort)
    const { localPort } = client.socket
    client.send(REQUEST)
    const upstream = await server.accepted()
    expect(await upstream.hears('\r\n\r\n')).toBe(REQUEST)
    upstream.send('answer').socket.end()
    expect(await client.hears('answer')).toBe('answer')
    client.socket.end()
    expect(await closed).toMatchObject({
      source: `127.0.0.1:${localPort}`,
      peer: expect.stringMatching(/^127\.0\.0\.1:/) as string,
      protocol: 'http/1',
      bytes: { client: REQUEST.length, server: 6 },
      proxyProtocol: { version, command: 'proxy', destination: `127.0.0.1:${haproxyPort}` },
    })
  })

  test('a unique id comes through as it is', async () => {
    const { server, port, closed } = await startReceiver()
    const options = 'send-proxy-v2 proxy-v2-options unique-id,crc32c'
    const haproxyPort = await startBefore(port, options, '', 'unique-id-format id-%cp')
    const client = await connectTo(haproxyPort)
    const { localPort } = client.socket
    client.send(REQUEST)
    const upstream = await server.accepted()
    await upstream.hears('\r\n\r\n')
    upstream.socket.end()
    client.socket.end()
    const id = Buffer.from(`id-${localPort}`).toString('hex')
    expect(await closed).toMatchObject({ proxyProtocol: { uniqueId: id } })
  })

  test('what it says of TLS comes through: version, cipher, name, protocol', async () => {
    const folder = await temporaryFolder('proxy-protocol')
    onTestFinished(() => folder.remove())
    await selfSignedCertificate(folder.path, ['shop.example.com'])
    const [certificate, key] = await Promise.all(
      ['certificate.pem', 'key.pem'].map((name) => readFile(join(folder.path, name), 'utf8')),
    )
    const both = join(folder.path, 'both.pem')
    await writeFile(both, `${certificate}${key}`)
    const { server, port, closed } = await startReceiver()
    const options = 'send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c'
    const tlsOptions = `ssl crt ${both} ca-file ${join(folder.path, 'certificate.pem')} verify optional`
    const haproxyPort = await startBefore(port, options, tlsOptions)
    const client = connectTls({
      ...{ host: '127.0.0.1', port: haproxyPort, servername: 'shop.example.com', rejectUnauthorized: false },
      ...{ cert: certificate, key, minVersion: 'TLSv1.3' },
    })
    onTestFinished(() => void client.destroy())
    await once(client, 'secureConnect')
    const { localPort } = client
    const cipher = client.getCipher().standardName
    client.write(REQUEST)
    const upstream = await server.accepted()
    expect(await upstream.hears('\r\n\r\n')).toBe(REQUEST)
    upstream.socket.end()
    client.end()
    const summary = await closed
    expect(summary).toMatchObject({
      source: `127.0.0.1:${localPort}`,
      proxyProtocol: {
        authority: 'shop.example.com',
        ssl: {
          isTls: true,
          hasCertificate: true,
          isVerified: true,
          version: 'TLSv1.3',
          commonName: 'shop.example.com',
          cipher,
          signatureAlgorithm: 'ecdsa-with-SHA256',
          keyAlgorithm: 'EC256',
        },
      },
    })
  })

  test('its health checks speak for themselves', async () => {
    const { server, port, closed } = await startReceiver()
    server.server.on('connection', (socket) => socket.write('ready'))
    // One that only connects is reset so fast that it may never be accepted: this one waits for an answer.
    const check = 'option tcp-check\n  tcp-check expect string ready'
    await startBefore(port, 'send-proxy-v2 check inter 200ms', '', check)
    const summary = await closed
    expect(summary).toMatchObject({ proxyProtocol: { version: 2, command: 'local' } })
    expect(summary.peer).toBeUndefined()
  })
})

describe.skipIf(haproxyPrograms.areMissing)(`HAProxy as receiver${haproxyPrograms.why}`, () => {
  let haproxy: Stoppable
  let webPort: number
  beforeAll(async () => {
    webPort = await freePort()
    haproxy = await startHaproxy(
      `
frontend web
  mode http
  timeout http-request 10s
  bind 127.0.0.1:${webPort} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]\\n"`,
    )
  })
  afterAll(() => haproxy?.stop())

  describe.each(['v1', 'v2'])('%s', (proxyProtocol) => {
    test.each([
      { what: 'IPv4', pair: IPV4, heard: '203.0.113.7 51022 198.51.100.1 443' },
      { what: 'IPv6', pair: IPV6, heard: '2001:db8::7 51022 2001:db8::1 443' },
      { what: 'both', pair: MIXED, heard: '2001:db8::7 51022 ::ffff:198.51.100.1 443' },
    ])('hears of a client of $what that another proxy named', async ({ pair: [source, destination], heard }) => {
      const { port, closed } = await startSender(webPort, proxyProtocol)
      for (const encode of [encodeProxyV1, encodeProxyV2]) {
        const client = await connectTo(port)
        client.send(encode(source, destination)).send(REQUEST)
        expect(await client.hears(`\n${heard}\n`)).toContain('HTTP/1.1 200')
        client.socket.end()
      }
      expect(await closed).toMatchObject({ bytes: { client: REQUEST.length }, protocol: 'http/1' })
    })

    test('hears of our own client, and where it connected to', async () => {
      const { port } = await startSender(webPort, proxyProtocol)
      const client = await connectTo(port)
      client.send(REQUEST)
      await client.hears(`\n127.0.0.1 ${client.socket.localPort} 127.0.0.1 ${port}\n`)
    })

    test('a server behind it that speaks first is heard, though the client has said nothing', async () => {
      const greeter = await serve((peer) => peer.send('220 mail.example.com ESMTP\r\n'))
      const ownPort = await freePort()
      const relay = await startHaproxy(
        `
listen mail
  bind 127.0.0.1:${ownPort} accept-proxy
  server greeter 127.0.0.1:${greeter.port} send-proxy`,
      )
      onTestFinished(() => relay.stop())
      const sluice = await startListener({
        destination: `127.0.0.1:${ownPort}`,
        // The name is needed, so that the greeting is waited for on an early dial.
        filters: [{ detect: { onUnknown: 'deny' } }, { 'tcp-forward': { proxyProtocol } }],
        timeouts: { connect: '10s' },
      })
      const client = await connectTo(sluice.address().port)
      await client.hears('220 mail.example.com ESMTP\r\n')
      const behind = await greeter.accepted()
      await behind.hears(`PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} `)
      expect(sluice.connections().at(-1)).toMatchObject({ protocol: 'smtp', decidedBy: 'server', bytes: { client: 0 } })
    })
  })
})

describe.skipIf(nginxPrograms.areMissing)(`nginx${nginxPrograms.why}`, () => {
  let nginx: NginxProxy
  let forwardTo: number
  beforeAll(async () => {
    forwardTo = await freePort()
    nginx = await startNginxProxy(forwardTo)
  })
  afterAll(() => nginx?.stop())

  test('as sender: the source is its client', async () => {
    const server = await serve()
    const sluice = await startListener({
      address: `127.0.0.1:${forwardTo}`,
      destination: `127.0.0.1:${server.port}`,
      filters: [BEHIND_A_PROXY, 'detect', 'tcp-forward'],
    })
    const closed = sluice.nextClose()
    const client = await connectTo(nginx.senderPort)
    const { localPort } = client.socket
    client.send(REQUEST)
    const upstream = await server.accepted()
    expect(await upstream.hears('\r\n\r\n')).toBe(REQUEST)
    upstream.send('answer').socket.end()
    expect(await client.hears('answer')).toBe('answer')
    client.socket.end()
    expect(await closed).toMatchObject({
      source: `127.0.0.1:${localPort}`,
      protocol: 'http/1',
      proxyProtocol: { version: 1, destination: `127.0.0.1:${nginx.senderPort}` },
    })
  })

  test.each([
    { proxyProtocol: 'v1', pair: IPV4, heard: '203.0.113.7 51022 198.51.100.1 443' },
    { proxyProtocol: 'v2', pair: IPV4, heard: '203.0.113.7 51022 198.51.100.1 443' },
    { proxyProtocol: 'v1', pair: IPV6, heard: '2001:db8::7 51022 2001:db8::1 443' },
    { proxyProtocol: 'v2', pair: IPV6, heard: '2001:db8::7 51022 2001:db8::1 443' },
    { proxyProtocol: 'v1', pair: MIXED, heard: '2001:db8::7 51022 ::ffff:198.51.100.1 443' },
    { proxyProtocol: 'v2', pair: MIXED, heard: '2001:db8::7 51022 ::ffff:198.51.100.1 443' },
  ])('as receiver of $proxyProtocol: hears $heard', async ({ proxyProtocol, pair: [source, destination], heard }) => {
    const { port } = await startSender(nginx.receiverPort, proxyProtocol)
    const client = await connectTo(port)
    client.send(encodeProxyV2(source, destination)).send(REQUEST)
    expect(await client.hears(`\n${heard}\n`)).toContain('HTTP/1.1 200')
  })
})
