import { describe, expect, test } from 'vitest'
import { formatPortRange, parsePort, parsePortRanges } from '../../src/core/port-ranges.js'

describe('a list of ports', () => {
  test.each([
    ['4406', '4406'],
    ['4222,6222-6333', '4222,6222-6333'],
    [' 25 , 587 ,', '25,587'],
    ['0-65535', '0-65535'],
    ['80-80', '80'],
    ['00080', '80'],
  ])('%j is %s', (text, formatted) => {
    expect(parsePortRanges(text).map(formatPortRange).join()).toBe(formatted)
  })

  test.each([
    '',
    ',',
    '1,,2',
    '-',
    '-1',
    '1-',
    '65536',
    '1-65536',
    '2-1',
    '1-2-3',
    '1 2',
    '1.5',
    '0x50',
    'http',
    '+1',
    '1e3',
  ])('%j is none', (text) => {
    expect(() => parsePortRanges(text)).toThrow(RangeError)
  })

  test('says which item is wrong, and why', () => {
    expect(() => parsePortRanges('25,80-70')).toThrow('"80-70": the end of a range must not be below its beginning')
    expect(() => parsePortRanges('25,70-99999')).toThrow('"99999" in "70-99999" is no port: expected 0 to 65535')
    expect(() => parsePortRanges('0', 1)).toThrow('"0" is no port: expected 1 to 65535')
  })
})

test('one port is no range and not 0', () => {
  expect(parsePort('4143')).toBe(4143)
  for (const text of ['0', '1-2', '1-1', '', '65536']) expect(() => parsePort(text)).toThrow(RangeError)
})
