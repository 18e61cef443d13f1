import { describe, expect, test } from 'vitest'
import { findNetwork } from '../../src/captures/link-layer.js'
import { ethernet, ethernetSnap, linuxCooked, linuxCooked2, loopback, raw } from '../support/captures/frames.js'
import { ipv4, ipv6 } from '../support/captures/ip-packets.js'
import { bytesOf, hex } from '../support/captures/numbers.js'

const PACKETS = [ipv4('10.0.0.1', '10.0.0.2', hex('00')), ipv6('fd00::1', 'fd00::2', hex('00'))]

describe('where the IP packet begins', () => {
  test.for([
    ['Ethernet', 1, ethernet(), 14],
    ['802.1Q', 1, ethernet(0x8100), 18],
    ['802.1ad', 1, ethernet(0x88a8, 0x8100), 22],
    ['QinQ before 802.1ad', 1, ethernet(0x9100, 0x8100), 22],
    ['eight tags', 1, ethernet(...Array.from({ length: 8 }, () => 0x8100)), 46],
    ['LLC and SNAP', 1, ethernetSnap, 22],
    ['Linux cooked', 113, linuxCooked(), 16],
    ['Linux cooked with 802.1Q', 113, linuxCooked(0x8100), 20],
    ['Linux cooked, version 2', 276, linuxCooked2(), 20],
    ['Linux cooked, version 2, with 802.1Q', 276, linuxCooked2(0x8100), 24],
    ['null, little-endian', 0, loopback('little', 24), 4],
    ['null, big-endian, FreeBSD', 0, loopback('big', 28), 4],
    ['null, macOS', 0, loopback('little', 30), 4],
    ['loop', 108, loopback('big', 24), 4],
    ['raw', 101, raw, 0],
    ['raw as numbered inside BSD', 12, raw, 0],
    ['raw as numbered inside OpenBSD', 14, raw, 0],
    ['IPv4', 228, raw, 0],
    ['IPv6', 229, raw, 0],
  ] as const)('%s', ([_name, linkType, frame, offset]) => {
    for (const packet of PACKETS) {
      const framed = frame(packet)
      expect(findNetwork(linkType, framed)).toBe(offset)
      expect(framed.subarray(offset, offset + packet.length)).toEqual(packet)
    }
  })

  test.for([
    ['ARP', 1, bytesOf(new Uint8Array(12), hex('0806'), new Uint8Array(28)), 'not-ip'],
    ['nine tags', 1, ethernet(...Array.from({ length: 9 }, () => 0x8100))(PACKETS[0]!), 'not-ip'],
    ['another organisation in SNAP', 1, bytesOf(new Uint8Array(12), hex('0010 aaaa03 00000c 2000')), 'not-ip'],
    ['a spanning tree', 1, bytesOf(new Uint8Array(12), hex('0026 424203 0000000000')), 'not-ip'],
    ['a frame cut in its header', 1, new Uint8Array(13), 'too-short'],
    ['a frame cut in its tag', 1, bytesOf(new Uint8Array(12), hex('8100 0001 08')), 'too-short'],
    ['a cooked frame cut in its header', 113, new Uint8Array(15), 'too-short'],
    ['a cooked frame of another protocol', 276, bytesOf(hex('0806'), new Uint8Array(40)), 'not-ip'],
    ['AppleTalk on the loopback', 0, hex('00000010 4500'), 'not-ip'],
    ['a loopback frame that is cut', 0, hex('0000'), 'too-short'],
    ['a link layer that is not known', 127, new Uint8Array(60), 'unknown-link-type'],
  ] as const)('%s: there is none', ([_name, linkType, frame, problem]) => {
    expect(findNetwork(linkType, frame)).toBe(problem)
  })
})
