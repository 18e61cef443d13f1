import { describe, expect, test } from 'vitest'
import { Detection, SnifferPlan } from '../../src/core/detection.js'
import type { Side } from '../../src/core/side.js'
import type { Sniffer } from '../../src/core/sniffer.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { randomSource } from '../../src/testing/random-source.js'
import { latin1 } from './describe-sniffer.js'

const SIDES = ['client', 'server'] as const
/** Longer than what any of them reads before it names; RTMP's handshake has a rate of its own, and no less bytes to pass. */
const WINDOW_BYTES = 512
const SAMPLES = 40_000
const MOST = 1e-6

const asked = builtInSniffers.flatMap((sniffer) =>
  SIDES.filter((side) => sniffer[side] !== undefined).map((side) => ({ protocol: sniffer.protocol, side, sniffer })),
)

/** Of all pairs of first bytes those that are no no, then samples of what may follow: rates far below one in their number show. */
function falseRate(sniffer: Sniffer, side: Side, least: number, most: number): number {
  const random = randomSource(20_261_126)
  const ask = (bytes: Uint8Array) => (side === 'client' ? sniffer.client!(bytes) : sniffer.server!(bytes))
  const values = most - least + 1
  const window = new Uint8Array(WINDOW_BYTES)
  const starts: (readonly [number, number])[] = []
  for (let first = least; first <= most; first++) {
    for (let second = least; second <= most; second++) {
      if (ask(Uint8Array.of(first, second)) !== 'no-match') starts.push([first, second])
    }
  }
  let named = 0
  for (let i = 0; i < SAMPLES && starts.length > 0; i++) {
    window.set(starts[i % starts.length]!)
    for (let at = 2; at < WINDOW_BYTES; at++) {
      window[at] = least + random.integer(values)
      // Most are a no within a few bytes.
      if ((at === 7 || at === 31) && ask(window.subarray(0, at + 1)) === 'no-match') break
      if (at < WINDOW_BYTES - 1) continue
      const verdict = ask(window)
      if (verdict !== 'no-match' && verdict !== 'need-more') named++
    }
  }
  return (starts.length / values ** 2) * (named / SAMPLES)
}

test.each(asked)('$protocol takes fewer than one in a million random windows of a $side for its own', (one) => {
  expect(falseRate(one.sniffer, one.side, 0, 255)).toBeLessThan(MOST)
})

test.each(asked)(
  '$protocol takes fewer than one in a million windows of random text for its own, from a $side',
  (one) => {
    expect(falseRate(one.sniffer, one.side, 0x20, 0x7e)).toBeLessThan(MOST)
  },
)

