import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'

test('orders reach the service, counted by status', async () => {
  const service = createServer((_request, response) => response.writeHead(201).end('made')).listen(0, '127.0.0.1')
  await once(service, 'listening')
  onTestFinished(() => void service.close())
  const { port } = service.address() as AddressInfo

  const sluice = await createSluice({
    listeners: [{ name: 'orders', address: '127.0.0.1:0', destination: `127.0.0.1:${port}` }],
  }).start()
  onTestFinished(() => sluice.stop()) // now: open connections are reset, nothing is left

  const closed = sluice.nextClose('orders')
  const headers = { connection: 'close' }
  const response = await fetch(sluice.url('orders', '/orders'), { method: 'POST', body: '{}', headers })
  expect(await response.text()).toBe('made')

  expect(await closed).toMatchObject({ protocol: 'http/1', outcome: 'detected', decidedBy: 'client' })
  expect(sluice.metric('response_total', { status_code: '201', classification: 'success' })).toBe(1)
})
