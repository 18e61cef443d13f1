import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createSluice } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'
import acme from '../src/index.js'

test('holds a source to its quota, through real sockets', async () => {
  const sluice = await createSluice({
    plugins: [acme],
    listeners: [{ name: 'in', address: '127.0.0.1:0', filters: [{ 'acme-source-quota': { perSource: 1 } }, 'echo'] }],
  }).start()
  onTestFinished(() => sluice.stop())
  const client = (): Socket => {
    const socket = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void socket.destroy())
    return socket
  }

  const first = client()
  first.write('hello')
  await once(first, 'data')

  const denied = sluice.nextClose('in')
  client()
  expect(await denied).toMatchObject({ denied: { filter: 'acme-source-quota', reason: 'over-quota' } })

  const closed = sluice.nextClose('in')
  first.end()
  expect((await closed).denied).toBeUndefined()

  const third = client()
  third.write('hello again')
  const [answer] = (await once(third, 'data')) as [Buffer]
  expect(answer.toString()).toBe('hello again')
  expect(sluice.metric('sluice_deny_total', { filter: 'acme-source-quota', reason: 'over-quota' })).toBe(1)
})
