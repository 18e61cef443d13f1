import { checkSniffer, runChain } from 'sluice/testing'
import { expect, test } from 'vitest'
import plugin from '../src/index.js'

const [gearman] = plugin.sniffers

test('keeps the laws of a sniffer', () => {
  expect(
    checkSniffer(gearman!, {
      nearMisses: [
        { from: 'client', bytes: 'REQ\0\0\0\0\x01', rejectedAt: 0 }, // no zero in front
        { from: 'client', bytes: '\0RES\0\0\0\x01', rejectedAt: 3 }, // a response, from the client
        { from: 'client', bytes: '\0REQ\x01\0\0\0', rejectedAt: 4 }, // a type in the other byte order
        { from: 'client', bytes: '\0REQ\0\0\0\0', rejectedAt: 7 }, // type 0
        { from: 'client', bytes: '\0REQ\0\0\0\x2b', rejectedAt: 7 }, // type 43
        { from: 'client', bytes: 'status\r\n', rejectedAt: 0 }, // typed by hand
      ],
    }),
  ).toEqual([])
})

test('names a connection, however its bytes are cut', async () => {
  const { summary } = await runChain({
    plugins: [plugin],
    filters: ['detect'],
    client: ['\0', 'REQ\0', '\0\0\x10\0\0\0\x02hi'],
    server: '\0RES\0\0\0\x11\0\0\0\x02hi',
  })
  expect(summary).toMatchObject({ protocol: 'gearman', bytes: { client: 14, server: 14 } })
})
