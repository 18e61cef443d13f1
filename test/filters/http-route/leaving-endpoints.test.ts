import 'reflect-metadata'
import { expect, test } from 'vitest'
import { answering } from '../../support/answering.js'
import { GivenEndpoints } from '../../support/given-endpoints.js'
import { HeldTransport } from '../../support/held-transport.js'
import { type Routed, type RoutedOptions, startRouted } from '../../support/routed.js'
import { serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`
}

function startOver(given: GivenEndpoints, options: RoutedOptions & { readonly maxConnections?: number } = {}) {
  const { maxConnections, ...rest } = options
  const web = { endpoints: [{ source: 'given' }], ...(maxConnections && { maxConnections }) }
  return startRouted('web', { upstreams: { web }, plugins: [given.plugin], ...rest })
}

const requests = (routed: Routed): number => routed.sluice.metric('request_total')

test('a request whose endpoint leaves while it is being connected goes to another, at once', async () => {
  const [gone, stays] = [await serve(answering(OK)), await serve(answering(OK))]
  const given = new GivenEndpoints(gone.port)
  const transport = new HeldTransport()
  const routed = await startOver(given, { transport })
  const client = await routed.client()
  client.send(get('/'))
  await until(() => transport.held === 1 && requests(routed) === 1)
  given.give(stays.port)
  await until(() => transport.held === 2)
  transport.letGo()
  await client.hears('ok')
  expect(gone.peers.map(({ text }) => text).join('')).toBe('')
  expect(stays.peers.map(({ text }) => text).join('')).toBe(get('/'))
  expect(routed.sluice.metric('sluice_http_retries_total')).toBe(0)
  client.socket.end()
  await client.ended()
  await routed.expectNothingLeft()
})

test('a request whose endpoint leaves while it is being connected is told so, where there is no other', async () => {
  const gone = await serve(answering(OK))
  const given = new GivenEndpoints(gone.port)
  const transport = new HeldTransport()
  const routed = await startOver(given, { transport })
  const client = await routed.client()
  client.send(get('/'))
  await until(() => transport.held === 1 && requests(routed) === 1)
  given.give()
  expect(await client.hears('sluice: no-endpoint: ')).toContain('web has no endpoint: its sources name none')
  transport.letGo()
  client.socket.end()
  await routed.expectNothingLeft()
})

test('requests that wait for an endpoint which leaves go to another; what is in flight on it ends', async () => {
  const [gone, stays] = [await serve(), await serve(answering(OK))]
  const given = new GivenEndpoints(gone.port)
  const routed = await startOver(given, { maxConnections: 1 })
  const [first, second] = [await routed.client(), await routed.client()]
  first.send(get('/first'))
  await until(() => gone.peers.some(({ text }) => text === get('/first')))
  second.send(get('/second'))
  await until(() => requests(routed) === 2)
  given.give(stays.port)
  await second.hears('ok')
  const peer = gone.peers.find(({ text }) => text === get('/first'))!
  peer.send(OK)
  await first.hears('ok')
  // It serves nobody any more.
  await peer.ended()
  expect(gone.peers.map(({ text }) => text).join('')).toBe(get('/first'))
  first.socket.end()
  second.socket.end()
  await routed.expectNothingLeft()
})

test('requests that wait are told so as soon as there is nothing left to wait for', async () => {
  const gone = await serve()
  const given = new GivenEndpoints(gone.port)
  const routed = await startOver(given, { maxConnections: 1 })
  const [first, second] = [await routed.client(), await routed.client()]
  first.send(get('/first'))
  await until(() => gone.peers.some(({ text }) => text === get('/first')))
  second.send(get('/second'))
  await until(() => requests(routed) === 2)
  given.give()
  // Looked at once a second; a connection would be waited for longer.
  routed.clock.advance(1_000)
  expect(await second.hears('sluice: no-endpoint: ')).toContain('web has no endpoint')
  gone.peers.find(({ text }) => text === get('/first'))!.send(OK)
  await first.hears('ok')
  first.socket.end()
  second.socket.end()
  await routed.expectNothingLeft()
})
