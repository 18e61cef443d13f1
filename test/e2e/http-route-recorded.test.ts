import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { RequestRecord } from '../../src/http/request-record.js'
import { get as getPage } from '../cli/test-origin.js'
import { SpawnedSluice } from '../cli/spawned-sluice.js'
import { resetSocket } from '../support/reset-socket.js'
import { ask, askTimes, serveWeb, startYaml } from '../support/routed-yaml.js'
import { serve } from '../support/sockets.js'
import { until } from '../support/until.js'

/** A server that resets whoever asks it, and one that answers. */
async function startServers() {
  const bad = await serve((peer) => peer.socket.once('data', () => resetSocket(peer.socket)))
  const good = await serveWeb('good')
  return { bad: `127.0.0.1:${bad.port}`, good: good.address }
}

function yaml({ bad, good }: Awaited<ReturnType<typeof startServers>>, chain: readonly string[]): string {
  return `
admin: { address: 127.0.0.1:0 }
upstreams:
  web:
    balance: round-robin
    ejection: { consecutiveFailures: 2 }
    endpoints: ['${bad}', '${good}']
listeners:
  - name: in
    address: 127.0.0.1:0
    destination: web
    filters: [${chain.join(', ')}]
`
}

const RULED = '{ http-route: { rules: [{ name: orders, match: { pathPrefix: /orders } }] } }'
const CHAINS: Readonly<Record<string, readonly string[]>> = {
  'before it': ['detect', 'http-metrics', RULED, 'tcp-forward'],
  'behind it': ['detect', RULED, 'http-metrics', 'tcp-forward'],
  nowhere: ['detect', RULED, 'tcp-forward'],
}

describe.each(Object.entries(CHAINS))('requests that are routed, with http-metrics %s', (_where, chain) => {
  test('are counted and told of once, with rule, endpoint and retries', async () => {
    const servers = await startServers()
    const proxy = await startYaml(yaml(servers, chain))
    const { sluice } = proxy
    const records: RequestRecord[] = []
    const closed: CloseSummary[] = []
    sluice.on('request', (record) => void records.push(record))
    sluice.on('closed', (summary) => void closed.push(summary))
    await askTimes(proxy, 4, { headers: { host: 'shop.example' } })
    await ask(proxy, '/orders/7', { method: 'PUT', body: 'four' })
    await until(() => closed.length === 5)
    expect(sluice.metric('request_total')).toBe(5)
    expect(sluice.metric('request_total', { route: 'orders' })).toBe(1)
    expect(sluice.metric('response_total', { status_code: '200', classification: 'success' })).toBe(5)
    expect(sluice.metric('response_latency_ms')).toBe(5)
    expect(sluice.metric('sluice_http_request_body_bytes_total')).toBe(4)
    expect(sluice.metric('sluice_http_response_body_bytes_total')).toBe(5 * 'good'.length)
    expect(sluice.metric('sluice_http_requests_in_flight')).toBe(0)
    expect(sluice.metric('sluice_http_observer_stopped_total')).toBe(0)
    // Two met the server that resets them, and it was set aside after that.
    expect(sluice.metric('sluice_http_retries_total', { reason: 'upstream-lost' })).toBe(2)
    expect(sluice.metric('sluice_endpoint_ejections_total', { upstream: 'web', endpoint: servers.bad })).toBe(1)
    expect(sluice.metric('sluice_endpoint_usable', { upstream: 'web', endpoint: servers.bad })).toBe(0)
    expect(sluice.metric('sluice_endpoint_requests', { upstream: 'web' })).toBe(0)
    expect(records).toHaveLength(5)
    for (const record of records) expect(record).toMatchObject({ destination: servers.good, status: 200 })
    expect(records.filter(({ retries }) => retries === 1)).toHaveLength(2)
    expect(records.filter((record) => 'retries' in record)).toHaveLength(2)
    expect(records.flatMap(({ route }) => route ?? [])).toEqual(['orders'])
    expect(records.at(-1)).toMatchObject({ method: 'PUT', target: '/orders/7', bytes: { client: 4, server: 4 } })
    for (const { http } of closed) expect(http).toEqual({ requests: 1, responses: 1, lastStatus: 200 })
    expect(
      sluice
        .closedTraces()
        .at(-1)!
        .steps.filter(({ step }) => step === 'request'),
    ).toMatchObject([
      { verdict: '200', note: expect.stringContaining(`PUT /orders/7, rule orders, to ${servers.good}, `) as string },
    ])
  })

  test('are shown by sluice tap with rule, endpoint and retries', async () => {
    const servers = await startServers()
    const proxy = await startYaml(yaml(servers, chain))
    const admin = `127.0.0.1:${proxy.sluice.adminAddress!.port}`
    const tap = new SpawnedSluice(['tap', '--admin', admin, '--max', '3'])
    let isOver = false
    void tap.ended.then(() => (isOver = true))
    while (!isOver) await ask(proxy, '/orders/7')
    expect(tap.written.stderr).toBe('')
    const lines = tap.written.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      expect(line).toContain(` > ${servers.good}  http/1  GET 127.0.0.1:${proxy.port}/orders/7  route orders  200  `)
      expect(line).toMatch(/ 4 B down$/)
    }
    expect(await tap.ended).toBe(0)
  })
})

