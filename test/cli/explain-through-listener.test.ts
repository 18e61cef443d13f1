import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { defineExplain } from '../../src/cli/explain.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import { temporaryFolder } from '../support/temporary-folder.js'

/** Nothing of a recording is looked up, dialled or bound. */
vi.mock('node:dns/promises', () => ({ lookup: () => expect.unreachable('a name was looked up') }))

const PLUGIN = `
const options = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const fail = () => { throw new Error('a filter of a plugin was made or asked') }
export default {
  name: 'acme', apiVersion: 1,
  filters: [
    { name: 'acme-quota', options, needs: () => 'protocol', create: fail },
    { name: 'acme-end', options, terminal: true, create: fail },
  ],
}
`

const CONFIG = `
plugins: [./acme.mjs]
upstreams:
  web: { endpoints: ["web-1.internal:8081", "web-2.internal:8081"] }
  found:
    endpoints: [{ srv: _http._tcp.shop }, { dns: "shop:80" }, { file: ./no-such-file.yaml }]
    ejection: {}
    healthCheck: { http: {} }
listeners:
  - name: one-port
    address: 127.0.0.1:443
    filters:
      - detect: { timeout: 5s }
      - tcp-forward:
          routes:
            - { name: ssh, match: { protocol: ssh }, destination: "127.0.0.1:22" }
            - { name: web, match: { protocol: http/1 }, destination: web }
            - { name: db, match: { clientSilent: 1s }, destination: "db.internal:3306" }
  - { name: mail, address: "127.0.0.1:2500", destination: "mail.internal:25" }
  - name: opaque
    address: 127.0.0.1:2600
    destination: x.internal:6000
    filters: [{ port-override: { ports: { 6000: opaque } } }, detect, tcp-forward]
  - name: strict
    address: 127.0.0.1:2700
    destination: x.internal:8080
    filters: [port-override, { detect: { onUnknown: deny, onTimeout: deny, timeout: 3s } }, tcp-forward]
  - { name: plain, address: "127.0.0.1:2701", filters: [detect, echo] }
  - { name: answer, address: "127.0.0.1:2702", filters: [{ direct-response: { body: hi } }] }
  - name: behind-a-proxy
    address: 127.0.0.1:2703
    destination: 127.0.0.1:80
    filters:
      - proxy-protocol: { trusted: [10.0.0.0/8] }
      - detect
      - tcp-forward: { routes: [{ name: vip, match: { source: 203.0.113.0/24 }, destination: "127.0.0.1:81" }] }
  - { name: sidecar, address: "127.0.0.1:4143", intercept: redirect, destination: original }
  - { name: transparent, address: "127.0.0.1:4144", intercept: tproxy, destination: original }
  - { name: quota, address: "127.0.0.1:2704", destination: web, filters: [detect, acme-quota, tcp-forward] }
  - { name: end, address: "127.0.0.1:2705", filters: [acme-end] }
  - { name: found, address: "127.0.0.1:2706", destination: found }
  - name: routed
    address: 127.0.0.1:2707
    destination: web
    filters:
      - detect
      - http-route:
          rules:
            - { name: health, match: { path: /health }, respond: { status: 204 } }
            - { name: orders, match: { pathPrefix: /orders } }
      - tcp-forward
`

const HTTP = 'GET / HTTP/1.1\\r\\n'
const PROXY_HEADER = 'PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\\r\\n'
const GREETING = 'SSH-2.0-OpenSSH_9.6\\r\\n'

interface Explained {
  readonly outcome?: string
  readonly protocol?: string
  readonly decidedBy?: string
  readonly listener: {
    readonly conclusion: string
    readonly destination?: string
    readonly route?: string
    readonly denied?: { readonly filter: string; readonly reason: string }
    readonly trace: readonly { readonly step: string; readonly verdict: string; readonly note: string }[]
    readonly untold: readonly string[]
  }
}

async function explain(...args: string[]): Promise<string> {
  let said = ''
  const io = {
    stdout: { write: (text: string) => (said += text) },
    stderr: { write: (text: string) => expect.unreachable(text) },
    setExitCode: (code: number) => expect(code).toBe(0),
    stdin: expect.unreachable as never,
    writeAnswer: (text: string) => expect.unreachable(text),
  }
  const program = new Command().exitOverride()
  defineExplain(program.command('explain'), io, loadBuiltIns)
  await program.parseAsync(['explain', ...args], { from: 'user' })
  return said
}

