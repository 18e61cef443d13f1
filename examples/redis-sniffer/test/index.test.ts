import { checkSniffer, runChain } from 'sluice/testing'
import { expect, test } from 'vitest'
import plugin from '../src/index.js'

const [redis] = plugin.sniffers

test('keeps the laws of a sniffer', () => {
  expect(
    checkSniffer(redis!, {
      nearMisses: [
        { from: 'client', bytes: '*\r\n', rejectedAt: 1 }, // no count
        { from: 'client', bytes: '*1\n$4\n', rejectedAt: 2 }, // no carriage return
        { from: 'client', bytes: '*1\r\n+OK\r\n', rejectedAt: 4 }, // a reply, not a word
        { from: 'client', bytes: '*12345678\r\n', rejectedAt: 8 }, // more words than Redis takes
        { from: 'client', bytes: 'PING\r\n', rejectedAt: 0 }, // typed by hand
      ],
    }),
  ).toEqual([])
})

test('names a connection, however its bytes are cut', async () => {
  const { summary } = await runChain({
    plugins: [plugin],
    filters: ['detect'],
    client: ['*', '1\r', '\n$4\r\nPING\r\n'],
    server: '+PONG\r\n',
  })
  expect(summary).toMatchObject({ protocol: 'redis', decidedBy: 'client', bytes: { client: 14, server: 7 } })
})
