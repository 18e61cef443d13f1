import { createServer } from 'node:http'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startLoad } from '../support/http-load.js'
import { type RunningProgram, startProgram } from '../support/run-program.js'
import { seededRandom } from '../support/seeded-random.js'
import { startSluice, turns } from '../support/start-sluice.js'
import { until } from '../support/until.js'
import type { SluiceConfig } from '../../src/sluice-config.js'
import type { Sluice } from '../../src/sluice.js'

const CHAIN = ['detect', 'http-metrics', 'http-route', 'tcp-forward']
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

async function startRouting(endpoints: readonly unknown[], listener: Record<string, unknown> = {}): Promise<Sluice> {
  return startSluice({
    upstreams: { web: { endpoints } },
    listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web', filters: CHAIN, ...listener }],
  } as unknown as SluiceConfig)
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('servers that close their idle connections in the moment of their next use', () => {
  test('fail no GET', async () => {
    const random = seededRandom(7)
    let closed = 0
    const closing = (): Server =>
      createTcpServer((socket) => {
        socket.on('error', () => {})
        let asked = 0
        socket.on('data', () => {
          const mine = ++asked
          socket.write(OK)
          void turns(Math.floor(random() * 6)).then(() => {
            if (asked !== mine || random() < 0.3) return
            closed++
            if (random() < 0.5) socket.end()
            else socket.destroy()
          })
        })
      })
    const sluice = await startRouting(await Promise.all([closing(), closing(), closing()].map(listening)))
    const pause = (): Promise<void> => turns(Math.floor(random() * 6))
    const load = startLoad({ port: sluice.address('in').port, clients: 20, pause })
    await load.more(3_000)
    await load.stop()
    expect([...load.outcomes.keys()]).toEqual(['200'])
    expect(closed).toBeGreaterThan(500)
    expect(sluice.metric('sluice_http_retries_total', { reason: 'stale-connection' })).toBeGreaterThan(20)
  })
})

/** A server as a process of its own: `node -e PROGRAM PORT`. */
const PROGRAM = `
require('node:http').createServer((request, response) => setImmediate(() => response.end('ok')))
  .listen(Number(process.argv[1] ?? 0), '127.0.0.1', function () { console.log('port ' + this.address().port + ' ready') })`

async function startHttpProcess(port = 0): Promise<{ readonly program: RunningProgram; readonly port: number }> {
  const program = startProgram(process.execPath, ['--input-type=commonjs', '--eval', PROGRAM, String(port)])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  const [, bound] = await program.prints(/port (\d+) ready/)
  return { program, port: Number(bound) }
}

describe('an endpoint that is killed under load, and comes back', () => {
  test('costs no GET', async () => {
    const servers = await Promise.all([startHttpProcess(), startHttpProcess(), startHttpProcess()])
    const sluice = await startRouting(servers.map(({ port }) => `127.0.0.1:${port}`))
    const load = startLoad({ port: sluice.address('in').port, clients: 30 })
    for (let round = 0; round < 3; round++) {
      const victim = servers[round]!
      await load.more(500)
      await victim.program.stop('SIGKILL')
      await load.more(500)
      await startHttpProcess(victim.port)
    }
    await load.more(500)
    await load.stop()
    expect([...load.outcomes.keys()]).toEqual(['200'])
    const again = ['connect-failed', 'stale-connection', 'upstream-lost']
    const retries = again.map((reason) => sluice.metric('sluice_http_retries_total', { reason }))
    expect(retries.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
  }, 60_000)
})

describe('a thousand clients at once', () => {
  test('have no more connections to three endpoints than these may hold, and all are answered', async () => {
    let most = 0
    let open = 0
    const counting = (): Server =>
      createServer((_request, response) => void setImmediate(() => response.end('ok'))).on('connection', (socket) => {
        most = Math.max(most, ++open)
        socket.on('close', () => open--)
      })
    const addresses = await Promise.all([counting(), counting(), counting()].map(listening))
    const sluice = await startRouting(
      addresses.map((address) => ({ address, maxConnections: 8 })),
      { timeouts: { connect: '30s' } },
    )
    const load = startLoad({ port: sluice.address('in').port, clients: 1_000 })
    await load.more(4_000)
    await load.stop()
    expect([...load.outcomes.keys()]).toEqual(['200'])
    expect(most).toBeLessThanOrEqual(24)
    await until(() => sluice.metric('sluice_http_requests_in_flight') === 0)
    expect(sluice.metric('sluice_endpoint_requests')).toBe(0)
    expect(sluice.metric('sluice_endpoint_open_connections')).toBe(open)
  }, 60_000)
})

describe('a stop under load', () => {
  test('lets every request that has come be answered', async () => {
    const server = createServer((_request, response) => void turns(3).then(() => response.end('ok')))
    const sluice = await startRouting([await listening(server)])
    const load = startLoad({ port: sluice.address('in').port, clients: 50 })
    await load.more(1_000)
    const stopped = sluice.stop({ grace: 20_000 })
    await load.more(200)
    await load.stop()
    await stopped
    // Who comes after the stop is refused; who was connected is answered.
    expect([...load.outcomes.keys()].filter((outcome) => outcome !== 'ECONNREFUSED')).toEqual(['200'])
  }, 60_000)
})
