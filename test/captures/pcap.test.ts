import { describe, expect, test } from 'vitest'
import { pcapFile, recorded } from '../support/captures/capture-files.js'
import { bytesOf, hex, number } from '../support/captures/numbers.js'
import { readPackets } from '../support/captures/read-packets.js'

const FRAMES = [hex('00112233'), hex('aa'), hex('0102030405')]

describe('a pcap file', () => {
  test.for([
    ['little', false, 123_456_000],
    ['big', false, 123_456_000],
    ['little', true, 123_456_789],
    ['big', true, 123_456_789],
  ] as const)('is read in %s-endian, nanoseconds %s', ([order, hasNanoseconds, nanoseconds]) => {
    const file = pcapFile(recorded(FRAMES), { order, hasNanoseconds, linkType: 113 })
    const { packets, damage } = readPackets(file)
    expect(damage).toBeUndefined()
    expect(packets.map(({ bytes }) => bytes)).toEqual(FRAMES)
    expect(packets[0]).toMatchObject({
      linkType: 113,
      originalLength: 4,
      time: { seconds: 1_700_000_000, nanoseconds },
    })
  })

  test('is the same however its bytes come', () => {
    const file = pcapFile(recorded(FRAMES))
    const whole = readPackets(file)
    for (const size of [1, 2, 3, 7, 16, 25]) expect(readPackets(file, size)).toEqual(whole)
  })

  test('tells how long a packet was that the snap length has cut', () => {
    const { packets } = readPackets(pcapFile(recorded(FRAMES, 2)))
    expect(packets.map(({ bytes, originalLength }) => [bytes.length, originalLength])).toEqual([
      [2, 4],
      [1, 1],
      [2, 5],
    ])
  })

  test('of a writer before version 2.3 has its two lengths the other way round', () => {
    const file = pcapFile(recorded([FRAMES[2]!], 2), { order: 'big' })
    const old = bytesOf(
      file.subarray(0, 6),
      number(2, 2),
      file.subarray(8, 32),
      number(5, 4),
      number(2, 4),
      file.subarray(40),
    )
    expect(readPackets(old).packets).toMatchObject([{ originalLength: 5, bytes: hex('0102') }])
  })

  test('may say in its link type how long the frame check sequence is', () => {
    const file = pcapFile(recorded(FRAMES), { order: 'big', linkType: 0x1400_0001 })
    expect(readPackets(file).packets[0]!.linkType).toBe(1)
  })

  test('that ends inside a packet gives those before it, and where it broke off', () => {
    const file = pcapFile(recorded(FRAMES))
    const { packets, damage } = readPackets(file.subarray(0, file.length - 1))
    expect(packets).toHaveLength(2)
    expect(damage).toEqual({ offset: 24 + 20 + 17, reason: 'the file ends inside a record: 20 of 21 bytes are there' })
  })

  test.for([
    ['nothing', '', 0, 'the file is empty'],
    ['two bytes', 'a1b2', 0, 'the file ends inside a record: 2 of 4 bytes are there'],
    ['a header that is cut', 'a1b2c3d40002', 0, 'the file ends inside a record: 6 of 24 bytes are there'],
    ['text', '48656c6c6f', 0, 'neither pcap nor pcapng: it begins with 48656c6c'],
    ['gzip', '1f8b0800', 0, 'neither pcap nor pcapng: it begins with 1f8b0800, which is gzip: unpack it first'],
    ['version 3', `a1b2c3d40003${'00'.repeat(18)}`, 0, 'pcap of version 3, and only version 2 is known'],
    [
      'a packet larger than any',
      `a1b2c3d400020004${'00'.repeat(15)}01${'00'.repeat(8)}0004000100040001`,
      24,
      'a packet of 262145 bytes; no packet has more than 262144',
    ],
  ] as const)('is not read where it is %s', ([_what, file, offset, reason]) => {
    expect(readPackets(hex(file))).toEqual({ packets: [], damage: { offset, reason } })
  })
})
