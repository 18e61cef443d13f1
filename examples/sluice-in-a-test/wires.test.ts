import { CLOCK, createSluice } from 'sluice'
import { FakeClock, MemoryTransport, TRANSPORT, WireRecorder } from 'sluice/testing'
import { expect, onTestFinished, test } from 'vitest'

test('a client that says nothing is cut after an hour, in no time', async () => {
  const clock = new FakeClock()
  const transport = new MemoryTransport()
  const sluice = await createSluice(
    { listeners: [{ name: 'in', address: '127.0.0.1:7000', filters: ['echo'] }] },
    {
      providers: [
        { token: CLOCK, value: clock },
        { token: TRANSPORT, value: transport },
      ],
    },
  ).start()
  onTestFinished(() => sluice.stop())

  const closed = sluice.nextClose('in')
  const client = transport.accept(sluice.address('in')) // the client's end of a wire, no socket
  const heard = new WireRecorder(client)
  clock.advance(2 * 60 * 60 * 1000)

  expect(await closed).toMatchObject({ reason: 'idle-timeout', closedBy: 'proxy' })
  expect(heard.error?.code).toBe('ECONNRESET')
})
