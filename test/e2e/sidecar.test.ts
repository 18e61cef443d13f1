import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import {
  connectNamespaces,
  inNamespaces,
  type Link,
  needNamespaces,
  NetworkNamespace,
} from '../support/network-namespaces.js'
import type { RunningProgram } from '../support/run-program.js'
import { selfSignedCertificate } from '../support/self-signed-certificate.js'
import { startExim } from '../support/servers/exim.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNats } from '../support/servers/nats.js'
import { intercept, Sidecar } from '../support/sidecar.js'
import { type Stoppable, startServer, startServers } from '../support/start-server.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = await needNamespaces(
  ...['curl', 'mariadb (mariadb-client)', 'mariadbd (mariadb-server)', 'mariadb-install-db (mariadb-server)'],
  ...['nats-server', 'exim4 (exim4-daemon-light)', 'swaks', 'openssl'],
)
const { why } = programs

beforeEach(inNamespaces)

const MARIADB_PORT = 4406
const PORTS = { http: 8080, https: 8443, grpc: 50_051, who: 9_000, skipped: 9_001 } as const
/** Of the workload, in the pod. */
const APP_PORT = 8080
const SKIPPED_APP_PORT = 9_001

const script = (name: string): string => fileURLToPath(new URL(`../support/${name}.mjs`, import.meta.url))

interface World extends Stoppable {
  readonly place: NetworkNamespace
  readonly servers: RunningProgram
  readonly natsPort: number
  readonly smtpPort: number
  readonly certificateFolder: string
}

/** The world outside of the pods, with a server of each kind. */
function makeWorld(): Promise<World> {
  return startServer(async (onStop) => {
    const place = await NetworkNamespace.make('world')
    onStop(() => place.remove())
    const folder = await temporaryFolder('world')
    onStop(() => folder.remove())
    await selfSignedCertificate(folder.path, ['shop.example'])
    const certificate = [`${folder.path}/key.pem`, `${folder.path}/certificate.pem`]
    const ports = [...Object.entries(PORTS).filter(([name]) => name !== 'skipped')].map(
      ([name, port]) => `${name}=${port}`,
    )
    const servers = place.start(process.execPath, [
      ...[script('servers/world'), '::', ...certificate, ...ports],
      `http=${PORTS.skipped}`,
    ])
    onStop(() => servers.stop())
    await servers.prints(/"listening"/)
    const [mariadb, nats, exim] = await startServers(
      () => startMariadb(place.onPort(MARIADB_PORT)),
      () => startNats(place.onPort(24_222)),
      () => startExim(place.onPort(2525)),
    )
    onStop(async () => void (await Promise.all([mariadb.stop(), nats.stop(), exim.stop()])))
    return { place, servers, natsPort: nats.port, smtpPort: exim.port, certificateFolder: folder.path }
  })
}

interface Pod extends Stoppable {
  readonly place: NetworkNamespace
  readonly app: RunningProgram
  readonly own: Link
  readonly world: Link
  sidecar(): Sidecar
  restart(): Promise<Sidecar>
}

/** A pod with rules, an application that knows nothing of them, and a proxy beside it. */
function makePod(world: World, iptablesMode: string, subnet: number): Promise<Pod> {
  return startServer(async (onStop) => {
    const place = await NetworkNamespace.make('pod')
    onStop(() => place.remove())
    const ends = await connectNamespaces(place, world.place, subnet)
    const app = place.start(process.execPath, [
      ...[script('servers/world'), '::', '-', '-', `http=${APP_PORT}`, `http=${SKIPPED_APP_PORT}`],
    ])
    onStop(() => app.stop())
    await app.prints(/"listening"/)
    const made = await intercept(
      place,
      ...['--iptables-mode', iptablesMode],
      ...[
        '--skip-inbound-ports',
        `4191,${SKIPPED_APP_PORT}`,
        '--skip-outbound-ports',
        `${PORTS.skipped}-${PORTS.skipped + 5}`,
      ],
    )
    expect(made).toMatchObject({ code: 0 })
    let sidecar = await Sidecar.start(place)
    onStop(() => sidecar.stop('SIGKILL'))
    const restart = async (): Promise<Sidecar> => (sidecar = await Sidecar.start(place))
    return { place, app, own: ends.one, world: ends.other, sidecar: () => sidecar, restart }
  })
}

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

