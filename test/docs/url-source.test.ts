import { expect, test } from 'vitest'
import { CLOCK } from '../../src/core/tokens.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { serveHttp } from '../support/routed.js'
import { startSluice } from '../support/start-sluice.js'
import { until } from '../support/until.js'
import plugin from './url-source.js'

test('the source of the page keeps its endpoints up to date, and keeps the last ones through failures', async () => {
  const one = await serveHttp((_, response) => response.end('one'))
  const two = await serveHttp((_, response) => response.end('two'))
  let [status, body, asked] = [200, JSON.stringify([{ host: '127.0.0.1', port: one.port }]), 0]
  const registry = await serveHttp((_, response) => {
    asked++
    response.writeHead(status).end(body)
  })
  const clock = new AnnouncingClock()
  const sluice = await startSluice(
    {
      plugins: [plugin],
      upstreams: {
        web: { endpoints: [{ source: { 'acme-registry': { url: `http://127.0.0.1:${registry.port}/` } } }] },
      },
      listeners: [
        {
          name: 'in',
          address: '127.0.0.1:0',
          destination: 'web',
          filters: ['detect', { 'http-route': {} }, 'tcp-forward'],
        },
      ],
    },
    { providers: [{ token: CLOCK, value: clock }] },
  )
  const answer = async (): Promise<string> => await (await fetch(sluice.url('in'))).text()
  const failing = (): number => sluice.metric('sluice_upstream_sources_failing', { upstream: 'web' })
  expect(await answer()).toBe('one')
  status = 500
  await clock.isAskedFor(5_000)
  clock.advance(5_000)
  await until(() => failing() === 1)
  expect(await answer()).toBe('one')
  ;[status, body] = [200, JSON.stringify([{ host: '127.0.0.1', port: two.port }])]
  await clock.isAskedFor(5_000)
  clock.advance(5_000)
  await until(() => failing() === 0)
  expect(await answer()).toBe('two')
  expect(asked).toBe(3)
})
