import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { nativeAddon } from '../../src/core/native/native-addon.js'
import { connectNamespaces, inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import type { RunningProgram } from '../support/run-program.js'
import { intercept, Sidecar } from '../support/sidecar.js'
import { sluiceWithoutAddon } from '../support/sluice-without-addon.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = await needNamespaces('curl')
const { why } = programs

beforeEach(inNamespaces)

const WORLD = fileURLToPath(new URL('../support/servers/world.mjs', import.meta.url))
const PARENT = fileURLToPath(new URL('../support/transparent-parent.mjs', import.meta.url))
const APP_PORT = 8080
const SKIPPED_PORT = 9001

const families = ['ipv4', 'ipv6'] as const

function host(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** As Node shows the peer of a socket of both families. */
function seen(address: string): string {
  return address.includes(':') ? address : `::ffff:${address}`
}

async function namespace(purpose: string): Promise<NetworkNamespace> {
  const made = await NetworkNamespace.make(purpose)
  onTestFinished(() => made.remove())
  return made
}

/** An HTTP server that answers with the address of its client. */
async function application(place: NetworkNamespace, bind = '::'): Promise<RunningProgram> {
  const app = place.start(process.execPath, [WORLD, bind, '-', '-', `http=${APP_PORT}`, `http=${SKIPPED_PORT}`])
  onTestFinished(async () => void (await app.stop()))
  await app.prints(/"listening"/)
  return app
}

/** A configuration with an intercepting listener beside the admin endpoint, and more of them. */
async function configuration(listener: string, ...more: readonly string[]): Promise<string> {
  const folder = await temporaryFolder('tproxy')
  onTestFinished(() => folder.remove())
  const path = join(folder.path, 'sluice.yaml')
  const lines = [
    'admin: { address: "127.0.0.1:4191" }',
    'listeners:',
    `  - { name: inbound, destination: original, ${listener} }`,
    ...more.map((one) => `  - ${one}`),
  ]
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o644 })
  // mkdtemp makes it for its owner alone, and the proxy runs as another user.
  await chmod(folder.path, 0o755)
  return path
}

async function sidecar(place: NetworkNamespace, ...listeners: [string, ...string[]]): Promise<Sidecar> {
  const started = await Sidecar.start(place, { config: await configuration(...listeners), capabilities: ['net_admin'] })
  onTestFinished(async () => void (await started.stop('SIGKILL')))
  return started
}

/** TPROXY is for what comes in: what goes out is redirected. */
const OUTBOUND =
  '{ name: outbound, destination: original, intercept: redirect, address: ["127.0.0.1:4140", "[::1]:4140"] }'

const BOTH_FAMILIES = 'address: ["0.0.0.0:4143", "[::]:4143"]'

