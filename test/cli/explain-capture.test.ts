import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FlowReader } from '../../src/captures/flow-reader.js'
import { FlowList, type ListBounds } from '../../src/cli/flow-list.js'
import type { FlowReport } from '../../src/cli/flow-report.js'
import { recordedDetection } from '../../src/cli/recorded-detection.js'
import { registryOf } from '../../src/core/config/registry.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { pcapFile, PcapngBlocks, recorded } from '../support/captures/capture-files.js'
import { Conversation, type ConversationOptions, type Sent, tcpBytes } from '../support/captures/conversation.js'
import { explainPcap, runExplain } from '../support/captures/explain-pcap.js'
import { ethernet } from '../support/captures/frames.js'
import { ipv4, ipv6 } from '../support/captures/ip-packets.js'
import { bytesOf, hex } from '../support/captures/numbers.js'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js'

let folder: TemporaryFolder
beforeAll(async () => (folder = await temporaryFolder('explain-pcap')))
afterAll(() => folder.remove())

const REQUEST = 'GET /orders HTTP/1.1\r\nHost: shop.example\r\n\r\n'
/** Protocol 10, version 8.0.35, and what else MySQL's greeting has (Protocol::HandshakeV10). */
const GREETING = bytesOf(
  hex('4a000000 0a'),
  Buffer.from('8.0.35\0'),
  hex('0b000000'),
  Buffer.from('abcdefgh\0'),
  hex('fff7 ff 0200 ffdf 15 00000000000000000000'),
  Buffer.from('ijklmnopqrst\0mysql_native_password\0'),
)

const HOSTS = ['10.1.2.3', '10.0.0.9'] as const

/** The frames of a conversation between two hosts. */
function frames(talk: Conversation, segments: readonly Sent[], hosts: readonly [string, string] = HOSTS): Uint8Array[] {
  return segments.map((sent) => {
    const [source, destination] = sent.from === 'client' ? hosts : [hosts[1], hosts[0]]
    const ip = source.includes(':') ? ipv6 : ipv4
    return ethernet()(ip(source, destination, tcpBytes(talk, sent)))
  })
}

function web(options: ConversationOptions = {}): Uint8Array[] {
  const talk = new Conversation({ clientPort: 51_022, serverPort: 8080, ...options })
  return frames(talk, [
    ...talk.open(),
    talk.say('client', REQUEST),
    talk.say('server', 'HTTP/1.1 204 No Content\r\n\r\n'),
    ...talk.close(),
  ])
}

function database(serverPort = 4406): Uint8Array[] {
  const talk = new Conversation({ clientPort: 51_030, serverPort })
  return frames(talk, [...talk.open(), talk.say('server', GREETING)], ['10.1.2.3', '10.0.0.7'])
}

/** Bytes that no protocol begins with. */
function odd(payload = '\xee'.repeat(40)): Uint8Array[] {
  const talk = new Conversation({ clientPort: 51_044, serverPort: 6000 })
  return frames(talk, [...talk.open(), talk.say('client', payload)], ['10.1.2.3', '10.0.0.8'])
}

let written = 0
function capture(...parts: readonly Uint8Array[][]): string {
  return file(pcapFile(recorded(parts.flat())))
}

function file(bytes: Uint8Array): string {
  const path = join(folder.path, `${++written}.pcap`)
  writeFileSync(path, bytes)
  return path
}

