import { readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { connectNamespaces, inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import { intercept, Sidecar, type SidecarOptions } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { untilSucceeds } from '../support/until-succeeds.js'

const programs = await needNamespaces('curl')

const READY = 'http://127.0.0.1:4191/ready'

const WORLD = fileURLToPath(new URL('../support/servers/world.mjs', import.meta.url))
const PORTS = [8080, 8081] as const
const SIDECAR = readFileSync(new URL('../../config/sidecar.yaml', import.meta.url), 'utf8')

beforeEach(inNamespaces)

async function configuration(text: string): Promise<string> {
  const folder = await temporaryFolder('interception')
  onTestFinished(() => folder.remove())
  const path = join(folder.path, 'sluice.yaml')
  await writeFile(path, text)
  // mkdtemp makes it for its owner alone, and the proxy runs as another user.
  await chmod(folder.path, 0o755)
  return path
}

/** A pod and the world, with an HTTP server on two ports each; rules, and a proxy. */
async function makePod(
  rules: readonly string[],
  { isWithoutIpv6 = false, ...options }: SidecarOptions & { readonly isWithoutIpv6?: boolean } = {},
) {
  const [pod, world] = [await NetworkNamespace.make('pod'), await NetworkNamespace.make('world')]
  onTestFinished(async () => void (await Promise.all([pod.remove(), world.remove()])))
  const { one, other } = await connectNamespaces(pod, world)
  for (const place of [pod, world]) {
    const server = place.start(process.execPath, [WORLD, '::', '-', '-', ...PORTS.map((port) => `http=${port}`)])
    onTestFinished(async () => void (await server.stop()))
    await server.prints(/"listening"/)
  }
  // As container runtimes have it where a cluster has no IPv6: not even on the loopback interface.
  if (isWithoutIpv6) await pod.succeed('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
  expect(await intercept(pod, ...rules)).toMatchObject({ code: 0 })
  const proxy = await Sidecar.start(pod, options)
  onTestFinished(async () => void (await proxy.stop('SIGKILL')))
  const fetch = async (from: NetworkNamespace, host: string, port: number): Promise<void> => {
    expect(await from.succeed('curl', '-sS', `http://${host.includes(':') ? `[${host}]` : host}:${port}/`)).toContain(
      'GET /',
    )
  }
  const taken = (direction: string, port?: number): Promise<number> =>
    proxy.metric('tcp_open_total', { direction, peer: 'src', ...(port !== undefined && { target_port: String(port) }) })
  return { pod, world, own: one, other, proxy, fetch, taken }
}

describe.skipIf(programs.areMissing)('rules of sluice intercept' + programs.why, () => {
  test('leave ignored subnets alone, both ways, and take the rest', async () => {
    const { pod, world, own, other, fetch, taken } = await makePod(['--subnets-to-ignore', '10.77.0.0/16'])
    for (const [from, to] of [
      [pod, other],
      [world, own],
    ] as const) {
      await fetch(from, to.ipv4, 8080)
      await fetch(from, to.ipv6, 8081)
    }
    for (const direction of ['outbound', 'inbound']) {
      expect(await taken(direction, 8080)).toBe(0)
      expect(await taken(direction, 8081)).toBe(1)
    }
  })

  test('take the ports that are included, and no others', async () => {
    const include = ['--include-inbound-ports', '8000,8080', '--include-outbound-ports', '8081-8090']
    const { pod, world, own, other, fetch, taken } = await makePod(include)
    for (const port of PORTS) {
      await fetch(pod, other.ipv4, port)
      await fetch(world, own.ipv6, port)
    }
    expect([await taken('outbound', 8080), await taken('outbound', 8081)]).toEqual([0, 1])
    expect([await taken('inbound', 8080), await taken('inbound', 8081)]).toEqual([1, 0])
  })

  test.each([
    ['redirect', []],
    ['tproxy', ['net_admin']],
  ])('bring both families to one socket, by %s', async (mode, capabilities) => {
    const config = await configuration(`
admin: { address: "127.0.0.1:4191" }
listeners:
  - { name: inbound, address: ":4143", intercept: ${mode}, destination: original }
  - { name: outbound, direction: outbound, address: ":4140", intercept: redirect, destination: original }
`)
    const { pod, world, own, other, proxy, fetch } = await makePod(['--mode', mode], { config, capabilities })
    for (const [from, to, listener] of [
      [pod, other, 'outbound'],
      [world, own, 'inbound'],
    ] as const) {
      await fetch(from, to.ipv4, 8080)
      await proxy.closed((one) => one.listener === listener && one.destination === `${to.ipv4}:8080`)
      await fetch(from, to.ipv6, 8081)
      await proxy.closed((one) => one.listener === listener && one.destination === `[${to.ipv6}]:8081`)
    }
  })

  test('bring connections to link-local addresses in, and leave those out alone: they cannot be redirected', async () => {
    const { pod, world, proxy, taken } = await makePod([])
    const linkLocal = async (place: NetworkNamespace, device: string): Promise<string> => {
      const shown = await place.succeed('ip', '-6', '-o', 'addr', 'show', 'dev', device, 'scope', 'link')
      return /inet6 (fe80[^/]*)/.exec(shown)![1]!
    }
    await untilSucceeds(async () => !(await pod.succeed('ip', '-6', 'addr')).includes('tentative'))
    const inbound = await linkLocal(pod, 'to1b')
    expect(await world.succeed('curl', '-sS', `http://[${inbound}%25to1a]:8080/`)).toContain('GET /')
    await proxy.closed(({ destination }) => destination === `[${inbound}%to1b]:8080`)
    const outbound = await linkLocal(world, 'to1a')
    await untilSucceeds(async () => !(await world.succeed('ip', '-6', 'addr')).includes('tentative'))
    expect(await pod.succeed('curl', '-sS', `http://[${outbound}%25to1b]:8080/`)).toContain('GET /')
    expect(await taken('outbound')).toBe(0)
  })

  test.each([
    ['redirect', []],
    ['tproxy', ['net_admin']],
  ])(
    'do with IPv4 where there is no IPv6, and so does the configuration of a sidecar, by %s',
    async (mode, capabilities) => {
      const config = mode === 'redirect' ? undefined : await configuration(SIDECAR.replace('redirect', 'tproxy'))
      const { pod, world, own, other, proxy, fetch, taken } = await makePod(['--mode', mode], {
        ...(config !== undefined && { config }),
        capabilities,
        isWithoutIpv6: true,
      })
      await fetch(pod, other.ipv4, 8080)
      await fetch(world, own.ipv4, 8080)
      expect([await taken('outbound', 8080), await taken('inbound', 8080)]).toEqual([1, 1])
      expect(proxy.output).toContain('this machine has no IPv6')
      expect(await pod.succeed('ip6tables-nft-save')).not.toContain('SLUICE')
    },
  )

  test('leave what the workload says to itself alone', async () => {
    const { pod, own, fetch, taken } = await makePod([])
    for (const host of ['127.0.0.1', '::1', own.ipv4, own.ipv6]) await fetch(pod, host, 8080)
    expect([await taken('outbound'), await taken('inbound')]).toEqual([0, 0])
  })

  test(
    'serve a workload that drains: what comes in stops after the delay, what goes out goes on to the end',
    { timeout: 60_000 },
    async () => {
      const { pod, world, own, other, proxy, fetch } = await makePod(['--skip-inbound-ports', '4191'])
      const held = pod.start('bash', ['-c', `exec 3<>/dev/tcp/${other.ipv4}/8080; echo held; read -r _ <&3`])
      onTestFinished(async () => void (await held.stop('SIGKILL')))
      await held.prints(/held/)
      await untilSucceeds(async () => (await proxy.metric('tcp_open_connections', { peer: 'dst' })) === 1)
      const ended = proxy.stop('SIGTERM', { limitMs: 60_000 })
      await untilSucceeds(async () => (await pod.run('curl', ['-sf', READY])).code === 22)
      // curl(1): 7 is a refused connection.
      await untilSucceeds(async () => (await world.run('curl', ['-s', `http://${own.ipv4}:8080/`])).code === 7)
      await fetch(pod, other.ipv4, 8081)
      await held.stop('SIGKILL')
      expect(await ended).toBe(0)
    },
  )

  test('that name another user than the proxy runs as: what comes back is refused after one hop', async () => {
    const { pod, other, proxy } = await makePod(['--proxy-uid', '9999'])
    expect([7, 52, 56]).toContain((await pod.run('curl', ['-sS', `http://${other.ipv4}:8080/`])).code)
    expect(await proxy.metric('sluice_deny_total', { listener: 'outbound', filter: 'listener', reason: 'loop' })).toBe(
      1,
    )
    expect(await proxy.metric('tcp_open_total', { direction: 'outbound', peer: 'src' })).toBe(2)
    expect(await proxy.metric('tcp_open_connections')).toBe(0)
  })

  test('that name the group of the proxy instead leave its connections alone, too', async () => {
    const { pod, other, fetch, taken } = await makePod(['--proxy-uid', '9999', '--proxy-gid', '2102'])
    await fetch(pod, other.ipv4, 8080)
    expect(await taken('outbound', 8080)).toBe(1)
  })
})
