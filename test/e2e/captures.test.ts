import { on } from 'node:events'
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { expectSameAsTshark } from '../support/captures/expect-same-as-tshark.js'
import { explainPcap } from '../support/captures/explain-pcap.js'
import { type ReadFlow, readFlows } from '../support/captures/read-flows.js'
import { startTcpdump } from '../support/captures/tcpdump.js'
import { mayMakeNamespaces, lossyPath } from '../support/captures/lossy-path.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram, startProgram } from '../support/run-program.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNginx } from '../support/servers/nginx.js'
import { startServers } from '../support/start-server.js'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms(
  'tshark',
  'tcpdump',
  'curl',
  'openssl',
  'nginx (libnginx-mod-stream)',
  'mariadbd (mariadb-server)',
  'mariadb (mariadb-client)',
  'mariadb-install-db (mariadb-server)',
)
const pathPrograms = needPrograms('tshark', 'tcpdump', 'curl', 'ip (iproute2)', 'iptables', 'ip6tables (iptables)')
const namespaces = pathPrograms.areMissing ? pathPrograms : await mayMakeNamespaces()

let folder: TemporaryFolder
beforeAll(async () => (folder = await temporaryFolder('captures')))
afterAll(() => folder.remove())

/** What closes a connection is sent again, too, where it is lost. */
const CLOSE_LIMIT_MS = 20_000

/** Settles when so many flows of a file that is being written are over, or when they should be. */
async function untilClosed(file: string, count: number): Promise<void> {
  const watcher = watch(file)
  const signal = AbortSignal.timeout(CLOSE_LIMIT_MS)
  const changes = on(watcher, 'change', { signal })
  try {
    while (closedFlows(await readFile(file)) < count) await changes.next()
  } catch (error) {
    // A busy kernel may leave the last packets out of a capture: then tshark has none of them either.
    if (!signal.aborted) throw error
  } finally {
    watcher.close()
  }
}

function closedFlows(file: Uint8Array): number {
  return readFlows(file).flows.filter(({ flow }) => flow.closing !== 'open').length
}

/** A busy kernel may leave packets out of a capture: then tshark and we both say so, and the gap counts. */
function saidByServer({ events }: ReadFlow): number {
  return events.filter(({ side }) => side === 'server').reduce((sum, { bytes }) => sum + bytes, 0)
}

describe.skipIf(programs.areMissing)(`captures of real programs on the loopback interface${programs.why}`, () => {
  test('curl, openssl and mariadb are named, and their bytes are those of tshark', async () => {
    const [nginx, mariadb] = await startServers(startNginx, startMariadb)
    onTestFinished(async () => void (await Promise.all([nginx.stop(), mariadb.stop()])))
    const ports = [nginx.port, nginx.tlsPort, mariadb.port]
    const filter = ports.map((port) => `tcp port ${port}`).join(' or ')
    const file = join(folder.path, 'loopback.pcap')
    const capturing = await startTcpdump(file, ['-i', 'lo', filter])
    onTestFinished(() => void capturing.stop())

    const big = await runProgram('curl', ['-s', `http://127.0.0.1:${nginx.port}/big`])
    const hello = await runProgram('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${nginx.tlsPort}`,
      '-servername',
      'shop.example.com',
    ])
    const login = [
      '--no-defaults',
      '-h',
      '127.0.0.1',
      '-P',
      String(mariadb.port),
      '-u',
      'test',
      '-psecret',
      '--skip-ssl',
    ]
    const query = await runProgram('mariadb', [...login, '-e', 'select 6*7'])
    expect([big.code, hello.code, query.code]).toEqual([0, 0, 0])
    await untilClosed(file, 3)
    await capturing.stop()

    const flows = await expectSameAsTshark(file, 'whole')
    expect(saidByServer(flows[0]!)).toBeGreaterThan(3 * 1024 * 1024)
    const { lines, code } = await explainPcap(file)
    expect(code).toBe(0)
    expect(lines).toMatchObject([
      { outcome: 'detected', protocol: 'http/1', decidedBy: 'client', server: `127.0.0.1:${nginx.port}` },
      { outcome: 'detected', protocol: 'tls', decidedBy: 'client', facts: { sni: 'shop.example.com' } },
      { outcome: 'detected', protocol: 'mysql', decidedBy: 'server', beginning: 'syn' },
      { summary: { flows: 3, named: 3, opaque: 0, withGaps: 0 } },
    ])
  })
})

const BODY_BYTES = 300_000
/** What is lost is sent again after a timeout of TCP's, which doubles each time; what the kernel leaves out of a capture is captured anew. */
const LOSSY = { timeout: 90_000, retry: 2 }
const SERVE = `require('node:http').createServer((request, response) => response.end(Buffer.alloc(${BODY_BYTES}, request.url)))
  .listen(8000, '::', () => console.log('ready'))`

describe.skipIf(namespaces.areMissing)(`captures behind a path that loses packets${namespaces.why}`, LOSSY, () => {
  test.for([
    ['Ethernet', ['-i', 'path']],
    ['all interfaces, Linux cooked', ['-i', 'any', '-y', 'LINUX_SLL']],
    ['all interfaces, Linux cooked version 2', ['-i', 'any', '-y', 'LINUX_SLL2']],
    ['all interfaces, nanoseconds', ['-i', 'any', '--time-stamp-precision=nano']],
  ] as const)('%s: what was sent again and out of order is as tshark has it', async ([title, args]) => {
    const path = await lossyPath()
    onTestFinished(() => path.stop())
    const [ip, ...rest] = [...path.inServer, process.execPath, '-e', SERVE]
    const server = startProgram(ip, rest)
    onTestFinished(async () => void (await server.stop()))
    await server.prints(/ready/)
    const file = join(folder.path, `${title}.pcap`)
    const capturing = await startTcpdump(file, [...args, 'tcp'], path.inClient)
    onTestFinished(() => void capturing.stop())

    for (const host of [path.ipv4, `[${path.ipv6}]`]) {
      const [command, ...words] = [...path.inClient, 'curl', '-sg', '-H', 'Connection: close', `http://${host}:8000/x`]
      const { code, stdout } = await runProgram(command, words)
      expect([code, stdout.length]).toEqual([0, BODY_BYTES])
    }
    await untilClosed(file, 2)
    await capturing.stop()

    const flows = await expectSameAsTshark(file, 'whole')
    for (const flow of flows) expect(saidByServer(flow)).toBeGreaterThan(BODY_BYTES)
    const { stdout } = await runProgram('tshark', [
      '-n',
      '-r',
      file,
      '-Y',
      'tcp.analysis.out_of_order || tcp.analysis.retransmission',
    ])
    expect(stdout.split('\n').length, 'packets that came out of order or again').toBeGreaterThan(10)
    expect((await explainPcap(file)).lines).toMatchObject([{ protocol: 'http/1' }, { protocol: 'http/1' }, {}])
  })
})