describe('sluice explain --pcap', () => {
  test('lists every flow, what it is, and why where it has no name', async () => {
    const { stdout, stderr, code } = await runExplain(['--pcap', capture(web(), database(), odd())])
    expect([stderr, code]).toEqual(['', 0])
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('flow                                     outcome   protocol  by      bytes c+s  facts')
    expect(lines[1]).toMatch(/^10\.1\.2\.3:51022 > 10\.0\.0\.9:8080 {11}detected {2}http\/1 {4}client {2}44\+0/)
    expect(lines[2]).toMatch(
      /^10\.1\.2\.3:51030 > 10\.0\.0\.7:4406 {11}detected {2}mysql {5}server {2}0\+78 {7}8\.0\.35$/,
    )
    expect(lines[3]).toMatch(
      /^10\.1\.2\.3:51044 > 10\.0\.0\.8:6000 {11}unknown {3}- {9}- {7}40\+0 {7}need-more: none; every sniffer said no by byte \d+$/,
    )
    expect(lines[4]).toBe('3 flows, 2 named, 1 opaque. One flow in full: --flow 3')
    expect(lines.slice(5)).toEqual([''])
  })

  test('prints what the guide shows', async () => {
    const guide = readFileSync(new URL('../../docs/guide/explain.md', import.meta.url), 'utf8')
    const [, shown] = /```text\n(flow [^]*?)```/.exec(guide)!
    const { stdout } = await runExplain(['--pcap', capture(web(), database(), odd())])
    // Facts grow with the sniffers; the rest of the table does not.
    const width = shown!.indexOf('facts')
    const table = (text: string) => text.split('\n').map((line) => (line.includes(' > ') ? line.slice(0, width) : line))
    expect(table(stdout).map((line) => line.trimEnd())).toEqual(table(shown!).map((line) => line.trimEnd()))
  })

  test('makes room for the addresses of IPv6', async () => {
    const talk = new Conversation({ clientPort: 51_022 })
    const long = frames(talk, talk.open(), ['2001:db8:1111:2222:3333:4444:5555:6666', 'fd00::9'])
    const { stdout } = await runExplain(['--pcap', capture(long)])
    const [header, line] = stdout.split('\n')
    expect(line).toMatch(/^\[2001:db8:1111:2222:3333:4444:5555:6666\]:51022 > \[fd00::9\]:80 {2}ended /)
    expect(header!.indexOf('outcome')).toBe(line!.indexOf('ended'))
    expect(stdout).toContain('1 flow, 0 named, 0 opaque, 1 silent. One flow in full: --flow 1\n')
  })

  test('gives JSON lines, the last of them what it came to', async () => {
    const { lines, stdout } = await explainPcap(capture(web(), odd('GE')))
    expect(lines).toMatchObject([
      {
        flow: 1,
        client: '10.1.2.3:51022',
        server: '10.0.0.9:8080',
        beginning: 'syn',
        outcome: 'detected',
        protocol: 'http/1',
        decidedBy: 'client',
        bytes: { client: 44, server: 0 },
        gaps: [],
      },
      { flow: 2, outcome: 'ended' },
      { summary: { flows: 2, named: 1, opaque: 1, silent: 0, letGo: 0, packets: { packets: 12, tcp: 12 } } },
    ])
    expect(lines[1]!['why']).toMatch(/^need-more: .*http\/1.*; the others said no by byte \d+$/)
    expect(stdout).not.toContain('votes')
  })

  test('lists who voted what of each flow, where it is asked', async () => {
    const { stdout } = await runExplain(['--pcap', capture(odd()), '--votes'])
    expect(stdout).toMatch(/^ {2}tls +no +byte \d \(0xee .+\)$/m)
    const { lines } = await explainPcap(capture(web()), '--votes')
    expect(lines[0]!['votes']).toContainEqual(expect.objectContaining({ protocol: 'http/1', verdict: 'match' }))
  })

  test('reads a capture of any size from standard input', async () => {
    const { lines } = await runExplain(['--pcap', '-', '-o', 'json'], capture(web()))
    expect(lines).toMatchObject([{ protocol: 'http/1' }, {}])
    const empty = await runExplain(['--pcap', '-'])
    expect([empty.code, empty.stderr]).toEqual([
      2,
      'standard input: damaged at byte 0: the file is empty. What stands before that is told.\n',
    ])
  })

  test('detects as a listener of a configuration does', async () => {
    const yaml = file(
      Buffer.from('listeners: [{ name: a, address: ":0", filters: [{ detect: { protocols: [ssh] } }, echo] }]\n'),
    )
    const { lines } = await explainPcap(capture(web()), '-c', yaml, '--listener', 'a')
    expect(lines[0]).toMatchObject({ outcome: 'unknown' })
  })

  test('takes ports for data, and says where port-override would not', async () => {
    expect((await explainPcap(capture(database(25)))).lines[0]).toMatchObject({
      protocol: 'mysql',
      portOverride: 'smtp',
    })
    expect((await runExplain(['--pcap', capture(database(25))])).stdout).toContain(
      '8.0.35; port-override would say smtp\n',
    )
    expect((await runExplain(['--pcap', capture(database(3306))])).stdout).not.toContain('port-override')
  })

  test('says what began before the capture, and that its ends are a guess', async () => {
    const { stdout } = await runExplain(['--pcap', capture(web().slice(3))])
    expect(stdout).toMatch(/http\/1 .*begins in mid-connection, client and server are a guess\n/)
    expect(stdout).toContain('\n1 flow began before the capture\n')
  })

  test('looks at nothing that comes after bytes that are missing', async () => {
    const talk = new Conversation({ clientPort: 51_022, serverPort: 8080 })
    const opening = talk.open()
    const [first, , last] = talk.sayInPieces('client', REQUEST, 15)
    const segments = [...opening, first!, last!, talk.ack('server')]
    const { stdout, lines } = await explainPcap(capture(frames(talk, segments)))
    expect(lines).toMatchObject([
      { bytes: { client: 15, server: 0 }, gaps: [{ side: 'client', kind: 'not-captured', bytes: 15, after: 15 }] },
      { summary: { withGaps: 1 } },
    ])
    expect(stdout).not.toContain('shop.example')
    const text = await runExplain(['--pcap', capture(frames(talk, segments))])
    expect(text.stdout).toContain('client: 15 bytes not captured after the first 15')
    expect(text.stdout).toContain('1 flow with bytes that the capture does not have')
  })

  test('says where the snap length has cut', async () => {
    const { stdout } = await runExplain(['--pcap', file(pcapFile(recorded(odd('\xee'.repeat(100)), 64)))])
    expect(stdout).toContain('client: 90 bytes cut off by the snap length after the first 10')
  })

  test('counts what is in no flow', async () => {
    const blocks = new PcapngBlocks()
    const frame = (bytes: Uint8Array) => ({ frame: bytes })
    const udp = ethernet()(ipv4('10.0.0.1', '10.0.0.2', hex('1388003500080000'), { protocol: 17 }))
    const half = ethernet()(ipv4('10.0.0.1', '10.0.0.2', new Uint8Array(40), { hasMore: true }))
    const parts = [
      ...web().map((bytes) => blocks.enhanced(0, frame(bytes), 0n)),
      ...[udp, udp, half, bytesOf(new Uint8Array(12), hex('0806')), hex('00')].map((bytes) =>
        blocks.enhanced(0, frame(bytes), 0n),
      ),
      blocks.enhanced(1, frame(hex('0102')), 0n),
    ]
    const path = file(bytesOf(blocks.section(), blocks.interface(1), blocks.interface(127), ...parts))
    expect((await runExplain(['--pcap', path])).stdout).toContain(
      '14 packets, of which not in a flow: 2 of IP with something else than TCP in it, 1 not IP, ' +
        '1 with headers that are cut or damaged, 1 fragments whose rest is missing, 1 of link type 127, which is not known\n',
    )
    const { lines } = await explainPcap(path)
    expect(lines.at(-1)).toMatchObject({ summary: { packets: { otherIp: 2, unknownLinkTypes: { 127: 1 } } } })
  })
})

