import { expect, test, vi } from 'vitest'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'

/** A name with two addresses: nobody listens at the first. */
vi.mock('node:dns/promises', () => ({
  lookup: () =>
    Promise.resolve([
      { address: '127.0.0.9', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]),
}))

test('each address of a name is tried in its order', async () => {
  const server = await serve()
  const sluice = await startListener({ destination: `two-addresses.test:${server.port}` })
  const client = await connectTo(sluice.address().port)
  client.send('found')
  await (await server.accepted()).hears('found')
  expect(sluice.connections()[0]).toMatchObject({ destination: `two-addresses.test:${server.port}` })
})
