import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, createSluice } from '../../src/sluice.js'
import { linkerdQueries, ownQueries } from '../docs/dashboards.js'
import { needPrograms } from '../support/need-programs.js'
import { type PrometheusServer, startPrometheus } from '../support/servers/prometheus.js'

const programs = needPrograms('prometheus')

/** What Grafana puts in. An interval of four scrapes at least is what it takes. */
function filledIn(query: string): string {
  return query
    .replaceAll('$namespace', 'shop')
    .replaceAll('$deployment', 'web')
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$direction', '.*')
}

/** Panels of ours on what goes wrong, of which nothing does here. */
const QUIET = [
  'Endpoints that could not be connected',
  'Denied',
  'Not observed to the end',
  'Labels that became other',
  'Responses that nobody asked for',
]

describe.skipIf(programs.areMissing)(`in a Prometheus that scrapes a Sluice${programs.why}`, () => {
  let sluice: Sluice
  let prometheus: PrometheusServer
  const servers: { close(): unknown }[] = []

  beforeAll(async () => {
    const web = createServer((asked, response) => {
      response.statusCode = asked.url === '/fails' ? 503 : 200
      if (asked.url !== '/hangs') response.end('hello')
    })
    web.on('upgrade', (_asked, socket) => socket.end('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'))
    const grpc = createHttp2Server()
    grpc.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.pipe(stream)
    })
    servers.push(web, grpc)
    const [webPort, grpcPort] = [await listening(web), await listening(grpc)]
    const listener = (name: string, direction: string, port: number) => ({
      name,
      direction,
      address: '127.0.0.1:0',
      destination: `127.0.0.1:${port}`,
    })
    sluice = await createSluice({
      admin: { address: '127.0.0.1:0' },
      listeners: [
        listener('in', 'inbound', webPort),
        listener('out', 'outbound', webPort),
        listener('grpc', 'inbound', grpcPort),
      ],
    } as never).start()
    prometheus = await startPrometheus(`127.0.0.1:${sluice.adminAddress!.port}`, {
      namespace: 'shop',
      deployment: 'web',
    })
    await traffic(sluice)
  }, 60_000)
  afterAll(async () => {
    await prometheus?.stop()
    await sluice?.stop()
    for (const server of servers) server.close()
  })

  /** Asks until there is something: after two scrapes. */
  async function found(query: string): Promise<void> {
    while ((await prometheus.query(filledIn(query))).length === 0) await traffic(sluice)
  }

  test.each(linkerdQueries().filter(({ finds }) => finds))(
    "Linkerd's $panel finds series: $query",
    ({ query }) => found(query),
    30_000,
  )

  test.each(linkerdQueries().filter(({ finds }) => !finds))(
    "Linkerd's $panel finds none: $query",
    async ({ query }) => {
      expect(await prometheus.query(filledIn(query))).toEqual([])
    },
  )

  test.each(ownQueries().filter(({ panel }) => !QUIET.includes(panel)))(
    'our $panel finds series: $query',
    ({ query }) => found(query),
    30_000,
  )

  test.each(ownQueries().filter(({ panel }) => QUIET.includes(panel)))(
    'our $panel is a query: $query',
    async ({ query }) => {
      expect(await prometheus.query(filledIn(query))).toEqual(expect.any(Array))
    },
  )

  test('nothing went unobserved', () => {
    expect(sluice.metric('sluice_observer_dropped_total') + sluice.metric('sluice_http_observer_stopped_total')).toBe(0)
  })
})

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Some of all that the panels show. */
async function traffic(sluice: Sluice): Promise<void> {
  for (const name of ['in', 'out']) {
    for (const path of ['/', '/fails']) {
      const response = await fetch(sluice.url(name, path), { headers: { connection: 'close' } })
      await response.text()
    }
  }
  const upgrading = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  upgrading.end('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
  await once(upgrading.resume(), 'close')
  const silent = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  silent.end()
  await once(silent.resume(), 'close')
  const reset = sluice.nextClose('in')
  const hanging = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  await new Promise<void>((resolve) => {
    const off = sluice.on('decided', () => (off(), resolve()))
    hanging.write('GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n')
  })
  hanging.resetAndDestroy()
  await reset
  const session = connectHttp2(sluice.url('grpc').slice(0, -1))
  const call = session.request({ ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc' })
  call.end(Buffer.of(0, 0, 0, 0, 1, 0x61))
  await once(call.resume(), 'close')
  session.close()
}