/** First flights of protocols that we do not name, from their specifications; who says one waits for an answer. */
const OTHERS: readonly (readonly [protocol: string, bytes: string])[] = [
  ['STARTDT of IEC 60870-5-104', '\x68\x04\x07\0\0\0'],
  ['Modbus, unit 1', '\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a'],
  ['Modbus, unit 0', '\0\x01\0\0\0\x06\0\x03\0\0\0\x0a'],
  ['DNP3', '\x05\x64\x05\xc9\x01\0\0\x04\xde\x8e'],
  ['OPC UA', 'HELF\x20\0\0\0\0\0\0\0\xff\xff\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0'],
  ['S7 over ISO-on-TCP', '\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02'],
  ['EtherNet/IP', `\x65\0\x04\0${'\0'.repeat(20)}\x01\0\0\0`],
  ['BACnet/IP', '\x81\x0a\0\x11\x01\x04\0\x05\x01\x0c\x0c\x02\0\0\x08\x19\x55'],
  ['ZMTP 3', '\xff\0\0\0\0\0\0\0\x01\x7f'],
  ['Pulsar', '\0\0\0\x1a\0\0\0\x16\x08\x02\x12\x12\x0a\x05v2.10\x20\x13\x2a\x04none\x52\x01'],
  ['NSQ', '  V2'],
  ['Oracle TNS', `\0\x3a\0\0\x01\0\0\0\x01\x3b\x01\x2c\x0c\x41\x20\0\x7f\xff${'\0'.repeat(40)}`],
  ['DRDA of DB2', '\0\x26\xd0\x41\0\x01\0\x20\x10\x41\0\x0c\x11\x5e'],
  ['Firebird', '\0\0\0\x01\0\0\0\x13\0\0\0\x03\0\0\0\x01\0\0\0\x04/db1\0\0\0\x05'],
  ['Ignite', '\x11\0\0\0\x01\x01\0\x07\0\0\0\x02\0\0\0\0\0\0\0\0\0'],
  ['Aerospike', '\x02\x01\0\0\0\0\0\x06build\x0a'],
  ['RADIUS', `\x01\x07\0\x14${'r'.repeat(16)}`],
  ['Diameter', '\x01\0\0\x78\x80\0\x01\x01\0\0\0\0\x12\x34\x56\x78\x9a\xbc\xde\xf0\0\0\x01\x08\x40\0\0\x14host.exampl'],
  ['LDP', '\0\x01\0\x28\xc0\0\x02\x01\0\0\x02\0\0\x1e\0\0\0\x01\x05\0\0\x0e\0\x01\0\x1e'],
  ['PPTP', `\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0\x01\0\0\0\0\0\0\x03\0\0\0\x03${'\0'.repeat(132)}`],
  ['iSCSI', `\x43\x87\0\0\0\0\0\x38${'\0'.repeat(40)}InitiatorName=iqn.a:b\0`],
  ['ONC RPC, as NFS', `\x80\0\0\x28\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa3\0\0\0\x03${'\0'.repeat(20)}`],
  ['AFP', `\0\x03\0\x01${'\0'.repeat(12)}`],
  ['Gearman', '\0REQ\0\0\0\x01\0\0\0\x04echo'],
  ['beanstalkd', 'use orders\r\n'],
  ['ClamAV', 'nPING\n'],
  ['SpamAssassin', 'PING SPAMC/1.5\r\n\r\n'],
  ['syslog', '<34>1 2026-01-01T00:00:00Z host app - - - hello\n'],
  ['StatsD', 'orders.count:1|c\n'],
  ['Graphite', 'orders.count 1 1700000000\n'],
  ['OpenTSDB', 'put orders.count 1700000000 1 host=a\n'],
  ['JSON lines', '{"method":"get","id":1}\n'],
  ['OMAPI', '\0\0\0\x64\0\0\0\x18'],
  ['a controlled device', 'SET VOLUME 50\r\n'],
  ['NUT', 'SET VAR ups ups.id "one"\n'],
  ['discovery of ElastiCache', 'config get cluster\r\n'],
  ["Java's writeInt, writeInt, writeInt and writeUTF", '\0\0\0\x15\0\0\0\x05\0\0\0\x01\0\x05hello\0\0\0\x07'],
  ['a length of two bytes, a type and strings', '\0\x12\0\x01\0\0\0\x07\0\x04ping\0\x04pong'],
  ['MessagePack-RPC', '\x94\0\x01\xa4ping\x90'],
  ['CBOR', '\xa2\x62id\x01\x64name\x63foo'],
  ['BSON without a header', '\x16\0\0\0\x02name\0\x05\0\0\0ping\0\0'],
  ['a protobuf message behind its length', '\x0b\x08\x01\x12\x05hello\x18\x02'],
  ['Minecraft', '\x10\0\xfb\x05\x09localhost\x63\xdd\x01'],
  ['a masked frame of WebSocket', '\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58'],
  ['a record of TLS under way', `\x17\x03\x03\0\x20${'e'.repeat(32)}`],
  ['a packet of SSH under way', `\0\0\x05\xbc\x06\x14${'k'.repeat(40)}`],
  ['zeros', '\0'.repeat(64)],
  ['ones', '\xff'.repeat(64)],
  ['spaces', ' '.repeat(64)],
]

describe('nobody names, and nobody waits for', () => {
  test.each(OTHERS)('%s', (_, bytes) => {
    const detection = new Detection(new SnifferPlan(builtInSniffers, () => {}))
    detection.look('client', latin1(bytes))
    expect([detection.protocol, detection.isNo('client')]).toEqual([undefined, true])
  })
})

/** First answers of such servers, where the client's bytes were missed. */
test.each([
  ['a length of 4 and a status of 0, twice', '\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\0'],
  ['beanstalkd', 'TOUCHED\r\n'],
  ['DICT', '220 dict.example dictd 1.13 <auth.mime> <1@dict.example>\r\n'],
  ['HylaFAX', '220 fax.example server (HylaFAX (tm) Version 6.0.6) ready.\r\n'],
  ['ACAP', '* ACAP (IMPLEMENTATION "a")\r\n'],
  ['MUPDATE', '* AUTH PLAIN\r\n'],
  ['MPD', 'OK MPD 0.23.5\n'],
  ['a success of ONC RPC', `\x80\0\0\x18\x12\x34\x56\x78\0\0\0\x01${'\0'.repeat(16)}`],
  ['ClamAV', 'PONG\n'],
])('nobody names the server of %s', (_, bytes) => {
  const detection = new Detection(new SnifferPlan(builtInSniffers, () => {}))
  detection.look('server', latin1(bytes))
  detection.settle('server')
  expect(detection.protocol).toBeUndefined()
})