describe('sluice explain --pcap --flow', () => {
  test('tells one flow in full', async () => {
    const { stdout, code } = await runExplain(['--pcap', capture(web(), database(), odd()), '--flow', '2', '--votes'])
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('#2  10.1.2.3:51030 > 10.0.0.7:4406  mysql  4 packets in 3.0 ms, not closed')
    expect(lines.slice(2, 5)).toEqual([
      '  3.00 ms  server  78 bytes',
      'detect    detected mysql by server, 0 + 78 bytes',
      '  version: 8.0.35',
    ])
    expect(stdout).toMatch(/^ {2}mysql +yes +after \d+ bytes +> named mysql/m)
  })

  test('gives it as JSON, with who said how much when', async () => {
    const { stdout } = await runExplain(['--pcap', capture(odd(), web()), '--flow', '#2', '-o', 'json'])
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(report).toMatchObject({
      flow: 2,
      protocol: 'http/1',
      closing: 'closed',
      packets: 8,
      spoken: [
        { from: 'client', bytes: 44 },
        { from: 'server', bytes: 27 },
      ],
    })
    expect(report).not.toHaveProperty('votes')
  })

  test('tells of two flows between the same ends, one with each SYN', async () => {
    const path = capture(web(), web({ clientStart: 77_000_000 }))
    for (const flow of ['1', '2']) {
      const { stdout } = await runExplain(['--pcap', path, '--flow', flow])
      expect(stdout).toContain(`#${flow}  10.1.2.3:51022 > 10.0.0.9:8080  http/1  8 packets in 7.0 ms, closed by both`)
    }
  })

  test('exits with 1 where there is no such flow', async () => {
    const path = capture(web())
    expect(await runExplain(['--pcap', path, '--flow', '2'])).toMatchObject({
      stdout: '',
      stderr: `no flow 2: ${path} has 1 flow\n`,
      code: 1,
    })
  })
})