describe.skipIf(programs.areMissing).each([
  ['nft', 11],
  ['legacy', 12],
])('beside a workload, with rules of iptables-%s' + why, (iptablesMode, subnet) => {
  let world: World
  let pod: Pod

  beforeAll(async () => {
    world = await makeWorld()
    pod = await makePod(world, iptablesMode, subnet)
  })
  afterAll(async () => {
    await pod?.stop()
    await world?.stop()
  })

  /** The connection that went there, and that the relay has neither lost nor invented a byte of it. */
  async function carried(address: string, port: number, listener = 'outbound'): Promise<CloseSummary> {
    const destination = `${host(address)}:${port}`
    const summary = await pod.sidecar().closed((one) => one.listener === listener && one.destination === destination)
    const labels = { direction: listener, target_port: String(port) }
    const bytes = async (name: string, peer: string): Promise<number> => pod.sidecar().metric(name, { ...labels, peer })
    expect(await bytes('tcp_read_bytes_total', 'src')).toBe(await bytes('tcp_write_bytes_total', 'dst'))
    expect(await bytes('tcp_read_bytes_total', 'dst')).toBe(await bytes('tcp_write_bytes_total', 'src'))
    expect(await bytes('tcp_read_bytes_total', 'dst')).toBeGreaterThanOrEqual(summary.bytes.server)
    return summary
  }

  describe.each(['ipv4', 'ipv6'] as const)('over %s', (family) => {
    test('curl reaches a web server that it knows by its address alone', async () => {
      const address = pod.world[family]
      const text = await pod.place.succeed(
        'curl',
        '-sS',
        '-d',
        'x'.repeat(1000),
        `http://${host(address)}:${PORTS.http}/orders`,
      )
      expect(text).toBe(`POST /orders of ${family === 'ipv4' ? '::ffff:' : ''}${pod.own[family]}\n`)
      const summary = await carried(address, PORTS.http)
      expect(summary).toMatchObject({ outcome: 'detected', protocol: 'http/1', decidedBy: 'client' })
      expect(summary.source).toMatch(`${host(pod.own[family])}:`)
      // What the server itself counted.
      const { client, server } = summary.bytes
      await world.servers.prints(
        new RegExp(`"server":"http",.*${pod.own[family]}","read":${client},"written":${server}}`),
      )
    })

    test('a MySQL client is greeted on port 4406', async () => {
      const address = pod.world[family]
      const text = await pod.place.succeed(
        ...(['mariadb', '--no-defaults', '-h', address, '-P', String(MARIADB_PORT), '-u', 'test', '-psecret'] as const),
        ...['-N', '-e', "select repeat('ab', 50000)", 'test'],
      )
      expect(text.trim()).toBe('ab'.repeat(50_000))
      const summary = await carried(address, MARIADB_PORT)
      expect(summary).toMatchObject({ outcome: 'detected', protocol: 'mysql', decidedBy: 'server' })
      expect(summary.bytes.server).toBeGreaterThan(100_000)
    })

    test('a NATS client is greeted on an odd port', async () => {
      const address = `${host(pod.world[family])}:${world.natsPort}`
      const text = await pod.place.succeed(process.execPath, script('clients/nats'), address, 'good day')
      expect(text).toBe('good day\n')
      expect(await carried(pod.world[family], world.natsPort)).toMatchObject({ protocol: 'nats', decidedBy: 'server' })
    })

    test('a mail is delivered', async () => {
      const server = ['--server', pod.world[family], '--port', String(world.smtpPort)]
      const said = await pod.place.succeed('swaks', ...server, '--to', 'you@example.com', '--from', 'me@example.com')
      expect(said).toContain('250 OK')
      expect(await carried(pod.world[family], world.smtpPort)).toMatchObject({ protocol: 'smtp', decidedBy: 'server' })
    })

    test('a gRPC client calls a method', async () => {
      const address = `${host(pod.world[family])}:${PORTS.grpc}`
      const text = await pod.place.succeed(process.execPath, script('clients/grpc'), address, 'hello')
      expect(text).toBe('echo hello\n')
      expect(await carried(pod.world[family], PORTS.grpc)).toMatchObject({ protocol: 'http/2' })
    })

    test('a TLS client checks the certificate of the server itself', async () => {
      const address = pod.world[family]
      const text = await pod.place.succeed(
        ...(['curl', '-sS', '--cacert', `${world.certificateFolder}/certificate.pem`] as const),
        ...['--resolve', `shop.example:${PORTS.https}:${address}`, `https://shop.example:${PORTS.https}/cart`],
      )
      expect(text).toContain('GET /cart')
      const summary = await carried(address, PORTS.https)
      expect(summary).toMatchObject({ protocol: 'tls', decidedBy: 'client', facts: { sni: 'shop.example' } })
    })

    test('a skipped port goes by: nothing of it is counted', async () => {
      const before = await pod.sidecar().metric('tcp_open_total')
      const url = `http://${host(pod.world[family])}:${PORTS.skipped}/`
      expect(await pod.place.succeed('curl', '-sS', url)).toContain('GET /')
      expect(await pod.sidecar().metric('tcp_open_total')).toBe(before)
      expect(await pod.sidecar().metric('tcp_open_total', { target_port: String(PORTS.skipped) })).toBe(0)
    })

    test('a client from outside reaches the workload through it', async () => {
      const address = pod.own[family]
      const text = await world.place.succeed('curl', '-sS', `http://${host(address)}:${APP_PORT}/inbound`)
      expect(text).toContain('GET /inbound')
      const summary = await carried(address, APP_PORT, 'inbound')
      expect(summary).toMatchObject({ protocol: 'http/1', decidedBy: 'client' })
      expect(summary.source).toMatch(`${host(pod.world[family])}:`)
      const { client, server } = summary.bytes
      await pod.app.prints(new RegExp(`"server":"http",.*"read":${client},"written":${server}}`))
    })

    test('a skipped inbound port goes by', async () => {
      const before = await pod.sidecar().metric('tcp_open_total', { direction: 'inbound' })
      const text = await world.place.succeed('curl', '-sS', `http://${host(pod.own[family])}:${SKIPPED_APP_PORT}/`)
      // The workload sees who it is.
      expect(text).toContain(pod.world[family])
      expect(await pod.sidecar().metric('tcp_open_total', { direction: 'inbound' })).toBe(before)
    })

    test('who calls the ports of the proxy itself is refused: nothing goes round', async () => {
      const denied = (): Promise<number> =>
        pod.sidecar().metric('sluice_deny_total', { filter: 'listener', reason: 'loop' })
      const before = await denied()
      const [inbound, outbound] = [
        `http://${host(pod.own[family])}:4143/`,
        `http://${family === 'ipv4' ? '127.0.0.1' : '[::1]'}:4140/`,
      ]
      // curl(1): 56 is a failure while receiving, 52 an empty reply, 7 a reset that came before it had looked at the connection.
      expect([7, 52, 56]).toContain((await world.place.run('curl', ['-sS', inbound])).code)
      expect(await denied()).toBe(before + 1)
      expect([7, 52, 56]).toContain((await pod.place.run('curl', ['-sS', outbound])).code)
      expect(await denied()).toBe(before + 2)
      const { denied: last } = (await pod.sidecar().allClosed()).at(-1)!
      expect(last).toEqual({ filter: 'listener', reason: 'loop' })
    })
  })

  test('after it was killed and started again, new connections work', async () => {
    const url = `http://${pod.world.ipv4}:${PORTS.http}/`
    await pod.sidecar().stop('SIGKILL')
    // curl(1): 7 is a refused connection. The rules are still there.
    expect((await pod.place.run('curl', ['-sS', url])).code).toBe(7)
    const sidecar = await pod.restart()
    expect(await pod.place.succeed('curl', '-sS', url)).toContain('GET /')
    expect(await world.place.succeed('curl', '-sS', `http://${pod.own.ipv4}:${APP_PORT}/`)).toContain('GET /')
    await sidecar.closed(({ destination }) => destination === `${pod.world.ipv4}:${PORTS.http}`)
    await sidecar.closed(({ destination }) => destination === `${pod.own.ipv4}:${APP_PORT}`)
  })
})