test('labels of http-metrics are those of requests that are routed, too; a rule names its own ones', async () => {
  const labels = '{ method: true, authority: true, route: ["/orders/{id}", "/users/{id}"] }'
  const chain = ['detect', `{ http-metrics: { labels: ${labels} } }`, RULED, 'tcp-forward']
  const proxy = await startYaml(yaml(await startServers(), chain))
  const headers = { host: 'Shop.example' }
  await ask(proxy, '/orders/7', { headers })
  await ask(proxy, '/users/7', { headers, method: 'PUT' })
  await ask(proxy, '/else', { headers, method: 'DELETE' })
  await until(() => proxy.sluice.closedTraces().length === 3)
  const count = (own: Record<string, string>): number =>
    proxy.sluice.metric('request_total', { authority: 'shop.example', ...own })
  expect(count({ method: 'GET', route: 'orders' })).toBe(1)
  expect(count({ method: 'PUT', route: '/users/{id}' })).toBe(1)
  expect(count({ method: 'DELETE', route: 'other' })).toBe(1)
  const notes = proxy.sluice.closedTraces().flatMap(({ steps }) => steps.filter(({ step }) => step === 'request'))
  // Only a rule is one.
  expect(notes.map(({ note }) => /, rule ([^,]+)/.exec(note)?.[1])).toEqual(['orders', undefined, undefined])
})

describe('sluice run and its like, with a chain that routes requests', () => {
  async function configFile(chain: readonly string[]): Promise<{ file: string; good: string; bad: string }> {
    const servers = await startServers()
    const folder = mkdtempSync(join(tmpdir(), 'sluice-routed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'sluice.yaml')
    writeFileSync(file, yaml(servers, chain))
    return { file, ...servers }
  }

  const logging = (format: string) => ['detect', `{ http-metrics: { accessLog: ${format} } }`, RULED, 'tcp-forward']

  test('write a line a request in the access log, with rule, endpoint and retries', async () => {
    const { file, good } = await configFile(logging('json'))
    const sluice = new SpawnedSluice(['run', '-c', file])
    const port = await sluice.port('in')
    await getPage(port, '/orders/7')
    await getPage(port, '/else')
    await sluice.sees('stdout', /\n.*\n/)
    sluice.process.kill('SIGTERM')
    expect(await sluice.ended).toBe(0)
    const lines = sluice.json('stdout')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatchObject({
      msg: 'request',
      listener: 'in',
      target: '/orders/7',
      route: 'orders',
      destination: good,
      retries: 1,
      status: 200,
    })
    expect(lines[1]).toMatchObject({ target: '/else', destination: good, status: 200 })
    expect(lines[1]).not.toHaveProperty('route')
  })

  test('show a connection and its requests at the admin endpoint and in sluice explain', async () => {
    const { file, good } = await configFile(logging('combined'))
    const sluice = new SpawnedSluice(['run', '-c', file])
    await getPage(await sluice.port('in'), '/orders/7')
    await sluice.sees('stdout', /"GET \/orders\/7 HTTP\/1\.1" 200 4 /)
    const [, admin] = await sluice.sees('stderr', /"address":"127\.0\.0\.1:(\d+)","msg":"admin listening"/)
    const seen = JSON.parse(await getPage(Number(admin), '/connections/1')) as object
    expect(seen).toMatchObject({
      listener: 'in',
      destination: 'web',
      protocol: 'http/1',
      http: { requests: 1, responses: 1, lastStatus: 200 },
    })
    const explain = new SpawnedSluice(['explain', '1', '--admin', `127.0.0.1:${admin}`])
    expect(await explain.ended).toBe(0)
    expect(explain.written.stdout).toMatch(/ms {2}http-route +handled\b/)
    expect(explain.written.stdout).toContain(`GET /orders/7, rule orders, to ${good}, sent again once, `)
  })

  test('check the rules, and explain what one of them would do with recorded bytes', async () => {
    const answering = `{ http-route: { rules: [
      { name: orders, match: { pathPrefix: /orders } },
      { name: hidden, match: { path: /orders/7 } },
      { name: health, match: { path: /health }, respond: { status: 204 } } ] } }`
    const { file } = await configFile(['detect', 'http-metrics', answering, 'tcp-forward'])
    const check = new SpawnedSluice(['check', file])
    expect(await check.ended).toBe(0)
    expect(check.written.stdout + check.written.stderr).toMatch(
      /warning {2}listeners\[0\]\.filters\[2\]\.http-route\.rules\[1\] +never reached: rule "orders" before it/,
    )
    const explained = async (text: string): Promise<string> => {
      const explain = new SpawnedSluice(['explain', '-c', file, '--client-text', text])
      expect(await explain.ended).toBe(0)
      return explain.written.stdout
    }
    const orders = await explained('GET /orders/7 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    expect(orders).toMatch(/ms {2}request {2,}GET \/orders\/7, rule orders, to 127\.0\.0\.1:\d+\n/)
    expect(orders).toContain('carried by http-route, as http/1')
    const health = await explained('GET /health HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    expect(health).toMatch(/ms {2}request +204 +GET \/health, rule health\n/)
    const other = await explained('SSH-2.0-OpenSSH_9.6\\r\\n')
    expect(other).toMatch(/ms {2}http-route +continue\b/)
    expect(other).toContain('carried to web, as ssh')
  })
})
