import { rename, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { a, serveDns, srv, zoneOf } from '../support/dns-server.js'
import { freePort } from '../support/free-port.js'
import { type Proxy, routedYaml, startYaml } from '../support/routed-yaml.js'
import { until } from '../support/until.js'

const CLIENTS = 8
/** Of all clients together; a test that needs more has failed. */
const MAX_REQUESTS = 4_000
/** Requests that go well between two changes. */
const REQUESTS_BETWEEN = 300

class Web {
  readonly address: string
  /** The largest phase of a request that it has seen. */
  lastPhase = -1
  count = 0
  connections = 0
  readonly held: ServerResponse[] = []

  constructor(address: string) {
    this.address = address
  }

  static async serve(host: string, port: number): Promise<Web> {
    const web = new Web(`${host}:${port}`)
    const server = createServer(({ url, headers }, response) => {
      web.count++
      web.lastPhase = Math.max(web.lastPhase, Number(headers['x-phase'] ?? 0))
      if (url !== '/hold') return void response.end(web.address)
      response.write('begun ')
      web.held.push(response)
    })
    // It never closes what is idle by itself: that is for the proxy to do.
    server.keepAliveTimeout = 0
    server.on('connection', (socket) => {
      web.connections++
      socket.on('close', () => web.connections--)
    })
    await once(server.listen(port, host), 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return web
  }
}

/** Clients that ask one request after the other, each on a connection of its own, until they are told to stop. */
class Load {
  /** Goes with each request that is begun: what is set before a change tells what was begun after it. */
  phase = 0
  done = 0
  readonly failures: string[] = []
  readonly #port: number
  #isOver = false
  readonly #clients: Promise<void>[]

  constructor({ port }: Proxy) {
    this.#port = port
    this.#clients = Array.from({ length: CLIENTS }, () => this.#client())
  }

  async goesOn(): Promise<void> {
    const from = this.done
    await until(() => this.done >= from + REQUESTS_BETWEEN || this.failures.length > 0 || this.done >= MAX_REQUESTS)
    expect(this.failures).toEqual([])
    expect(this.done).toBeLessThan(MAX_REQUESTS)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
    expect(this.failures).toEqual([])
  }

  async #client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!this.#isOver && this.done < MAX_REQUESTS && this.failures.length === 0) {
      await this.#ask(agent).catch((error: unknown) => this.failures.push(String(error)))
      this.done++
    }
    agent.destroy()
  }

  async #ask(agent: Agent): Promise<void> {
    const asking = get({ port: this.#port, host: '127.0.0.1', agent, headers: { 'x-phase': this.phase } })
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
    if (response.statusCode !== 200) this.failures.push(`${response.statusCode} ${text}`)
  }
}

/** A response that is under way, at a server of ours, for as long as the test likes. */
async function hold({ port }: Proxy): Promise<{ text: string; ended: Promise<unknown> }> {
  const [response] = (await once(get({ port, host: '127.0.0.1', path: '/hold', agent: false }), 'response')) as [
    IncomingMessage,
  ]
  const held = { text: '', ended: once(response, 'end') }
  response.setEncoding('utf8').on('data', (text: string) => (held.text += text))
  await until(() => held.text === 'begun ')
  return held
}

/**
 * With requests all the time: one endpoint joins, one leaves that has a response under way, all are replaced. `publish` says who is
 * there from then on.
 */
async function changesUnderLoad(
  proxy: Proxy,
  webs: readonly [Web, Web, Web],
  publish: (...webs: Web[]) => void | Promise<void>,
) {
  const [one, two, three] = webs
  const isThere = ({ address }: Web): boolean =>
    proxy.sluice.metric('sluice_endpoint_usable', { upstream: 'web', endpoint: address }) === 1
  const become = async (...there: Web[]): Promise<void> => {
    await publish(...there)
    await until(() => webs.every((web) => isThere(web) === there.includes(web)))
    load.phase++
  }
  const held = await hold(proxy)
  expect(one.held).toHaveLength(1)
  const load = new Load(proxy)
  await load.goesOn()
  expect([one.count > 1, two.count, three.count]).toEqual([true, 0, 0])

  await become(one, two)
  await load.goesOn()
  expect(two.count).toBeGreaterThan(0)

  await become(two, three)
  await load.goesOn()
  expect(three.count).toBeGreaterThan(0)
  expect(one.lastPhase).toBeLessThan(load.phase)
  // Its idle connections are closed; the one that is in use is not.
  await until(() => one.connections === 1)
  one.held[0]!.end('ended')
  await held.ended
  expect(held.text).toBe('begun ended')
  await until(() => one.connections === 0)

  await become(one)
  await load.goesOn()
  expect([two.lastPhase < load.phase, three.lastPhase < load.phase]).toEqual([true, true])
  await load.end()
  await until(() => two.connections + three.connections === 0)
}

describe('endpoints that change under load: no request fails, none begins at one that is gone, what is in flight ends', () => {
  test.each(['dns', 'srv'])('by DNS, %s', async (kind) => {
    const port = await freePort()
    const webs = [
      await Web.serve('127.0.0.1', port),
      await Web.serve('127.0.0.2', port),
      await Web.serve('127.0.0.3', port),
    ] as const
    const zone = (...there: Web[]) =>
      zoneOf(
        ...there.map(({ address }) => a('web.test', address.split(':')[0]!, 0)),
        srv('_http._tcp.web.test', 'web.test', port, { ttl: 0 }),
      )
    const dns = await serveDns(zone(webs[0]))
    const entry = kind === 'dns' ? `dns: 'web.test:${port}'` : 'srv: _http._tcp.web.test'
    const settings = `dns: { servers: ['${dns.address}'], search: [], minTtl: 100ms }`
    const proxy = await startYaml(
      routedYaml('web', '', `${settings}\nupstreams: { web: { endpoints: [{ ${entry} }] } }`),
    )
    await changesUnderLoad(proxy, webs, (...there) => void (dns.zone = zone(...there)))
  })

  test('by a file', async () => {
    const port = await freePort()
    const webs = [
      await Web.serve('127.0.0.1', port),
      await Web.serve('127.0.0.2', port),
      await Web.serve('127.0.0.3', port),
    ] as const
    const upstreams = 'upstreams: { web: { endpoints: [{ file: ./web.json }] } }'
    const list = (...there: Web[]) => JSON.stringify(there.map(({ address }) => address))
    const proxy = await startYaml(routedYaml('web', '', upstreams), { files: { 'web.json': list(webs[0]) } })
    await changesUnderLoad(proxy, webs, async (...there) => {
      await writeFile(join(proxy.folder, 'web.new'), list(...there))
      await rename(join(proxy.folder, 'web.new'), join(proxy.folder, 'web.json'))
    })
  })
})