async function configFile(): Promise<string> {
  const folder = await temporaryFolder('recorded')
  onTestFinished(() => folder.remove())
  await writeFile(`${folder.path}/acme.mjs`, PLUGIN)
  await writeFile(`${folder.path}/sluice.yaml`, CONFIG)
  return `${folder.path}/sluice.yaml`
}

async function explained(listener: string, ...args: string[]): Promise<Explained> {
  return JSON.parse(await explain(...args, '-c', await configFile(), '--listener', listener, '-o', 'json')) as Explained
}

describe('a recording through a listener is', () => {
  test('routed by the first route that matches', async () => {
    const { listener, ...found } = await explained('one-port', '--client-text', HTTP)
    expect(found).toMatchObject({ outcome: 'detected', protocol: 'http/1', decidedBy: 'client' })
    expect(listener).toMatchObject({ conclusion: 'carried', destination: 'web', route: 'web', untold: [] })
    expect(listener.trace.map(({ step, verdict }) => [step, verdict])).toEqual([
      ['accept', ''],
      ['client', ''],
      ['detected', ''],
      ['detect', 'continue'],
      ['tcp-forward', 'handled'],
    ])
  })

  test.each([
    ['GET /health', [], '204 GET /health, rule health'],
    ['GET /orders/7', [], ' GET /orders/7, rule orders, to web-N'],
    ['POST /orders', [], ' POST /orders, rule orders, to web-N'],
    [
      'GET /orders/7',
      ['--server-text', 'HTTP/1.1 404 None\\r\\nContent-Length: 0\\r\\n\\r\\n'],
      '404 GET /orders/7, rule orders, to web-N',
    ],
  ])('taken by http-route: %s', async (line, server, request) => {
    const text = `${line} HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 0\\r\\n\\r\\n`
    const { listener } = await explained('routed', '--client-text', text, ...server)
    expect(listener).toMatchObject({ conclusion: 'carried', filter: 'http-route' })
    const requests = listener.trace.filter(({ step }) => step === 'request')
    const told = requests.map(({ verdict, note }) => `${verdict} ${note}`)
    // Either endpoint: by power of two choices.
    expect(told.map((one) => one.replace(/web-[12]\.internal:8081$/, 'web-N'))).toEqual([request])
  })

  test('denied where no route matches, and told so in words', async () => {
    const text = await explain('--client-text', 'BOO\\x00\\xff', '-c', await configFile(), '--votes')
    expect(text).toMatch(/^recorded {2}one-port {2}unknown$/m)
    expect(text).toContain(
      'denied by tcp-forward: no-route\n  no route matches it, and the listener has no destination for the rest\n  after 5 bytes of the client and 0 bytes of the server\n',
    )
    expect(text).toMatch(/^ {2}http\/1 +no +byte 3 \(0x00 is no token character\)$/m)
  })

  test('named by its port, without a look', async () => {
    const { listener, ...found } = await explained('mail', '--client-text', HTTP)
    expect(found).toMatchObject({ protocol: 'smtp', decidedBy: 'port', bytes: { client: 0, server: 0 } })
    expect(listener).toMatchObject({ conclusion: 'carried', destination: 'mail.internal:25' })
    expect(listener.trace).toContainEqual(expect.objectContaining({ step: 'port-override', note: '25 is smtp' }))
  })

  test('carried as opaque where its port says so', async () => {
    expect(await explained('opaque', '--client-text', HTTP)).toMatchObject({ protocol: 'opaque', decidedBy: 'port' })
    const text = await explain('--client-text', HTTP, '-c', await configFile(), '--listener', 'opaque')
    expect(text).toMatch(/^carried to x\.internal:6000, as opaque, by the port$/m)
  })

  test('denied by detection that is told to, with the port that is not listed', async () => {
    const { listener } = await explained('strict', '--client-text', 'BOO\\x00\\xff')
    expect(listener).toMatchObject({ conclusion: 'denied', denied: { filter: 'detect', reason: 'unknown' } })
    expect(listener.trace).toContainEqual(
      expect.objectContaining({ step: 'port-override', note: '8080 is not listed' }),
    )
  })

  test('answered, or carried by a filter that is no tcp-forward', async () => {
    const file = await configFile()
    expect(await explain('--client-text', HTTP, '-c', file, '--listener', 'answer')).toContain(
      'answered by direct-response, as opaque (not looked at)\n',
    )
    expect(await explain('--client-text', HTTP, '-c', file, '--listener', 'plain')).toContain(
      'carried by echo, as http/1\n',
    )
  })

  test('carried by the default chain, on the port that it was headed to', async () => {
    const text = await explain('--client-text', HTTP, '--destination', '192.0.2.7:587')
    expect(text).toContain('carried to 192.0.2.7:587, as smtp, by the port\n')
  })

  test('carried to an upstream whose endpoints would have to be found: nobody is asked for them', async () => {
    const { listener } = await explained('found', '--client-text', HTTP)
    expect(listener).toMatchObject({ conclusion: 'carried', destination: 'found' })
  })

  test('as long as the window is looked at, and no longer', async () => {
    const long = `${'\\xff'.repeat(20)}${'a'.repeat(200_000)}`
    expect(await explained('plain', '--client-text', long)).toMatchObject({ outcome: 'unknown' })
  })
})