describe.skipIf(programs.areMissing).each(['nft', 'legacy'])(
  'TPROXY, with rules of iptables-%s' + why,
  (iptablesMode) => {
    const rules = ['--iptables-mode', iptablesMode, '--mode', 'tproxy', '--skip-inbound-ports', String(SKIPPED_PORT)]

    test.each(families)('beside a workload: it sees the address of its client, over %s', async (family) => {
      const [pod, world] = [await namespace('pod'), await namespace('world')]
      const { one, other } = await connectNamespaces(pod, world)
      await application(pod)
      await application(world)
      expect(await intercept(pod, ...rules)).toMatchObject({ code: 0 })
      const proxy = await sidecar(pod, `${BOTH_FAMILIES}, intercept: tproxy, preserveSource: true`, OUTBOUND)
      const url = `http://${host(one[family])}`
      expect(await world.succeed('curl', '-sS', '-d', 'x'.repeat(100_000), `${url}:${APP_PORT}/a`)).toBe(
        `POST /a of ${seen(other[family])}\n`,
      )
      const summary = await proxy.closed(({ destination }) => destination === `${host(one[family])}:${APP_PORT}`)
      expect(summary).toMatchObject({ listener: 'inbound', outcome: 'detected', protocol: 'http/1' })
      expect(summary.source).toMatch(`${host(other[family])}:`)
      expect(summary.bytes.client).toBeGreaterThan(100_000)
      // The workload calls out itself: the answers are none of TPROXY's business.
      expect(await pod.succeed('curl', '-sS', `http://${host(other[family])}:${APP_PORT}/out`)).toContain('GET /out')
      await proxy.closed(({ listener }) => listener === 'outbound')
      expect(await proxy.metric('tcp_open_total', { peer: 'src' })).toBe(2)
      const opened = await proxy.metric('tcp_open_total')
      expect(await world.succeed('curl', '-sS', `${url}:${SKIPPED_PORT}/b`)).toContain('GET /b')
      expect(await proxy.metric('tcp_open_total')).toBe(opened)
    })

    test('beside a workload: without preserveSource it sees the proxy', async () => {
      const [pod, world] = [await namespace('pod'), await namespace('world')]
      const { one } = await connectNamespaces(pod, world)
      await application(pod)
      await intercept(pod, ...rules)
      const proxy = await sidecar(pod, `${BOTH_FAMILIES}, intercept: tproxy`)
      const text = await world.succeed('curl', '-sS', `http://${one.ipv4}:${APP_PORT}/`)
      expect(text).toBe(`GET / of ${seen(one.ipv4)}\n`)
      expect(await proxy.metric('tcp_open_total', { peer: 'src', target_port: String(APP_PORT) })).toBe(1)
    })

    test.each(families)('on the way between two networks: each sees the other, over %s', async (family) => {
      const [client, router, server] = [await namespace('client'), await namespace('router'), await namespace('server')]
      const near = await connectNamespaces(client, router, 1)
      const far = await connectNamespaces(server, router, 2)
      for (const key of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'])
        await router.succeed('sysctl', '-qw', key)
      await application(server)
      expect(await intercept(router, ...rules, '--no-outbound')).toMatchObject({ code: 0 })
      const proxy = await sidecar(router, `${BOTH_FAMILIES}, intercept: tproxy, preserveSource: true`)
      const url = `http://${host(far.one[family])}`
      const body = 'x'.repeat(100_000)
      const said = await client.succeed('curl', '-sS', '-d', body, `${url}:${APP_PORT}/`)
      expect(said).toBe(`POST / of ${seen(near.one[family])}\n`)
      const summary = await proxy.closed(({ destination }) => destination === `${host(far.one[family])}:${APP_PORT}`)
      expect(summary.bytes.client).toBeGreaterThan(body.length)
      // What is skipped is forwarded as if nobody were here.
      const opened = await proxy.metric('tcp_open_total')
      expect(await client.succeed('curl', '-sS', `${url}:${SKIPPED_PORT}/`)).toContain(seen(near.one[family]))
      expect(await proxy.metric('tcp_open_total')).toBe(opened)
    })

    test('a connection to the proxy itself is refused', async () => {
      const [pod, world] = [await namespace('pod'), await namespace('world')]
      const { one } = await connectNamespaces(pod, world)
      await intercept(pod, ...rules)
      const proxy = await sidecar(pod, `${BOTH_FAMILIES}, intercept: tproxy, preserveSource: true`)
      expect([7, 52, 56]).toContain((await world.run('curl', ['-sS', `http://${one.ipv4}:4143/`])).code)
      expect(await proxy.metric('sluice_deny_total', { filter: 'listener', reason: 'loop' })).toBe(1)
      expect(await proxy.metric('tcp_open_total')).toBe(1)
    })
  },
)

describe.skipIf(programs.areMissing)('TPROXY' + why, () => {
  test.each(families)(
    'takes what is new to a server on one address, and leaves what was there, over %s',
    async (family) => {
      const [pod, world] = [await namespace('pod'), await namespace('world')]
      const { one } = await connectNamespaces(pod, world)
      // A socket that listens on one address is found by the packets to it, one that listens on all is not.
      await application(pod, one[family])
      const script = `exec 3<>/dev/tcp/${one[family]}/${APP_PORT}; echo connected; read -r _; printf 'GET /old HTTP/1.0\\r\\n\\r\\n' >&3; exec cat <&3`
      const old = world.start('bash', ['-c', script])
      onTestFinished(async () => void (await old.stop('SIGKILL')))
      await old.prints(/connected/)
      expect(await intercept(pod, '--mode', 'tproxy')).toMatchObject({ code: 0 })
      const proxy = await sidecar(pod, `${BOTH_FAMILIES}, intercept: tproxy`, OUTBOUND)
      old.child.stdin!.write('\n')
      await old.prints(/GET \/old of/)
      expect(await proxy.metric('tcp_open_total', { peer: 'src' })).toBe(0)
      const url = `http://${host(one[family])}:${APP_PORT}/new`
      expect(await world.succeed('curl', '-sSg', url)).toContain('GET /new of')
      expect(await proxy.metric('tcp_open_total', { peer: 'src', target_port: String(APP_PORT) })).toBe(1)
    },
  )

  test('works without the addon where the parent process passes a transparent socket in', async () => {
    const [pod, world] = [await namespace('pod'), await namespace('world')]
    const { one } = await connectNamespaces(pod, world)
    await application(pod)
    await intercept(pod, '--mode', 'tproxy', '--no-outbound', '--no-ipv6')
    const config = await configuration('address: "fd:3", intercept: tproxy')
    const { file } = nativeAddon() as { file: string }
    const main = await sluiceWithoutAddon()
    const parent = pod.start(process.execPath, [
      ...[PARENT, file, '0.0.0.0', '4143'],
      ...[process.execPath, main, 'run', '-c', config, '--log-format', 'json'],
    ])
    onTestFinished(async () => void (await parent.stop()))
    await parent.prints(/"msg":"ready"/)
    expect(await world.succeed('curl', '-sS', `http://${one.ipv4}:${APP_PORT}/`)).toContain('GET / of')
    const closed = await pod.succeed('curl', '-sS', 'http://127.0.0.1:4191/connections/closed')
    expect(JSON.parse(closed)).toMatchObject({
      connections: [{ destination: `${one.ipv4}:${APP_PORT}`, protocol: 'http/1' }],
    })
  })

  test('is refused at start without the privilege, and says which one', async () => {
    const pod = await namespace('pod')
    for (const listener of [
      `${BOTH_FAMILIES}, intercept: tproxy`,
      `${BOTH_FAMILIES}, intercept: redirect, preserveSource: true`,
    ]) {
      const started = Sidecar.start(pod, { config: await configuration(listener) })
      await expect(started).rejects.toThrow(/needs the capability CAP_NET_ADMIN/)
    }
  })
})
