import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { type Routed, startRouted } from '../support/routed.js'
import { runProgram } from '../support/run-program.js'
import { type NginxServer, startNginx } from '../support/servers/nginx.js'
import { connectTo, serve } from '../support/sockets.js'
import { until } from '../support/until.js'

/** Of a query, and so of a URL: more than a request line may have in detection; more than a peek window holds; near `maxHeadBytes`. */
const SIZES = [9_000, 40_000, 60_000]
/** More than `maxHeadBytes`, without an end. */
const ENDLESS = `GET /${'a'.repeat(70_000)}`

const programs = needPrograms('curl', 'nginx', 'openssl')

/** Differs from place to place: what is lost, repeated or moved shows. */
function query(size: number): string {
  let text = ''
  for (let i = 0; text.length < size; i++) text += `n${i}=${i * 7919}&`
  return text.slice(0, size)
}

describe.skipIf(programs.areMissing)(`curl asks nginx with a long URL${programs.why}`, () => {
  let nginx: NginxServer
  beforeAll(async () => {
    nginx = await startNginx()
  })
  afterAll(async () => {
    await nginx?.stop()
  })

  async function ask(port: number, ...options: string[]) {
    const { code, stdout, stderr } = await runProgram('curl', ['--silent', '--show-error', '--globoff', ...options])
    expect({ port, code, stderr }).toEqual({ port, code: 0, stderr: '' })
    return stdout
  }

  const startRuled = (detect: Record<string, unknown> = {}): Promise<Routed> =>
    startRouted(nginx.port, {
      listener: {
        filters: [
          { detect },
          'http-metrics',
          { 'http-route': { rules: [{ name: 'closed', match: { pathPrefix: '/admin' }, respond: { status: 403 } }] } },
          'tcp-forward',
        ],
      },
    })

  test.each(SIZES)('of %d bytes: routed, first and again on its connection, and counted', async (size) => {
    const routed = await startRuled({ onUnknown: 'deny' })
    const url = `http://127.0.0.1:${routed.port}/query?${query(size)}`
    expect(await ask(routed.port, url, url)).toBe(query(size).repeat(2))
    expect(routed.sluice.metric('request_total')).toBe(2)
    expect(routed.sluice.metric('response_total', { status_code: '200' })).toBe(2)
    expect(routed.sluice.metric('sluice_detect_total', { outcome: 'detected', protocol: 'http/1' })).toBe(1)
    await routed.expectNothingLeft()
  })

  test.each(SIZES)('of %d bytes: ruled', async (size) => {
    const routed = await startRuled()
    const url = `http://127.0.0.1:${routed.port}/admin?${query(size)}`
    expect(await ask(routed.port, '--output', '/dev/null', '--write-out', '%{http_code}', url)).toBe('403')
    expect(routed.sluice.metric('response_total', { status_code: '403', route: 'closed' })).toBe(1)
    await routed.expectNothingLeft()
  })

  test.each(SIZES)('of %d bytes: carried by the default chain, and counted', async (size) => {
    const proxy = await oneWayOut(nginx.port)
    const closed = proxy.nextClose()
    const url = `http://127.0.0.1:${proxy.port}/query?${query(size)}`
    expect(await ask(proxy.port, url, url)).toBe(query(size).repeat(2))
    expect(await closed).toMatchObject({ protocol: 'http/1', decidedBy: 'client' })
    expect(proxy.sluice.metric('request_total')).toBe(2)
    expect(proxy.sluice.metric('response_total', { status_code: '200' })).toBe(2)
    expect(proxy.sluice.metric('sluice_http_response_body_bytes_total')).toBe(2 * size)
    expect(proxy.sluice.metric('sluice_http_observer_stopped_total')).toBe(0)
    proxy.expectNothingLeft()
  })

  test('as of a forward proxy', async () => {
    const routed = await startRuled()
    const url = `http://192.0.2.1/query?${query(20_000)}`
    expect(await ask(routed.port, '--proxy', `http://127.0.0.1:${routed.port}`, url)).toBe(query(20_000))
    expect(routed.sluice.metric('request_total')).toBe(1)
    await routed.expectNothingLeft()
  })
})