describe('what a recording cannot tell is said:', () => {
  test('it ended before it was enough, and what happens when nothing more comes', async () => {
    const { listener, outcome } = await explained('strict', '--client-text', 'GET /')
    expect(outcome).toBe('timeout')
    expect(listener).toMatchObject({
      denied: { filter: 'detect', reason: 'timeout' },
      untold: [
        expect.stringMatching(/^The recording ended before it was enough; .* where nothing more comes for 3s\.$/),
      ],
    })
  })

  test('the client is taken to have waited for a server that spoke first', async () => {
    const { listener, ...found } = await explained('one-port', '--server-text', GREETING)
    expect(found).toMatchObject({ protocol: 'ssh', decidedBy: 'server' })
    expect(listener).toMatchObject({ conclusion: 'carried', destination: 'db.internal:3306', route: 'db' })
    expect(listener.untold).toEqual([expect.stringMatching(/the client is taken to have waited for it, 1s\./)])
  })

  test('a server that is never dialled is heard by nobody', async () => {
    const { listener } = await explained('plain', '--client-text', HTTP, '--server-text', 'hello')
    expect(listener.untold).toEqual([expect.stringMatching(/^5 bytes of the server were heard by nobody/)])
  })

  test('where the client came from, until it is said', async () => {
    const text = `${PROXY_HEADER}${HTTP}`
    const { listener } = await explained('behind-a-proxy', '--client-text', text)
    expect(listener).toMatchObject({ denied: { filter: 'proxy-protocol', reason: 'untrusted' } })
    expect(listener.untold).toEqual([expect.stringContaining('--source ADDRESS says it')])

    const told = await explained('behind-a-proxy', '--client-text', text, '--source', '10.1.1.1')
    expect(told).toMatchObject({ protocol: 'http/1', bytes: { client: 16 } })
    expect(told.listener).toMatchObject({ conclusion: 'carried', route: 'vip', untold: [] })
  })

  test.each(['sidecar', 'transparent'])('where it was headed, until it is said: %s', async (name) => {
    const { listener } = await explained(name, '--client-text', HTTP)
    expect(listener).toMatchObject({ conclusion: 'carried' })
    expect(listener).not.toHaveProperty('destination')
    expect(listener.trace).toContainEqual(
      expect.objectContaining({ step: 'port-override', note: 'the port is not known' }),
    )
    expect(listener.untold).toEqual([expect.stringContaining('--destination HOST:PORT says it')])

    const told = await explained(name, '--client-text', HTTP, '--destination', '10.0.0.7:3306')
    expect(told).toMatchObject({ protocol: 'mysql', decidedBy: 'port' })
    expect(told.listener).toMatchObject({ destination: '10.0.0.7:3306', untold: [] })
  })

  test('filters of plugins are not run: they need what they need, and let pass', async () => {
    const { listener, ...found } = await explained('quota', '--client-text', HTTP)
    expect(found).toMatchObject({ protocol: 'http/1' })
    expect(listener).toMatchObject({ conclusion: 'carried', destination: 'web' })
    expect(listener.trace[0]!.note).toContain('withheld until the protocol is known')
    expect(listener.untold).toEqual([expect.stringMatching(/^acme-quota is the filter of a plugin/)])
    expect((await explained('end', '--client-text', HTTP)).listener).toMatchObject({ conclusion: 'left' })
  })
})

test.each([
  [['--source', 'client.example'], '--source: expected an IP address'],
  [['--destination', '10.0.0.7'], '--destination: expected host:port'],
  [['--listener', 'mail', '--destination', '10.0.0.7:25'], 'the listener "mail" says itself where its connections go'],
  [['--listener', 'nobody'], 'no listener "nobody"'],
])('refuses %j', async (args, message) => {
  await expect(explain('--client-text', 'x', '-c', await configFile(), ...args)).rejects.toThrow(message)
})
