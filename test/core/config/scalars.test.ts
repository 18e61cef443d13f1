import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { z } from 'zod'
import { formatDuration, formatSize } from '../../../src/core/config/scalar-text.js'
import {
  cidr,
  duration,
  hostPort,
  listenAddress,
  listenerAddress,
  port,
  size,
} from '../../../src/core/config/scalars.js'

function problem(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value).error?.issues[0]?.message
}

describe('duration', () => {
  test.each([
    ['0s', 0],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['3m', 180_000],
    ['1h', 3_600_000],
    ['24d', 2_073_600_000],
    ['0.4ms', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(duration().parse(text)).toBe(ms)
  })

  test.each(['3 minutes', '10', '10S', '-1s', '1e3s', '', ' 1s', '1s ', '.5s', '1.s'])('refuses %j', (text) => {
    expect(problem(duration(), text)).toBe(`expected a duration such as 10s, 500ms or 3m, got ${JSON.stringify(text)}`)
  })

  test('asks for the unit of a number', () => {
    expect(problem(duration(), 10)).toBe('expected a duration such as 10s, 500ms or 3m, got 10; say the unit: 10s')
  })

  test('keeps its bounds, and those of timers', () => {
    expect(problem(duration({ minMs: 1 }), '0s')).toBe('must be at least 1ms, got 0s')
    expect(problem(duration({ maxMs: 60_000 }), '61s')).toBe('must be at most 1m, got 61s')
    expect(problem(duration(), '25d')).toBe('must be at most 24d, got 25d')
    expect(duration().parse('24d')).toBeLessThan(2 ** 31)
  })

  test('reads what formatDuration writes', () => {
    fc.assert(fc.property(fc.nat(2_073_600_000), (ms) => duration().parse(formatDuration(ms)) === ms))
    expect([0, 1_500, 60_000, 90_000, 86_400_000].map(formatDuration)).toEqual(['0s', '1500ms', '1m', '90s', '1d'])
  })
})

describe('size', () => {
  test.each([
    ['0B', 0],
    ['16KiB', 16_384],
    ['1MiB', 1_048_576],
    ['1GiB', 1_073_741_824],
    ['1kB', 1_000],
    ['2MB', 2_000_000],
    ['1GB', 1_000_000_000],
    ['1.5KiB', 1_536],
  ])('%s is %d bytes', (text, bytes) => {
    expect(size().parse(text)).toBe(bytes)
  })

  test.each(['16K', '16', '16kb', '1 MiB', '-1B'])('refuses %j', (text) => {
    expect(problem(size(), text)).toBe(`expected a size such as 16KiB or 1MiB, got ${JSON.stringify(text)}`)
  })

  test('keeps its bounds', () => {
    expect(problem(size({ minBytes: 1024 }), '1023B')).toBe('must be at least 1KiB, got 1023B')
    expect(problem(size({ maxBytes: 1024 ** 2 }), '2MiB')).toBe('must be at most 1MiB, got 2MiB')
  })

  test('reads what formatSize writes', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => size().parse(formatSize(bytes)) === bytes))
  })
})

describe('hostPort', () => {
  test.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['db.internal:4406', { host: 'db.internal', port: 4406 }],
    ['my_service:1', { host: 'my_service', port: 1 }],
    ['localhost.:65535', { host: 'localhost.', port: 65535 }],
  ])('reads %s', (text, address) => {
    expect(hostPort().parse(text)).toEqual(address)
  })

  test.each([
    ['127.0.0.1:0', 'port must be 1 to 65535, got 0'],
    ['127.0.0.1:99999', 'port must be 1 to 65535, got 99999'],
    ['010.1.2.3:80', '"010.1.2.3" is not an IPv4 address'],
    ['256.1.1.1:80', '"256.1.1.1" is not an IPv4 address'],
    ['[127.0.0.1]:80', '"127.0.0.1" is not an IPv6 address'],
    ['[::1%lo]:80x', /^expected host:port/],
    [':80', /^expected host:port such as .*, got ":80"$/],
    ['127.0.0.1', /; the port is missing$/],
    ['::1:80', /; put the IPv6 address in brackets: "\[::1\]:80"$/],
    ['fe80::1', /; an IPv6 address needs brackets and a port: "\[fe80::1\]:80"$/],
    ['http://example.com', /; it is not a URL$/],
    ['a b:80', '"a b" is neither an IP address nor a DNS name'],
    [`${'a'.repeat(64)}:80`, /is neither an IP address nor a DNS name$/],
  ])('refuses %s', (text, message) => {
    expect(problem(hostPort(), text)).toMatch(message)
  })
})

describe('listenAddress', () => {
  test.each([
    [':8080', { host: '::', port: 8080 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['[::]:443', { host: '::', port: 443 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ])('reads %s', (text, address) => {
    expect(listenAddress().parse(text)).toEqual(address)
  })

  test('shows what was written', () => {
    expect(problem(listenAddress(), ':http')).toMatch(/got ":http"$/)
  })
})

describe('listenerAddress', () => {
  test.each([
    [':8080', { host: '::', port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['fd:3', { inherited: '3' }],
    ['fd:web.socket', { inherited: 'web.socket' }],
  ])('reads %s', (text, address) => {
    expect(listenerAddress().parse(text)).toEqual(address)
  })

  test.each([
    ['fd:', /^expected fd:3, or fd:NAME/],
    ['fd:a:b', /^expected fd:3, or fd:NAME/],
    ['fd:2', 'descriptors are passed in from 3 on, got "fd:2"'],
    [':http', /or fd:3 for a socket that is passed in, got ":http"$/],
  ])('refuses %s', (text, message) => {
    expect(problem(listenerAddress(), text)).toMatch(message)
  })
})

describe('cidr', () => {
  test.each([
    ['10.0.0.0/8', { host: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['192.0.2.7', { host: '192.0.2.7', prefix: 32, family: 'ipv4' }],
    ['fd00::/8', { host: 'fd00::', prefix: 8, family: 'ipv6' }],
    ['::1', { host: '::1', prefix: 128, family: 'ipv6' }],
    ['0.0.0.0/0', { host: '0.0.0.0', prefix: 0, family: 'ipv4' }],
  ])('reads %s', (text, range) => {
    expect(cidr().parse(text)).toEqual(range)
  })

  test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0/8', 'example.com', ''])(
    'refuses %j',
    (text) => {
      expect(problem(cidr(), text)).toMatch(/^(prefix must be|expected a range of addresses)/)
    },
  )
})

describe('port', () => {
  test('is 1 to 65535', () => {
    expect([1, 65_535].map((value) => port().safeParse(value).success)).toEqual([true, true])
    expect([0, 65_536, 80.5, '80'].map((value) => port().safeParse(value).success)).toEqual([
      false,
      false,
      false,
      false,
    ])
  })
})

test('scalars are strings with a pattern and examples in JSON Schema, and every example matches', () => {
  for (const schema of [duration(), size(), hostPort(), listenAddress(), listenerAddress(), cidr()]) {
    const json = z.toJSONSchema(schema.describe('what it does'), { io: 'input' })
    expect(json).toMatchObject({ type: 'string', description: 'what it does' })
    for (const example of json.examples as string[]) {
      expect(example).toMatch(new RegExp(json.pattern!))
      expect(schema.safeParse(example).success).toBe(true)
    }
  }
})
