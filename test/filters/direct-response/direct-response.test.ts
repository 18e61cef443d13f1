import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { connectTo } from '../../support/sockets.js'
import { startListener, turns } from '../../support/start-sluice.js'

const start = (body: string, clock?: FakeClock) =>
  startListener({ filters: [{ 'direct-response': { body } }] }, clock ? { clock } : {})

test('answers at once, ends its half and closes when the client does', async () => {
  const sluice = await start('go away\n')
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  await client.ended()
  expect(client.text).toBe('go away\n')
  client.socket.end()
  expect(await client.closed()).toBe('clean')
  expect(await closed).toMatchObject({ reason: 'answered', closedBy: 'proxy', bytes: { client: 0, server: 8 } })
})

test('is not reset away by what the client still says', async () => {
  const sluice = await start('x'.repeat(60_000))
  const client = await connectTo(sluice.address().port)
  client.socket.pause()
  client.send(randomBytes(500_000))
  await turns(20)
  client.socket.resume()
  await client.ended()
  expect(client.bytes.length).toBe(60_000)
  client.socket.end()
  expect(await client.closed()).toBe('clean')
})

test('closes under a client that never ends, after a bounded time', async () => {
  const clock = new FakeClock()
  const sluice = await start('bye', clock)
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  await client.ended()
  clock.advance(5_000)
  expect(await closed).toMatchObject({ reason: 'answered' })
  expect(sluice.connections()).toEqual([])
})

test('refuses a body that belongs into a server', async () => {
  await expect(start('x'.repeat(65 * 1024))).rejects.toMatchObject({ code: 'SLUICE_CONFIG_INVALID' })
})
