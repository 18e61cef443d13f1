import { describe, expect, test } from 'vitest'
import { OwnAddresses, overlaps } from '../../../src/core/config/own-addresses.js'

describe('OwnAddresses', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', 'localhost', true],
    ['127.0.0.1', '0.0.0.0', true],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0', '127.0.0.2', true],
    ['0.0.0.0', 'LOCALHOST.', true],
    ['0.0.0.0', '::1', false],
    ['0.0.0.0', '10.0.0.1', false],
    ['::', '127.0.0.1', true],
    ['::', '::1', true],
    ['::', '0.0.0.0', true],
    ['::', 'localhost', true],
    ['::1', '0:0::0:1', true],
    ['::1', '::', true],
    ['2001:db8::1', '2001:DB8:0::1', true],
    ['10.0.0.1', 'localhost', false],
    ['example.com', 'Example.COM', true],
  ])('listening on %s, a destination %s is one of them: %s', (own, target, expected) => {
    const addresses = new OwnAddresses([{ host: own, port: 80 }])
    expect(addresses.has(target, 80)).toBe(expected)
    expect(addresses.has(target, 81)).toBe(false)
  })

  test('a port that is not known yet is never one of them', () => {
    expect(new OwnAddresses([{ host: '127.0.0.1', port: 0 }]).has('127.0.0.1', 0)).toBe(false)
  })
})

describe('overlaps', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0', '127.0.0.2', true],
    ['0.0.0.0', '::1', false],
    ['::', '127.0.0.1', true],
    ['::', '::1', true],
    ['::', '0.0.0.0', false],
  ])('%s and %s cannot both be bound: %s', (a, b, expected) => {
    expect(overlaps({ host: a, port: 80 }, { host: b, port: 80 })).toBe(expected)
    expect(overlaps({ host: b, port: 80 }, { host: a, port: 80 })).toBe(expected)
    expect(overlaps({ host: a, port: 80 }, { host: b, port: 81 })).toBe(false)
    expect(overlaps({ host: a, port: 0 }, { host: b, port: 0 })).toBe(false)
  })
})
