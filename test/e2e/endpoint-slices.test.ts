import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Sluice } from '../../src/sluice.js'
import { CLOCK } from '../../src/core/tokens.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { type FakeKubernetes, serveKubernetes } from '../support/fake-kubernetes.js'
import { startSluice } from '../support/start-sluice.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { until } from '../support/until.js'
import plugin from './endpoint-slices.js'

/** Between two watches. */
const RETRY_MS = 1_000
const PLUGIN = fileURLToPath(new URL('endpoint-slices.ts', import.meta.url))

/** Pods of one port on several addresses of this machine; each answers with its address, and `/hold` when it is let go. */
async function servePods(): Promise<{ readonly port: number; readonly held: ServerResponse[] }> {
  const held: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (request.url !== '/hold') return void response.end(request.socket.localAddress)
    response.write('begun ')
    held.push(response)
  }).listen(0, '0.0.0.0')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, held }
}

/** A configuration as an operator writes it; the plugin itself is handed over, as it is TypeScript. */
async function startShop(
  kubernetes: FakeKubernetes,
  place: 'source' = 'source',
): Promise<{ sluice: Sluice; clock: AnnouncingClock }> {
  const folder = await temporaryFolder('endpoint-slices')
  onTestFinished(() => folder.remove())
  const file = join(folder.path, 'sluice.yaml')
  await writeFile(
    file,
    `upstreams:
  shop:
    endpoints:
      - ${place}:
          endpoint-slices: { api: '${kubernetes.url}', namespace: shops, service: shop, port: http }
listeners:
  - name: in
    address: 127.0.0.1:0
    destination: shop
    filters: [detect, http-route, tcp-forward]
`,
  )
  const clock = new AnnouncingClock()
  const sluice = await startSluice(file, { plugins: [plugin], providers: [{ token: CLOCK, value: clock }] })
  return { sluice, clock }
}

const ask = async (sluice: Sluice, path = '/'): Promise<string> => await (await fetch(sluice.url('in', path))).text()

async function pods(sluice: Sluice): Promise<string[]> {
  const answers: string[] = []
  for (let i = 0; i < 40; i++) answers.push(await ask(sluice))
  return [...new Set(answers)].sort()
}

const endpointCount = (sluice: Sluice): number => sluice.metric('sluice_upstream_endpoints', { upstream: 'shop' })

describe('options of upstreams.NAME.endpoints.0', () => {
  test('source: what a plugin finds: the slices of a service, as they are added, modified and deleted', async () => {
    const [kubernetes, { port }] = [await serveKubernetes(), await servePods()]
    kubernetes.put('shop-1', [port, port])
    const { sluice } = await startShop(kubernetes, 'source')
    expect(await pods(sluice)).toEqual(['127.0.0.1', '127.0.0.2'])
    kubernetes.put('shop-2', [port, port, port])
    await until(() => endpointCount(sluice) === 3)
    expect(await pods(sluice)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
    kubernetes.put('shop-2', [port, port, port], { conditions: { ready: false, serving: true, terminating: true } })
    await until(() => endpointCount(sluice) === 2)
    kubernetes.put('shop-1', [port])
    await until(() => endpointCount(sluice) === 1)
    expect(await pods(sluice)).toEqual(['127.0.0.1'])
    kubernetes.remove('shop-1')
    await until(() => endpointCount(sluice) === 0)
    expect((await fetch(sluice.url('in'))).status).toBe(503)
    expect(kubernetes.asked).toEqual(['list', 'watch 101'])
  })
})

describe('a source that a plugin brings', () => {
  test('uses the public interface only', () => {
    const text = readFileSync(PLUGIN, 'utf8')
    expect([...text.matchAll(/from '(.*?)'/g)].map(([, from]) => from)).toEqual(['sluice', 'sluice', 'zod'])
  })

  test('lets what is in flight on an endpoint that leaves come to its end', async () => {
    const [kubernetes, { port, held }] = [await serveKubernetes(), await servePods()]
    kubernetes.put('shop-1', [port])
    const { sluice } = await startShop(kubernetes)
    const [response] = (await once(get(sluice.url('in', '/hold')), 'response')) as [IncomingMessage]
    response.setEncoding('utf8')
    let heard = ''
    response.on('data', (text: string) => (heard += text))
    await until(() => heard === 'begun ')
    kubernetes.remove('shop-1')
    await until(() => endpointCount(sluice) === 0)
    held[0]!.end('ended')
    await once(response, 'end')
    expect(heard).toBe('begun ended')
  })

  test('goes on from where a watch ended, without a list', async () => {
    const [kubernetes, { port }] = [await serveKubernetes(), await servePods()]
    kubernetes.put('shop-1', [port])
    const { sluice, clock } = await startShop(kubernetes)
    await until(() => kubernetes.watchCount === 1)
    kubernetes.put('shop-2', [port, port])
    await until(() => endpointCount(sluice) === 2)
    kubernetes.disconnect()
    kubernetes.put('shop-3', [port, port, port])
    await clock.isAskedFor(RETRY_MS)
    clock.advance(RETRY_MS)
    await until(() => endpointCount(sluice) === 3)
    expect(kubernetes.asked).toEqual(['list', 'watch 101', 'watch 102'])
  })

  test('lists again where the past is gone, and keeps its endpoints meanwhile', async () => {
    const [kubernetes, { port }] = [await serveKubernetes(), await servePods()]
    kubernetes.put('shop-1', [port])
    const { sluice, clock } = await startShop(kubernetes)
    await until(() => kubernetes.watchCount === 1)
    kubernetes.disconnect()
    kubernetes.put('shop-2', [port, port])
    kubernetes.compact()
    await clock.isAskedFor(RETRY_MS)
    clock.advance(RETRY_MS)
    await until(() => kubernetes.asked.length === 3)
    await clock.isAskedFor(RETRY_MS)
    expect(endpointCount(sluice)).toBe(1)
    clock.advance(RETRY_MS)
    await until(() => endpointCount(sluice) === 2)
    await until(() => kubernetes.watchCount === 1)
    expect(kubernetes.asked).toEqual(['list', 'watch 101', 'watch 101', 'list', 'watch 102'])
    expect(sluice.metric('sluice_upstream_sources_failing')).toBe(0)
  })

  test('that fails keeps nobody from starting, says why, and is there when its server is', async () => {
    const [kubernetes, { port }] = [await serveKubernetes(), await servePods()]
    kubernetes.put('shop-1', [port])
    kubernetes.failsWith = 403
    const { sluice, clock } = await startShop(kubernetes)
    expect(sluice.metric('sluice_upstream_sources_failing', { upstream: 'shop' })).toBe(1)
    const refused = await fetch(sluice.url('in'))
    expect(refused.status).toBe(503)
    expect(await refused.text()).toContain('endpointslices shops/shop: the API server answered 403')
    kubernetes.failsWith = undefined
    await clock.isAskedFor(RETRY_MS)
    clock.advance(RETRY_MS)
    await until(() => endpointCount(sluice) === 1)
    expect(await ask(sluice)).toBe('127.0.0.1')
    expect(sluice.metric('sluice_upstream_sources_failing', { upstream: 'shop' })).toBe(0)
    await sluice.stop()
    await until(() => kubernetes.watchCount === 0)
    expect(clock.pending).toEqual([])
  })
})
