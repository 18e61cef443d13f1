import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { connectNamespaces, inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import type { RunningProgram } from '../support/run-program.js'
import { startNats } from '../support/servers/nats.js'
import { startTellingNginx, type TellingNginx, type Told } from '../support/servers/nginx-telling.js'
import { intercept, Sidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { untilSucceeds } from '../support/until-succeeds.js'

const programs = await needNamespaces('curl', 'nginx', 'nats-server')
const { why } = programs

beforeEach(inNamespaces)

/** How connections come to be the proxy's: what a workload opens, or what is opened to it. */
interface Way {
  readonly direction: 'outbound' | 'inbound'
  readonly mode: 'redirect' | 'tproxy'
}

const WAYS: readonly Way[] = [
  { direction: 'outbound', mode: 'redirect' },
  { direction: 'inbound', mode: 'redirect' },
  { direction: 'inbound', mode: 'tproxy' },
]
const OUT = WAYS[0]!

/** Where somebody connects: an IP literal, and a port. */
interface Target {
  readonly address: string
  readonly port: number
}

/** In YAML. */
interface Setup {
  /** The first filter, with its options. */
  readonly detect?: string
  /** Options of the listener that is asked about, with a comma behind each. */
  readonly more?: string
}

/** A second address of each family for whoever has servers, and for whoever has clients. */
const SECOND = {
  servers: { ipv4: '10.77.1.11', ipv6: 'fd77:1::b' },
  clients: { ipv4: '10.77.1.12', ipv6: 'fd77:1::c' },
}
const GONE_PORT = 8099
const NATS_PORT = 4222

function label({ address, port }: Target): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

async function configuration({ direction, mode }: Way, { detect = 'detect', more = '' }: Setup): Promise<string> {
  const folder = await temporaryFolder('intercepted')
  onTestFinished(() => folder.remove())
  const path = join(folder.path, 'sluice.yaml')
  const filters = `destination: original, filters: [${detect}, http-metrics, http-route, tcp-forward]`
  const [inbound, outbound] = direction === 'inbound' ? [more, ''] : ['', more]
  const lines = [
    'admin: { address: "127.0.0.1:4191" }',
    'listeners:',
    `  - { name: inbound, address: ["0.0.0.0:4143", "[::]:4143"], intercept: ${mode}, direction: inbound, ${inbound} ${filters} }`,
    `  - { name: outbound, address: ["127.0.0.1:4140", "[::1]:4140"], intercept: redirect, direction: outbound, ${outbound} ${filters} }`,
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  // mkdtemp makes it for its owner alone, and the proxy runs as another user.
  await chmod(folder.path, 0o755)
  return path
}

/** Clients on one side of a cable, servers on the other, a proxy between that nobody has asked for. */
async function makeWay(way: Way, setup: Setup = {}) {
  const { direction, mode } = way
  const [pod, world] = [await NetworkNamespace.make('pod'), await NetworkNamespace.make('world')]
  onTestFinished(async () => void (await Promise.all([pod.remove(), world.remove()])))
  const { one, other } = await connectNamespaces(pod, world)
  const isOutbound = direction === 'outbound'
  const [clients, servers] = isOutbound ? [pod, world] : [world, pod]
  const [first, client] = isOutbound ? [other, one] : [one, other]
  for (const [place, { ipv4, ipv6 }, device] of [
    [servers, SECOND.servers, isOutbound ? 'to1a' : 'to1b'],
    [clients, SECOND.clients, isOutbound ? 'to1b' : 'to1a'],
  ] as const) {
    await place.ip('addr', 'add', `${ipv4}/24`, 'dev', device)
    await place.ip('addr', 'add', `${ipv6}/64`, 'dev', device, 'nodad')
  }
  /** Of both families, on two addresses each, two of them with two ports. */
  const targets: readonly Target[] = [first, SECOND.servers].flatMap(({ ipv4, ipv6 }) => [
    { address: ipv4, port: 8081 },
    { address: ipv4, port: 8082 },
    { address: ipv6, port: 8081 },
  ])
  const nginx = async (...addresses: readonly string[]): Promise<TellingNginx> => {
    const started = await startTellingNginx(servers, addresses)
    onTestFinished(() => started.stop())
    return started
  }
  expect(await intercept(pod, '--mode', mode)).toMatchObject({ code: 0 })
  const capabilities = mode === 'tproxy' ? ['net_admin'] : []
  const proxy = await Sidecar.start(pod, { config: await configuration(way, setup), capabilities })
  onTestFinished(async () => void (await proxy.stop('SIGKILL')))
  const opened = (peer: 'src' | 'dst', port?: number): Promise<number> =>
    proxy.metric('tcp_open_total', { direction, peer, ...(port !== undefined && { target_port: String(port) }) })
  return { pod, world, clients, servers, first, client, targets, nginx, proxy, opened, listener: direction }
}

/** One client with one connection: what each of its requests was answered. */
async function ask(place: NetworkNamespace, to: Target, paths: readonly string[], ...more: string[]): Promise<Told[]> {
  const urls = paths.map((path) => `http://${label(to)}${path}`)
  const text = await place.succeed('curl', '-sSfg', '-w', '%{num_connects}\n', ...more, ...urls)
  const lines = text.trimEnd().split('\n')
  expect(lines.filter((_, index) => index % 2 === 1)).toEqual(paths.map((_, index) => (index === 0 ? '1' : '0')))
  return lines.filter((_, index) => index % 2 === 0).map((line) => JSON.parse(line) as Told)
}

/** A client that has connected, and says nothing until it is told what. Then it prints what comes. */
async function silent(place: NetworkNamespace, to: Target): Promise<RunningProgram> {
  const client = startBash(place, to, 'echo connected')
  await client.prints(/connected/)
  return client
}

/** As `silent`, for a server that speaks first. */
async function greeted(place: NetworkNamespace, to: Target, greeting: RegExp): Promise<RunningProgram> {
  const client = startBash(place, to, 'read -r line <&3; echo "$line"')
  await client.prints(greeting)
  return client
}

/** What is told to it is a format of printf(1), in a line. */
function startBash(place: NetworkNamespace, { address, port }: Target, atFirst: string): RunningProgram {
  const script = `exec 3<>/dev/tcp/${address}/${port}; ${atFirst}; read -r text; printf "$text" >&3; exec cat <&3`
  const client = place.start('bash', ['-c', script])
  onTestFinished(async () => void (await client.stop('SIGKILL')))
  return client
}

function tell(client: RunningProgram, ...lines: readonly string[]): void {
  client.child.stdin!.write(`${lines.map((line) => `${line}\\r\\n`).join('')}\n`)
}

describe.skipIf(programs.areMissing).each(WAYS)(
  'http-route where connections go where they were headed, $direction by $mode' + why,
  (way) => {
    test('each request is answered by the server it was headed to, over connections to that server only', async () => {
      const { clients, targets, nginx, proxy, opened } = await makeWay(way)
      const { accepted } = await nginx(...targets.map(label))
      const told: { readonly to: Target; readonly answers: readonly Told[] }[] = []
      for (const round of ['a', 'b', 'c']) {
        const each = targets.map(async (to, index) => {
          const host = round === 'a' ? label(targets[(index + 1) % targets.length]!) : 'shop.example.com'
          const paths = [1, 2, 3].map((number) => `/${round}/${number}`)
          const answers = await ask(clients, to, paths, '-H', `Host: ${host}`)
          expect(answers).toMatchObject(paths.map((path) => ({ ...to, host, line: `GET ${path} HTTP/1.1` })))
          told.push({ to, answers })
        })
        await Promise.all(each)
      }
      const goals = new Map<number, Set<string>>()
      for (const { to, answers } of told)
        for (const { wire } of answers) goals.set(wire, (goals.get(wire) ?? new Set()).add(label(to)))
      expect([...goals.values()].map((labels) => labels.size)).toEqual([...goals].map(() => 1))
      expect(await opened('src')).toBe(3 * targets.length)
      expect(await accepted()).toBe(await opened('dst'))
      expect(await proxy.metric('sluice_http_refused_total')).toBe(0)
    })

    test('a server that speaks first, beside them, is carried as it is', async () => {
      const { clients, servers, first, targets, nginx, proxy, listener } = await makeWay(way)
      await nginx(label(targets[0]!))
      const nats = await startNats(servers.onPort(NATS_PORT))
      onTestFinished(() => nats.stop())
      for (const address of [first.ipv4, first.ipv6]) {
        const to = { address, port: NATS_PORT }
        await ask(clients, targets[0]!, ['/before'])
        const client = await greeted(clients, to, /INFO \{.*\}/)
        tell(client, 'CONNECT {"verbose":false}', 'PING')
        await client.prints(/PONG/)
        await client.stop()
        const summary = await proxy.closed(({ destination }) => destination === label(to))
        expect(summary).toMatchObject({ listener, protocol: 'nats', decidedBy: 'server' })
      }
      await ask(clients, targets[0]!, ['/after'])
    })
  },
)

describe.skipIf(programs.areMissing)('http-route where connections go where they were headed' + why, () => {
  test('connections to one address are shared by all clients, and no others', async () => {
    const { clients, targets, nginx, opened } = await makeWay(OUT, { detect: 'detect: { earlyDial: false }' })
    const { accepted } = await nginx(...targets.map(label))
    const wires = new Set<number>()
    for (const to of targets) {
      const answers = [
        ...(await ask(clients, to, ['/1', '/2'], '-H', 'Host: one')),
        ...(await ask(clients, to, ['/3', '/4'], '-H', 'Host: other')),
        ...(await ask(clients, to, ['/5'], '-d', 'content')),
      ]
      expect(answers.map(({ request }) => request)).toEqual([1, 2, 3, 4, 5])
      expect(new Set(answers.map(({ wire }) => wire)).size).toBe(1)
      wires.add(answers[0]!.wire)
    }
    // And again, the other way round: what is idle is used by whoever is headed there.
    for (const to of [...targets].reverse()) {
      const [answer] = await ask(clients, to, ['/6'])
      expect(answer).toMatchObject({ ...to, request: 6 })
      expect(wires).toContain(answer!.wire)
    }
    expect(wires.size).toBe(targets.length)
    expect([await opened('src'), await accepted()]).toEqual([4 * targets.length, targets.length])
  })

  test('a wire that was dialled early is the first one to that address', async () => {
    const { clients, first, nginx, proxy } = await makeWay(OUT)
    const ends = [
      { address: first.ipv4, port: 8081 },
      { address: first.ipv6, port: 8081 },
    ]
    const { accepted } = await nginx(...ends.map(label))
    const waiting = [await silent(clients, ends[0]!), await silent(clients, ends[1]!)]
    await untilSucceeds(async () => (await accepted()) === 2)
    expect(await proxy.metric('tcp_open_connections', { peer: 'dst' })).toBe(2)
    for (const [index, client] of waiting.entries()) {
      tell(client, 'GET /late HTTP/1.1', 'Host: a', '')
      const [, text] = await client.prints(/(\{"address".*\})/)
      expect(JSON.parse(text!)).toMatchObject({ ...ends[index]!, request: 1, line: 'GET /late HTTP/1.1' })
    }
    expect(await accepted()).toBe(2)
    for (const to of ends) expect(await ask(clients, to, ['/next', '/last'])).toMatchObject([to, to])
    // Whether curl was waited for is a matter of microseconds: no wire but those that were dialled early.
    expect(await accepted()).toBe(await proxy.metric('sluice_early_dial_total', { outcome: 'used' }))
  })

  test('a target in absolute form and CONNECT choose no address to dial', async () => {
    const { clients, first, nginx, opened } = await makeWay(OUT)
    for (const address of [first.ipv4, first.ipv6]) {
      const [to, other] = [
        { address, port: 8081 },
        { address, port: 8083 },
      ]
      await nginx(label(to), label(other))
      const via = ['-x', `http://${label(to)}`]
      const answers = await ask(clients, other, ['/absolute', '/again'], ...via)
      const line = `GET http://${label(other)}/absolute HTTP/1.1`
      expect(answers).toMatchObject([{ ...to, host: label(other), line }, to])
      // nginx agrees to no tunnel. curl(1): 56, for want of one.
      const { code, stdout } = await clients.run('curl', ['-sgpi', ...via, `http://${label(other)}/`])
      expect(code).toBe(56)
      expect(stdout).toMatch(/^HTTP\/1.1 4.*\r\nServer: nginx/)
    }
    expect(await opened('dst', 8083)).toBe(0)
    const [answer] = await ask(clients, { address: first.ipv4, port: 8083 }, ['/'])
    expect(answer).toMatchObject({ port: 8083 })
    expect(await opened('dst', 8083)).toBe(1)
  })

  test('a server that is gone is a 503 that names it, and nobody else has to do with it', async () => {
    const { clients, world, first, nginx, proxy, listener } = await makeWay(OUT, {
      more: 'timeouts: { connect: 500ms },',
    })
    const ends = [first.ipv4, first.ipv6].map((address) => ({ address, port: 8081 }))
    const others = ends.map(({ address }) => ({ address, port: 8082 }))
    const gone = await nginx(...ends.map(label))
    await nginx(...others.map(label))
    for (const to of [...ends, ...others]) await ask(clients, to, ['/'])
    await gone.stop()
    const refused = async (to: Target, ...more: string[]): Promise<string> => {
      const url = `http://${label(to)}/`
      return clients.succeed('curl', '-sSg', '-w', '%{http_code} %{num_connects}\n', ...more, url, url)
    }
    for (const to of ends) {
      const body = `sluice: connect-failed: ${label(to)} could not be connected: connect ECONNREFUSED .*\n`
      expect(await refused(to)).toMatch(new RegExp(`^${escaped(body)}503 1\n${escaped(body)}503 0\n$`))
      expect(await refused(to, '-d', 'content')).toMatch(/503 1\n.*\n503 0\n$/)
    }
    for (const to of others) expect(await ask(clients, to, ['/'])).toMatchObject([to])
    // One that does not even say no.
    await world.succeed('iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', String(GONE_PORT), '-j', 'DROP')
    const mute = { address: first.ipv4, port: GONE_PORT }
    const asked = refused(mute)
    for (const to of others) expect(await ask(clients, to, ['/'])).toMatchObject([to])
    const body = `sluice: connect-failed: ${label(mute)} did not answer within 0.5 s\n`
    expect(await asked).toBe(`${body}503 1\n${body}503 0\n`)
    expect(await proxy.metric('sluice_http_refused_total', { listener, reason: 'connect-failed' })).toBe(10)
    await nginx(...ends.map(label))
    for (const to of ends) expect(await ask(clients, to, ['/'])).toMatchObject([to])
    // To a client that waits for the server's word, it is known before the client has asked.
    const early = await proxy.metric('sluice_early_dial_total', { listener, outcome: 'failed' })
    const late = await silent(clients, { address: first.ipv4, port: GONE_PORT + 1 })
    await untilSucceeds(
      async () => (await proxy.metric('sluice_early_dial_total', { listener, outcome: 'failed' })) > early,
    )
    tell(late, 'GET /late HTTP/1.1', 'Host: a', '')
    await late.prints(/sluice: connect-failed/)
  })

  test('clients whose addresses servers see have connections of their own, to each address', async () => {
    const way = { direction: 'inbound', mode: 'tproxy' } as const
    const { clients, client, targets, nginx, proxy } = await makeWay(way, { more: 'preserveSource: true,' })
    await nginx(...targets.map(label))
    const wires = new Set<number>()
    for (const path of ['/1', '/2'])
      for (const to of targets)
        for (const from of [client, SECOND.clients]) {
          const address = to.address.includes(':') ? from.ipv6 : from.ipv4
          const answers = await ask(clients, to, [path, path], '--interface', address)
          const told = { ...to, client: address, wire: answers[0]!.wire }
          expect(answers).toMatchObject([
            { ...told, request: 1 },
            { ...told, request: 2 },
          ])
          wires.add(told.wire)
        }
    expect(wires.size).toBe(2 * 2 * targets.length)
    await untilSucceeds(async () => (await proxy.metric('tcp_open_connections', { peer: 'dst' })) === 0)
  })

  test('a request without Host says where it was headed, link-local addresses without their zone', async () => {
    const { world, pod, first, nginx } = await makeWay({ direction: 'inbound', mode: 'redirect' })
    await nginx('0.0.0.0:8081', '[::]:8081')
    await untilSucceeds(async () => !(await pod.succeed('ip', '-6', 'addr')).includes('tentative'))
    await untilSucceeds(async () => !(await world.succeed('ip', '-6', 'addr')).includes('tentative'))
    const shown = await pod.succeed('ip', '-6', '-o', 'addr', 'show', 'dev', 'to1b', 'scope', 'link')
    const linkLocal = /inet6 (fe80[^/]*)/.exec(shown)![1]!
    for (const [address, zone] of [
      [first.ipv4, ''],
      [first.ipv6, ''],
      [linkLocal, '%25to1a'],
    ] as const) {
      const [answer] = await ask(world, { address: `${address}${zone}`, port: 8081 }, ['/'], '-0', '-H', 'Host:')
      expect(answer).toMatchObject({ address, host: label({ address, port: 8081 }), line: 'GET / HTTP/1.1' })
    }
  })
})

/** As a regular expression that `.*` is left in. */
function escaped(text: string): string {
  return text.replace(/[[\]()]/g, '\\$&').replace(/\.(?!\*)/g, '\\.')
}
