import { describe, expect, test } from 'vitest'
import { multiportGroups, parsePortRanges } from '../../src/interception/port-ranges.js'

describe('parsePortRanges', () => {
  test.each([
    ['', []],
    ['4222', [{ from: 4222, to: 4222 }]],
    [
      '4222,6222-6333',
      [
        { from: 4222, to: 4222 },
        { from: 6222, to: 6333 },
      ],
    ],
    [
      ' 25 , 587 - 588 ,',
      [
        { from: 25, to: 25 },
        { from: 587, to: 588 },
      ],
    ],
    ['0-65535', [{ from: 0, to: 65_535 }]],
  ])('reads %j', (text, value) => {
    expect(parsePortRanges(text)).toEqual({ value })
  })

  test.each([
    ['smtp', '"smtp": "smtp" is not a port from 0 to 65535'],
    ['25,65536', '"65536": "65536" is not a port from 0 to 65535'],
    ['25-', '"25-": "" is not a port from 0 to 65535'],
    ['25-23', '"25-23": the upper end of a range may not be below the lower one'],
    ['1-2-3', '"1-2-3": a range is LOWER-UPPER'],
    ['-5', '"-5": "" is not a port from 0 to 65535'],
  ])('refuses %j with the value', (text, problem) => {
    expect(parsePortRanges(text)).toEqual({ problem })
  })
})

describe('multiportGroups', () => {
  const groups = (text: string): string[] => {
    const parsed = parsePortRanges(text)
    if (parsed.problem !== undefined) throw new Error(parsed.problem)
    return multiportGroups(parsed.value)
  }
  const ports = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join(',')

  test('hold 15 ports each', () => {
    expect(groups('')).toEqual([])
    expect(groups(ports(15))).toEqual([ports(15)])
    expect(groups(ports(16))).toEqual([ports(15), '16'])
  })

  test('count a range as two, and one of a single port as one', () => {
    expect(groups(`${ports(13)},100-200`)).toEqual([`${ports(13)},100:200`])
    expect(groups(`${ports(14)},100-200`)).toEqual([ports(14), '100:200'])
    expect(groups(`${ports(14)},100-100`)).toEqual([`${ports(14)},100`])
  })
})
