import { describe, expect, test } from 'vitest'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { checkSniffer } from '../../src/testing/check-sniffer.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'
import plugin from './faktory.js'

describe("the README's sniffer", () => {
  test('keeps the laws, beside the built-in ones', () => {
    const nearMisses = [
      { from: 'server', bytes: '+OK POP3 ready\r\n', rejectedAt: 1 },
      { from: 'client', bytes: 'HELLO 3\r\n', rejectedAt: 6 }, // Redis inline
    ] as const
    expect(checkSniffer(plugin.sniffers[0]!, { nearMisses, others: builtInSniffers })).toEqual([])
  })

  test('names a connection as soon as it is handed over', async () => {
    const server = await serve((peer) => peer.send('+HI {"v":2}\r\n'))
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}` }, { plugins: [plugin] })
    const closed = sluice.nextClose('in')
    const client = await connectTo(sluice.address().port)
    await client.hears('+HI')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'faktory', decidedBy: 'server' })
  })
})
