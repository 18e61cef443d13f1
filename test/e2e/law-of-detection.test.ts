import { describe, expect, test } from 'vitest'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { clientHello } from '../support/client-hello.js'
import { oneWayOut } from '../support/one-way-out.js'
import { connectTo, serve } from '../support/sockets.js'

/** Bytes of one client and one server, each said a byte at a time. */
interface Talk {
  readonly client: Buffer
  readonly server: Buffer
}

/** Says everything a byte at a time, in turns, and lets no byte be said before the one before has arrived. */
async function sayInTurns({ client, server }: Talk): Promise<{ heard: Talk; outcome: string | undefined }> {
  const listening = await serve()
  const { port, nextClose, expectNothingLeft } = await oneWayOut(listening.port)
  const closed = nextClose()
  const left = await connectTo(port)
  const right = await listening.accepted()
  for (let i = 0; i < Math.max(client.length, server.length); i++) {
    if (i < client.length) {
      left.send(client.subarray(i, i + 1))
      await right.hearsBytes(i + 1)
    }
    if (i < server.length) {
      right.send(server.subarray(i, i + 1))
      await left.hearsBytes(i + 1)
    }
  }
  left.socket.end()
  await right.ended()
  right.socket.end()
  const { outcome } = await closed
  expectNothingLeft()
  return { heard: { client: right.bytes, server: left.bytes }, outcome }
}

const bytesOf = (sample: Uint8Array | string): Buffer =>
  typeof sample === 'string' ? Buffer.from(sample, 'latin1') : Buffer.from(sample)

/** What looks like the beginning of a protocol, by the sniffers' own samples, without their last byte: never quite a match. */
const samples = builtInSniffers.flatMap(({ protocol, samples: { client = [], server = [] } }) => [
  ...client.map((sample) => ({ protocol, side: 'client', bytes: bytesOf(sample) })),
  ...server.map((sample) => ({ protocol, side: 'server', bytes: bytesOf(sample) })),
])

describe('with one way out nothing is withheld, while time stands still', () => {
  test.each(samples)('of what a $side of $protocol says, byte by byte', async ({ side, bytes }) => {
    const other = Buffer.from('?')
    const talk = side === 'client' ? { client: bytes, server: other } : { client: other, server: bytes }
    const { heard, outcome } = await sayInTurns(talk)
    expect(heard).toEqual(talk)
    expect(outcome).toBe('detected')
  })

  test.each(samples)(
    'of the beginning of what a $side of $protocol says, up to its last byte but one',
    async ({ side, bytes }) => {
      const beginning = bytes.subarray(0, -1)
      const talk =
        side === 'client'
          ? { client: beginning, server: Buffer.alloc(0) }
          : { client: Buffer.alloc(0), server: beginning }
      expect((await sayInTurns(talk)).heard).toEqual(talk)
    },
  )

  test('of a whole ClientHello against a greeting', async () => {
    const talk = {
      client: await clientHello({ servername: 'shop.example.com' }),
      server: Buffer.from('220 mail.example.com ESMTP\r\n'),
    }
    expect((await sayInTurns(talk)).heard).toEqual(talk)
  })

  test.each([
    { client: 'G', server: '2' },
    { client: 'GET ', server: '220-' },
    { client: 'PRI * HTTP/2.0\r\n', server: 'HTTP/1' },
    { client: '\u0016\u0003', server: 'INFO' },
    { client: 'EHL', server: 'SSH-2.' },
  ])('of two sides that both begin and stop: $client and $server', async ({ client, server }) => {
    const talk = { client: bytesOf(client), server: bytesOf(server) }
    expect((await sayInTurns(talk)).heard).toEqual(talk)
  })
})
