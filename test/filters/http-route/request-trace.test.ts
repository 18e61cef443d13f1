import { expect, test } from 'vitest'
import type { RequestRecord } from '../../../src/http/request-record.js'
import { freePort } from '../../support/free-port.js'
import { serveHttp, startRouted, type Routed } from '../../support/routed.js'
import { until } from '../../support/until.js'

async function requestSteps(routed: Routed): Promise<readonly string[]> {
  await until(() => routed.sluice.connections().length === 0)
  const steps = routed.sluice.closedTraces().at(-1)!.steps
  return steps.flatMap(({ step, verdict, note }) => (step === 'request' ? [`${verdict} ${note}`] : []))
}

async function ask(routed: Routed, requests: string): Promise<void> {
  const client = await routed.client()
  client.send(requests)
  client.socket.end()
  await client.ended()
}

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

test('a trace shows the first requests of its connection: rule, endpoint, and what came of them', async () => {
  const { port } = await serveHttp((_, response) => response.end('ok'))
  const rules = [
    { name: 'health', match: { path: '/health' }, respond: { status: 204 } },
    { name: 'gone', match: { path: '/gone' }, upstream: `127.0.0.1:${await freePort()}` },
  ]
  const routed = await startRouted(port, { options: { rules } })
  await ask(routed, get('/health') + get('/gone') + get('/a') + get(`/${'x'.repeat(200)}`) + get('/fifth'))
  expect(await requestSteps(routed)).toEqual([
    '204 GET /health, rule health, 0.0 ms',
    expect.stringMatching(/^503 GET \/gone, rule gone, to 127\.0\.0\.1:\d+, refused: connect-failed, 0\.0 ms$/),
    `200 GET /a, to 127.0.0.1:${port}, 0.0 ms`,
    `200 GET /${'x'.repeat(99)}…, to 127.0.0.1:${port}, 0.0 ms`,
  ])
  await routed.expectNothingLeft()
})

test('a request that nobody answers is shown as that', async () => {
  const { port } = await serveHttp(() => {})
  const routed = await startRouted(port)
  const client = await routed.client()
  client.send(get('/slow'))
  await until(() => routed.sluice.metric('sluice_http_requests_in_flight') === 1)
  client.socket.resetAndDestroy()
  expect(await requestSteps(routed)).toEqual([`lost GET /slow, to 127.0.0.1:${port}, 0.0 ms`])
})

test('a head that cannot be taken is shown with the reason', async () => {
  const routed = await startRouted(await freePort())
  await ask(routed, 'GET / HTTP/1.1\r\nHost : a\r\n\r\n')
  expect(await requestSteps(routed)).toEqual(['400 no head that can be taken, refused: space-before-colon, 0.0 ms'])
})

test('the record of a request says why the proxy has answered it, and is silent about that where a server has', async () => {
  const { port } = await serveHttp((_, response) => response.end('ok'))
  const rules = [{ name: 'gone', match: { path: '/gone' }, upstream: `127.0.0.1:${await freePort()}` }]
  const routed = await startRouted(port, { options: { rules } })
  const records: RequestRecord[] = []
  routed.sluice.on('request', (record) => void records.push(record))
  await ask(routed, get('/gone') + get('/a'))
  await until(() => records.length === 2)
  expect(records[0]).toMatchObject({ target: '/gone', status: 503, refused: 'connect-failed' })
  expect(records[1]).not.toHaveProperty('refused')
})