describe('sluice explain --pcap, of a file that is damaged', () => {
  test('tells what stands before the damage, says where that is, and exits with 2', async () => {
    const whole = pcapFile(recorded([...web(), ...odd()]))
    const path = file(whole.subarray(0, whole.length - 3))
    const { stdout, stderr, code } = await runExplain(['--pcap', path])
    expect(code).toBe(2)
    expect(stdout).toContain('2 flows, 1 named, 0 opaque, 1 silent')
    const offset = whole.length - 16 - odd().at(-1)!.length
    expect(stderr).toBe(
      `${path}: damaged at byte ${offset}: the file ends inside a record: 107 of 110 bytes are there. What stands before that is told.\n`,
    )
    const one = await runExplain(['--pcap', path, '--flow', '1'])
    expect([one.code, one.stderr]).toEqual([2, stderr])
    expect(one.stdout).toContain('detected http/1')
  })

  test('says what a file is that is no capture', async () => {
    const path = file(Buffer.from('listeners: []\n'))
    expect(await runExplain(['--pcap', path])).toMatchObject({
      stdout: '0 flows, 0 named, 0 opaque\n',
      stderr: `${path}: damaged at byte 0: neither pcap nor pcapng: it begins with 6c697374. What stands before that is told.\n`,
      code: 2,
    })
  })

  test.for([
    [['--pcap', '/nothing/there'], 'cannot read /nothing/there'],
    [['--pcap', '/'], 'cannot read /'],
    [['--pcap', 'x', '--client-hex', '16'], 'say one of'],
    [['--pcap', 'x', '7'], 'say one of'],
    [['--pcap', 'x', '--flow', 'three'], 'expected the number of a flow, got "three"'],
    [['--client-hex', '16', '--flow', '1'], '--flow needs --pcap FILE'],
    [['--pcap', 'x', '--listener', 'a'], '--listener needs -c FILE'],
  ] as const)('refuses %j', async ([args, message]) => {
    await expect(runExplain(args)).rejects.toThrow(message)
  })
})

describe('the bounds of a list of flows', () => {
  async function list(bounds: Partial<ListBounds>, ...parts: readonly Uint8Array[][]): Promise<FlowReport[]> {
    const recordedAs = await recordedDetection({}, registryOf([builtIns]), () => {})
    const flows = new FlowList(recordedAs, 'without-votes', { maxWaiting: 100, maxKeptBytes: 1_000_000, ...bounds })
    const reader = new FlowReader(flows)
    reader.push(pcapFile(recorded(parts.flat())))
    reader.end()
    return [...flows.ready()]
  }

  /** A client that has not said yet what it is. */
  const undecided = (clientPort: number): Uint8Array[] => {
    const talk = new Conversation({ clientPort, serverPort: 8080 })
    return frames(talk, [...talk.open(), talk.say('client', 'GE')])
  }

  test('let go of the flow that began first, in order', async () => {
    const reports = await list({ maxWaiting: 2 }, undecided(50_001), undecided(50_002), undecided(50_003), web())
    expect(reports.map(({ flow, protocol, isLetGo = false }) => [flow, protocol, isLetGo])).toEqual([
      [1, undefined, true],
      [2, undefined, true],
      [3, undefined, false],
      [4, 'http/1', false],
    ])
  })

  test('count the bytes that are kept of flows that are not certain', async () => {
    const reports = await list({ maxKeptBytes: 7 }, undecided(50_001), undecided(50_002))
    expect(reports.map(({ isLetGo = false }) => isLetGo)).toEqual([true, false])
  })

  test('are free again once a flow is certain', async () => {
    const talks = Array.from({ length: 50 }, (_, index) => web({ clientPort: 50_000 + index }))
    const reports = await list({ maxKeptBytes: 100 }, ...talks)
    expect(reports.map(({ protocol, isLetGo }) => [protocol, isLetGo])).toEqual(talks.map(() => ['http/1', undefined]))
  })
})
