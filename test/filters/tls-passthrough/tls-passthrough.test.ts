import { describe, expect, test } from 'vitest'
import { connectTo, serve } from '../../support/sockets.js'
import { startListener } from '../../support/start-sluice.js'
import { clientHello } from '../../support/client-hello.js'

async function start(allow?: string[]) {
  const server = await serve()
  const filters = ['detect', { 'tls-passthrough': allow ? { allow } : {} }, 'tcp-forward']
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, filters })
  return { server, sluice, closed: sluice.nextClose() }
}

describe('tls-passthrough', () => {
  test('labels TLS as opaque, with SNI and ALPN as facts, and touches no byte', async () => {
    const { server, sluice } = await start()
    const hello = await clientHello({ servername: 'shop.example.com', ALPNProtocols: ['h2', 'http/1.1'] })
    const client = await connectTo(sluice.address().port)
    client.send(hello)
    const upstream = await server.accepted()
    expect((await upstream.hearsBytes(hello.length)).equals(hello)).toBe(true)
    expect(sluice.connections()[0]).toMatchObject({
      protocol: 'tls',
      facts: { sni: 'shop.example.com', alpn: ['h2', 'http/1.1'] },
    })
    expect(sluice.metric('tcp_open_connections', { peer: 'src', tls: 'opaque' })).toBe(1)
    expect(sluice.metric('tcp_open_connections', { peer: 'dst', tls: 'opaque' })).toBe(1)
    expect(sluice.metric('tcp_open_connections', { tls: 'disabled' })).toBe(0)
    expect(sluice.metric('tcp_open_total', { peer: 'src', tls: 'opaque' })).toBe(1)
    expect(sluice.metric('tcp_read_bytes_total', { peer: 'src', tls: 'opaque' })).toBe(hello.length)
  })

  test.each(['shop.example.com', 'SHOP.example.com', 'a.b.api.example.com'])(
    'lets %s pass where it is allowed',
    async (servername) => {
      const { server, sluice } = await start(['Shop.example.com.', '*.api.example.com'])
      const hello = await clientHello({ servername })
      const client = await connectTo(sluice.address().port)
      client.send(hello)
      await (await server.accepted()).hearsBytes(hello.length)
    },
  )

  test.each(['other.example.com', 'api.example.com', 'xshop.example.com', 'shop.example.com.evil'])(
    'resets %s where it is not',
    async (servername) => {
      const { server, sluice, closed } = await start(['shop.example.com', '*.api.example.com'])
      const client = await connectTo(sluice.address().port)
      client.send(await clientHello({ servername }))
      expect(await client.closed()).toBe('ECONNRESET')
      expect(await closed).toMatchObject({ denied: { filter: 'tls-passthrough', reason: 'sni-not-allowed' } })
      expect(server.peers.every(({ bytes }) => bytes.length === 0)).toBe(true)
    },
  )

  test('resets TLS without a name where names are listed', async () => {
    const { sluice, closed } = await start(['shop.example.com'])
    const client = await connectTo(sluice.address().port)
    client.send(await clientHello({}))
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'tls-passthrough', reason: 'no-sni' } })
  })

  test('lets pass what is not TLS', async () => {
    const { server, sluice } = await start(['shop.example.com'])
    const client = await connectTo(sluice.address().port)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await (await server.accepted()).hears('GET / HTTP/1.1')
  })

  test.each(['*', '*.', 'a.*.b', '', 'a b', '*x.example.com'])('refuses the name %j', async (name) => {
    await expect(start([name])).rejects.toMatchObject({
      findings: [expect.objectContaining({ path: 'listeners[0].filters[1].tls-passthrough.allow[0]' })],
    })
  })
})
