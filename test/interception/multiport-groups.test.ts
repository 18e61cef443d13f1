import { describe, expect, test } from 'vitest'
import { parsePortRanges } from '../../src/core/port-ranges.js'
import { multiportGroups } from '../../src/interception/multiport-groups.js'

describe('multiportGroups', () => {
  const groups = (text: string): string[] => multiportGroups(parsePortRanges(text))
  const ports = (count: number): string => Array.from({ length: count }, (_, index) => index + 1).join(',')

  test('hold 15 ports each', () => {
    expect(multiportGroups([])).toEqual([])
    expect(groups(ports(15))).toEqual([ports(15)])
    expect(groups(ports(16))).toEqual([ports(15), '16'])
  })

  test('count a range as two, and one of a single port as one', () => {
    expect(groups(`${ports(13)},100-200`)).toEqual([`${ports(13)},100:200`])
    expect(groups(`${ports(14)},100-200`)).toEqual([ports(14), '100:200'])
    expect(groups(`${ports(14)},100-100`)).toEqual([`${ports(14)},100`])
  })
})
