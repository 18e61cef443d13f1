import { describe, expect, test } from 'vitest'
import { counted, formatBytes, formatMs } from '../../src/cli/quantities.js'

describe('quantities', () => {
  test.for([
    [0, '0 B'],
    [9_999, '9999 B'],
    [10_000, '10.0 kB'],
    [999_949, '999.9 kB'],
    [999_951, '1.0 MB'],
    [1_500_000_000, '1.5 GB'],
    [2e15, '2000.0 TB'],
  ] as const)('shows %d bytes as %s', ([bytes, text]) => expect(formatBytes(bytes)).toBe(text))

  test.for([
    [0.04, '0.0 ms'],
    [9.94, '9.9 ms'],
    [9.96, '10 ms'],
    [999.6, '1.0 s'],
    [8_123, '8.1 s'],
    [59_960, '1.0 min'],
    [5_400_000, '1.5 h'],
  ] as const)('shows %d milliseconds as %s', ([ms, text]) => expect(formatMs(ms)).toBe(text))

  test('counts in words', () =>
    expect([counted(0, 'route'), counted(1, 'route'), counted(2, 'route')]).toEqual([
      '0 routes',
      '1 route',
      '2 routes',
    ]))
})
