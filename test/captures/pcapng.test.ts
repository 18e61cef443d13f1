import { describe, expect, test } from 'vitest'
import { MAX_RECORD_BYTES } from '../../src/captures/capture-format.js'
import { PcapngBlocks } from '../support/captures/capture-files.js'
import { bytesOf, hex, number } from '../support/captures/numbers.js'
import { readPackets } from '../support/captures/read-packets.js'

const FRAME = { frame: hex('0102030405') }
const blocks = new PcapngBlocks('big')
const START = bytesOf(blocks.section(), blocks.interface(1))

describe.each(['little', 'big'] as const)('a pcapng file, %s-endian', (order) => {
  const own = new PcapngBlocks(order)
  const start = bytesOf(own.section(), own.interface(1, { snapLength: 3 }), own.interface(101, { resolution: 9 }))

  test('has packets of all kinds, each with the link type of its interface', () => {
    const file = bytesOf(
      start,
      own.enhanced(0, FRAME, 1_700_000_000_123_456n),
      own.enhanced(1, { ...FRAME, snapLength: 2 }, 1_700_000_000_123_456_789n),
      own.obsolete(1, FRAME, 5n),
      own.simple({ ...FRAME, snapLength: 3 }),
    )
    const { packets, damage } = readPackets(file)
    expect(damage).toBeUndefined()
    expect(packets).toEqual([
      {
        linkType: 1,
        bytes: FRAME.frame,
        originalLength: 5,
        time: { seconds: 1_700_000_000, nanoseconds: 123_456_000 },
      },
      {
        linkType: 101,
        bytes: hex('0102'),
        originalLength: 5,
        time: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      },
      { linkType: 101, bytes: FRAME.frame, originalLength: 5, time: { seconds: 0, nanoseconds: 5 } },
      // Its length is what the interface's snap length leaves of the packet.
      { linkType: 1, bytes: hex('010203'), originalLength: 5, time: { seconds: 0, nanoseconds: 0 } },
    ])
    for (const size of [1, 3, 13]) expect(readPackets(file, size).packets).toEqual(packets)
  })

  test.for([
    [6, 0n, 1_500_000n, { seconds: 1, nanoseconds: 500_000_000 }],
    [3, 0n, 1_500n, { seconds: 1, nanoseconds: 500_000_000 }],
    [0x80 | 10, 0n, 1024n + 256n, { seconds: 1, nanoseconds: 250_000_000 }],
    [9, 1_000n, 7n, { seconds: 1_000, nanoseconds: 7 }],
    [9, -10n, 20_000_000_007n, { seconds: 10, nanoseconds: 7 }],
    [0, 0n, 42n, { seconds: 42, nanoseconds: 0 }],
    [127, 0n, 42n, { seconds: 0, nanoseconds: 0 }], // finer than 64 bits can say
  ] as const)('with resolution %i and offset %i says when', ([resolution, offsetSeconds, ticks, time]) => {
    const file = bytesOf(own.section(), own.interface(1, { resolution, offsetSeconds }), own.enhanced(0, FRAME, ticks))
    expect(readPackets(file).packets).toMatchObject([{ time }])
  })
})

describe('a pcapng file', () => {
  test('forgets its interfaces, and may turn its bytes round, with each section', () => {
    const little = new PcapngBlocks('little')
    const file = bytesOf(START, little.section(), little.interface(113), little.enhanced(0, FRAME, 0n))
    expect(readPackets(file).packets).toMatchObject([{ linkType: 113 }])
    expect(readPackets(bytesOf(START, little.section(), little.enhanced(0, FRAME, 0n))).damage).toEqual({
      offset: START.length + 28,
      reason: 'a packet of interface 0, and 0 are declared',
    })
  })

  test('passes over blocks that it does not know, whatever their size', () => {
    const large = blocks.block(0x0bad, new Uint8Array(3 * MAX_RECORD_BYTES))
    const file = bytesOf(START, large, blocks.enhanced(0, FRAME, 0n))
    for (const size of [65_536, 1_000_003]) {
      const { packets, damage } = readPackets(file, size)
      expect([packets.length, damage]).toEqual([1, undefined])
    }
  })

  test('that ends inside a block says where that block begins', () => {
    const packet = blocks.enhanced(0, FRAME, 0n)
    expect(readPackets(bytesOf(START, packet, packet.subarray(0, 30)))).toMatchObject({
      packets: [{}],
      damage: {
        offset: START.length + packet.length,
        reason: `the file ends inside a record: 30 of ${packet.length} bytes are there`,
      },
    })
    const unknown = blocks.block(0x0bad, new Uint8Array(100))
    expect(readPackets(bytesOf(START, unknown.subarray(0, 40))).damage).toEqual({
      offset: START.length,
      reason: 'the file ends 72 bytes before the block does',
    })
  })

  test.for([
    ['an interface that is not declared', blocks.enhanced(1, FRAME, 0n), 'a packet of interface 1, and 1 are declared'],
    ['a packet longer than its block', longer(), 'a packet of 6000 bytes in a block that has room for 20'],
    ['two lengths that differ', differing(), 'a block of type 6 whose two lengths differ'],
    [
      'a length that is too small',
      hex('00000006 00000010 00000000 00000010'),
      'a block of type 6 with a length of 16; the least is 32',
    ],
    ['a length of 0', hex('0000000a 00000000 00000000'), 'a block of type 10 with a length of 0; the least is 12'],
    [
      'a length that is no multiple of 4',
      hex('0000000a 0000000d 00000000'),
      'a block of type 10 with a length of 13, which is no multiple of 4',
    ],
    [
      'a packet block larger than any packet',
      hex('00000006 7ffffff0 00000000'),
      'a block of type 6 with 2147483632 bytes; no packet needs more than 524288',
    ],
    ['a section of another version', section(2), 'a pcapng section of version 2, and only version 1 is known'],
    [
      'a section without its magic',
      hex('0a0d0d0a 0000001c 12345678 00010000'),
      'a section header without its byte-order magic 1a2b3c4d',
    ],
  ] as const)('is not read on at %s', ([_what, block, reason]) => {
    const { packets, damage } = readPackets(bytesOf(START, blocks.enhanced(0, FRAME, 0n), block))
    expect(packets).toHaveLength(1)
    expect(damage).toEqual({ offset: START.length + blocks.enhanced(0, FRAME, 0n).length, reason })
  })
})

function longer(): Uint8Array {
  const block = blocks.enhanced(0, FRAME, 0n)
  block.set(number(6000, 4), 8 + 12)
  return block
}

function differing(): Uint8Array {
  const block = blocks.enhanced(0, FRAME, 0n)
  block[block.length - 1]! ^= 4
  return block
}

function section(major: number): Uint8Array {
  const block = blocks.section()
  block.set(number(major, 2), 12)
  return block
}
