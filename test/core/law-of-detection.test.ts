import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, turns } from '../support/start-sluice.js'

/** First bytes of every kind: whole, cut off, near misses, and what no sniffer knows. */
const BEGINNINGS: readonly string[] = [
  'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET / HTT',
  'PRI * HTTP/2.0\r\n\r\nSM',
  'SSH-2.0-OpenSSH_9.6\r\n',
  'SSH-',
  '220 mail.example ESMTP\r\n',
  '220',
  'EHLO me\r\n',
  'INFO {"server_id":"x"}\r\n',
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  '\x16\x03',
  '\x4a\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB\x00',
  '\x4a\x00\x00\x00\x0a',
  '\x00',
  '\xff\xff\xff\xff',
  'hello, world\n',
  '\r\n\r\n',
]

/** What the default chain is, where nobody needs the name. */
async function start() {
  const clock = new FakeClock()
  const server = await serve()
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}` }, { clock })
  return { clock, server, sluice }
}

describe('a chain with one way out', () => {
  test.each(BEGINNINGS)('withholds nothing of %j, byte by byte, while no time passes', async (beginning) => {
    const { server, sluice } = await start()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    const bytes = Buffer.from(beginning, 'latin1')
    for (let i = 0; i < bytes.length; i++) {
      client.send(bytes.subarray(i, i + 1))
      await upstream.hearsBytes(i + 1)
      upstream.send(bytes.subarray(i, i + 1))
      await client.hearsBytes(i + 1)
    }
    expect(upstream.bytes.equals(bytes)).toBe(true)
    expect(client.bytes.equals(bytes)).toBe(true)
  })

  test.each(BEGINNINGS)('passes on a greeting that begins %j though the client is silent', async (greeting) => {
    const { server, sluice } = await start()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    upstream.send(greeting)
    expect(await client.hears(greeting)).toBe(greeting)
  })

  test('dials in the turn of the accept and sets no timer but the one for connecting', async () => {
    const { clock, server, sluice } = await start()
    const client = await connectTo(sluice.address().port)
    await server.accepted()
    await turns(3)
    // What is left looks for idle connections, one for the whole listener.
    expect(clock.pending).toEqual([60_000])
    client.send('SSH-')
    await (await server.accepted()).hears('SSH-')
    expect(clock.pending).toEqual([60_000])
  })

  test('names the connection whenever the name arrives, and by whom', async () => {
    const { server, sluice } = await start()
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    client.send('whatever this is')
    await upstream.hears('whatever this is')
    upstream.send('SSH-2.0-Go\r\n')
    await client.hears('Go')
    client.socket.end()
    upstream.socket.end()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'ssh', decidedBy: 'server' })
  })

  test('calls it unknown when every sniffer has said no to both sides', async () => {
    const { server, sluice } = await start()
    const client = await connectTo(sluice.address().port)
    const upstream = await server.accepted()
    client.send('\0\0\0\0\0')
    await upstream.hearsBytes(5)
    upstream.send('\0\0\0\0\0')
    await client.hearsBytes(5)
    expect(sluice.connections()[0]).toMatchObject({ outcome: 'unknown', bytes: { client: 5, server: 5 } })
    expect(sluice.metric('sluice_detect_total', { outcome: 'unknown' })).toBe(1)
  })

  test('calls it ended when a side ends while somebody still wanted more', async () => {
    const { server, sluice } = await start()
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.send('GET / HT').socket.end()
    const upstream = await server.accepted()
    await upstream.ended()
    upstream.socket.end()
    expect(await closed).toMatchObject({ outcome: 'ended' })
  })
})
