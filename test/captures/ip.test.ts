import { describe, expect, test } from 'vitest'
import { parseIp } from '../../src/captures/ip.js'
import { IpFragments, MAX_DATAGRAMS } from '../../src/captures/ip-fragments.js'
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  fragmentHeader,
  HOP_BY_HOP,
  ipv4,
  ipv4Fragments,
  ipv6,
  ipv6Fragments,
  ROUTING,
} from '../support/captures/ip-packets.js'
import { bytesOf, hex } from '../support/captures/numbers.js'

const PAYLOAD = Uint8Array.from({ length: 100 }, (_, index) => index)

function parse(packet: Uint8Array, wireBytes = packet.length) {
  return parseIp(packet, wireBytes)
}

describe('an IPv4 packet', () => {
  test('has ends, a protocol, and a payload without the padding behind it', () => {
    const packet = bytesOf(ipv4('10.1.2.3', '10.0.0.9', PAYLOAD), hex('eeeeee'))
    expect(parse(packet)).toEqual({
      source: Uint8Array.of(10, 1, 2, 3),
      destination: Uint8Array.of(10, 0, 0, 9),
      protocol: 6,
      payload: PAYLOAD,
      length: 100,
    })
  })

  test('may have options, and an authentication header', () => {
    expect(parse(ipv4('10.1.2.3', '10.0.0.9', PAYLOAD, { options: hex('94040000') }))!.payload).toEqual(PAYLOAD)
    const authenticated = bytesOf([6], AUTHENTICATION.bytes.subarray(1), PAYLOAD)
    const packet = ipv4('10.1.2.3', '10.0.0.9', authenticated, { protocol: 51 })
    expect(parse(packet)).toMatchObject({ protocol: 6, payload: PAYLOAD, length: 100 })
  })

  test('that was cut still says how long it was', () => {
    expect(parse(ipv4('10.1.2.3', '10.0.0.9', PAYLOAD).subarray(0, 50), 120)).toMatchObject({
      payload: PAYLOAD.subarray(0, 30),
      length: 100,
    })
  })

  test('of segmentation offload is as long as the frame says', () => {
    expect(parse(ipv4('10.1.2.3', '10.0.0.9', PAYLOAD, { totalLength: 0 }))).toMatchObject({ length: 100 })
  })

  test.for([
    ['nothing', hex('')],
    ['a header that is cut', ipv4('10.1.2.3', '10.0.0.9', PAYLOAD).subarray(0, 19)],
    ['a header of four words', bytesOf([0x44], ipv4('10.1.2.3', '10.0.0.9', PAYLOAD).subarray(1))],
    ['a length shorter than its header', ipv4('10.1.2.3', '10.0.0.9', PAYLOAD, { totalLength: 19 })],
    ['version 5', bytesOf([0x55], ipv4('10.1.2.3', '10.0.0.9', PAYLOAD).subarray(1))],
  ] as const)('is none with %s', ([_what, packet]) => {
    expect(parse(packet)).toBeUndefined()
  })
})

describe('an IPv6 packet', () => {
  test.for([
    ['no extension header', []],
    ['hop-by-hop options', [HOP_BY_HOP]],
    ['destination options', [DESTINATION_OPTIONS]],
    ['a routing header', [ROUTING]],
    ['an authentication header', [AUTHENTICATION]],
    ['an atomic fragment', [fragmentHeader(1, 0, false)]],
    ['all of them', [HOP_BY_HOP, ROUTING, AUTHENTICATION, fragmentHeader(1, 0, false), DESTINATION_OPTIONS]],
  ] as const)('with %s has its payload behind it', ([_what, extensions]) => {
    const packet = parse(bytesOf(ipv6('fd00::1', 'fd00::2', PAYLOAD, extensions), hex('eeee')))
    expect(packet).toMatchObject({ protocol: 6, payload: PAYLOAD, length: 100 })
    expect(packet).not.toHaveProperty('fragment')
  })

  test('that is a fragment is not looked into', () => {
    expect(parse(ipv6('fd00::1', 'fd00::2', PAYLOAD, [HOP_BY_HOP, fragmentHeader(77, 8, true)]))).toMatchObject({
      protocol: 6,
      payload: PAYLOAD,
      fragment: { id: 77, offset: 8, isLast: false },
    })
  })

  test('with encryption or nothing behind its headers is what it says', () => {
    expect(parse(ipv6('fd00::1', 'fd00::2', PAYLOAD, [HOP_BY_HOP], 50))!.protocol).toBe(50)
    expect(parse(ipv6('fd00::1', 'fd00::2', PAYLOAD, [HOP_BY_HOP], 59))!.protocol).toBe(59)
  })

  test('is none where an extension header is cut or longer than the packet', () => {
    const packet = ipv6('fd00::1', 'fd00::2', new Uint8Array(0), [DESTINATION_OPTIONS])
    expect(parse(packet.subarray(0, 44), packet.length)).toBeUndefined()
    const long = Uint8Array.from(packet)
    long[41] = 200
    expect(parse(long)).toBeUndefined()
  })
})

