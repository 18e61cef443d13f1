import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { connectTo } from '../../support/sockets.js'
import { startListener } from '../../support/start-sluice.js'

test('sends everything back, to the last byte after a half-close', async () => {
  const sluice = await startListener({ filters: ['detect', 'echo'] })
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  const bytes = randomBytes(3 << 20)
  client.send(bytes).socket.end()
  await client.ended()
  expect(client.bytes.equals(bytes)).toBe(true)
  expect(await closed).toMatchObject({
    reason: 'end',
    closedBy: 'client',
    bytes: { client: bytes.length, server: bytes.length },
  })
})

test('sends the first bytes back while nobody knows what they are', async () => {
  const sluice = await startListener({ filters: ['detect', 'echo'] })
  const client = await connectTo(sluice.address().port)
  client.send('GET / HT')
  await client.hears('GET / HT')
  client.send('TP/1.1\r\n\r\n')
  await client.hears('TP/1.1')
  expect(sluice.connections()[0]).toMatchObject({ protocol: 'http/1' })
})

test('takes no options', async () => {
  await expect(startListener({ filters: [{ echo: { loud: true } }] })).rejects.toMatchObject({
    code: 'SLUICE_CONFIG_INVALID',
  })
})
