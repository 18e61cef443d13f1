import { expect, test } from 'vitest'
import { connectTo } from '../support/sockets.js'
import { startListener, startSluice } from '../support/start-sluice.js'

test('the last 256 closed connections are kept with their traces, oldest first', async () => {
  const sluice = await startListener({ filters: [{ 'direct-response': { body: 'x' } }] })
  for (let i = 0; i < 260; i++) {
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.socket.end()
    await closed
  }
  const kept = sluice.closedTraces()
  expect(kept.map(({ summary }) => summary.connection)).toEqual(Array.from({ length: 256 }, (_, i) => i + 5))
  expect(kept[0]!.steps.map(({ step, verdict }) => [step, verdict])).toEqual([
    ['accept', ''],
    ['direct-response', 'handled'],
  ])
})

test('no trace is kept where the configuration wants none', async () => {
  const sluice = await startSluice({
    closedTraces: 0,
    listeners: [{ name: 'in', address: '127.0.0.1:0', filters: ['echo'] }],
  })
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  client.socket.end()
  await closed
  expect(sluice.closedTraces()).toEqual([])
})