describe('fragments', () => {
  const parts = ipv4Fragments('10.1.2.3', '10.0.0.9', PAYLOAD, 24, 5).map((packet) => parse(packet)!)

  test('make a datagram in any order, once the last one has come', () => {
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 3, 2, 1, 0],
      [2, 4, 0, 0, 3, 1],
    ]) {
      const fragments = new IpFragments()
      const whole = order.map((index) => fragments.add(parts[index]!))
      expect(whole.slice(0, -1)).toEqual(order.slice(1).map(() => undefined))
      expect(whole.at(-1)).toMatchObject({ protocol: 6, payload: PAYLOAD, length: 100 })
      expect(fragments.lostCount).toBe(0)
    }
  })

  test('of IPv6 are looked into once they are whole', () => {
    const inner = bytesOf([6], DESTINATION_OPTIONS.bytes.subarray(1), PAYLOAD)
    const packets = ipv6Fragments('fd00::1', 'fd00::2', inner, 40, 9)
    const fragments = new IpFragments()
    // The fragment header names the first header of the datagram.
    for (const packet of packets) packet[40] = DESTINATION_OPTIONS.number
    const whole = packets.map((packet) => fragments.add(parse(packet)!))
    expect(whole.at(-1)).toMatchObject({ protocol: 6, payload: PAYLOAD })
  })

  test('of different datagrams are not mixed up', () => {
    const others = [
      ipv4Fragments('10.1.2.3', '10.0.0.9', PAYLOAD, 24, 6),
      ipv4Fragments('10.1.2.4', '10.0.0.9', PAYLOAD, 24, 5),
    ]
    const fragments = new IpFragments()
    for (const part of parts.slice(0, 4)) fragments.add(part)
    for (const other of others) expect(fragments.add(parse(other[4]!)!)).toBeUndefined()
    expect(fragments.lostCount).toBe(6)
    expect(fragments.add(parts[4]!)).toBeDefined()
  })

  test('that the snap length has cut, or that reach too far, are lost', () => {
    const fragments = new IpFragments()
    fragments.add({ ...parts[0]!, payload: parts[0]!.payload.subarray(1) })
    fragments.add(parse(ipv4('10.1.2.3', '10.0.0.9', PAYLOAD, { fragmentOffset: 65_528 }))!)
    expect(fragments.lostCount).toBe(2)
  })

  test('are held of so many datagrams: the oldest gives way', () => {
    const fragments = new IpFragments()
    for (let id = 0; id <= MAX_DATAGRAMS; id++) {
      for (const packet of ipv4Fragments('10.1.2.3', '10.0.0.9', PAYLOAD, 24, id).slice(1))
        fragments.add(parse(packet)!)
    }
    const first = (id: number) => parse(ipv4Fragments('10.1.2.3', '10.0.0.9', PAYLOAD, 24, id)[0]!)!
    expect(fragments.add(first(1))).toBeDefined()
    expect(fragments.add(first(0))).toBeUndefined()
    expect(fragments.lostCount).toBe(4 + (MAX_DATAGRAMS - 1) * 4 + 1)
  })

  test('that come again and again do not grow without bound', () => {
    const fragments = new IpFragments()
    for (let i = 0; i < 2_000; i++) fragments.add(parts[0]!)
    expect(fragments.lostCount).toBe(2_000)
    expect(parts.slice(1).map((part) => fragments.add(part))).toEqual([undefined, undefined, undefined, undefined])
  })
})