test.each([[1], [8191], [8192], [8193], [16_384], [16_385], [30_000]])(
  'a long request that comes cut at byte %d is carried whole and counted by the default chain, and routed as a whole',
  async (cut) => {
    const text = `GET /query?${query(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`
    for (const filters of [undefined, ['detect', 'http-metrics', 'http-route', 'tcp-forward']]) {
      const server = await serve()
      const routed = await startRouted(server.port, { listener: { filters } })
      const client = await routed.client()
      client.send(text.slice(0, cut))
      await until(() => routed.sluice.connections()[0]?.bytes.client === cut)
      client.send(text.slice(cut))
      const peer = await server.accepted()
      await peer.hearsBytes(text.length)
      expect(peer.text).toBe(text)
      peer.send('HTTP/1.1 204 No Content\r\n\r\n')
      await client.hears('\r\n\r\n')
      expect(routed.sluice.metric('request_total')).toBe(1)
      expect(routed.sluice.metric('response_total', { status_code: '204' })).toBe(1)
      client.socket.end()
      peer.socket.end()
      await routed.expectNothingLeft()
    }
  },
)

test('a request line that fills a smaller peek window is carried as it is', async () => {
  const server = await serve()
  const routed = await startRouted(server.port, { listener: { limits: { peekWindow: '4KiB' } } })
  const client = await routed.client()
  const text = `GET /query?${query(5000)} HTTP/1.1\r\nHost: a\r\n\r\n`
  client.send(text)
  const peer = await server.accepted()
  await peer.hearsBytes(text.length)
  expect(peer.text).toBe(text)
  expect(routed.sluice.metric('sluice_detect_total', { outcome: 'full' })).toBe(1)
  expect(routed.sluice.metric('request_total')).toBe(0)
  client.socket.end()
  peer.socket.end()
  await routed.expectNothingLeft()
})

describe('a request line that is taken for one at 8 KiB, and turns out to be none', () => {
  test.each([
    ['has no version', `${ENDLESS.slice(0, 10_000)}\r\n\r\n`, 400, 'invalid-request-line'],
    ['has another version', `${ENDLESS.slice(0, 10_000)} HTTP/3.0\r\n\r\n`, 400, 'unsupported-version'],
    ['never ends', ENDLESS, 414, 'request-line-too-long'],
  ])('is answered by http-route where it %s, and no server hears of it', async (_what, text, status, reason) => {
    const server = await serve()
    const routed = await startRouted(server.port, {
      listener: { filters: [{ detect: { earlyDial: false } }, 'http-metrics', 'http-route', 'tcp-forward'] },
    })
    const client = await routed.client()
    client.send(text)
    await client.ended()
    expect(client.text).toMatch(
      new RegExp(`^HTTP/1.1 ${status} [^]*\r\nConnection: close\r\n\r\nsluice: ${reason}: [^]*\n$`),
    )
    expect(routed.sluice.metric('sluice_http_refused_total', { reason })).toBe(1)
    expect(server.peers).toHaveLength(0)
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('is given up by http-metrics, and carried unchanged in both directions', async () => {
    const server = await serve()
    const proxy = await oneWayOut(server.port)
    const closed = proxy.nextClose()
    const client = await connectTo(proxy.port)
    const peer = await server.accepted()
    const text = `GET /${query(100_000)}`
    client.send(text)
    await peer.hearsBytes(text.length)
    expect(peer.text).toBe(text)
    peer.send('no such thing\n')
    await client.hears('no such thing\n')
    expect(proxy.sluice.metric('sluice_http_observer_stopped_total', { reason: 'request-line-too-long' })).toBe(1)
    expect(proxy.sluice.metric('sluice_observer_dropped_total')).toBe(0)
    expect(proxy.sluice.metric('request_total')).toBe(0)
    expect(proxy.sluice.metric('sluice_http_requests_in_flight')).toBe(0)
    client.socket.end()
    peer.socket.end()
    await Promise.all([once(client.socket, 'close'), closed])
    proxy.expectNothingLeft()
  })
})
