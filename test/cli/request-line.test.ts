import { describe, expect, test } from 'vitest'
import { combinedLine, requestRecordLine } from '../../src/cli/request-line.js'
import type { RequestRecord } from '../../src/http/request-record.js'

const record: RequestRecord = {
  listener: 'web',
  connection: 3,
  source: '10.1.2.3:51022',
  destination: '10.0.0.7:80',
  protocol: 'http/1',
  version: '1.1',
  method: 'GET',
  target: '/orders?id=1',
  authority: 'shop.example',
  userAgent: 'curl/8.1',
  referer: 'http://shop.example/start',
  startedAt: Date.UTC(2000, 9, 10, 13, 55, 36, 999),
  status: 200,
  classification: 'success',
  latencyMs: 1.23456,
  durationMs: 2,
  bytes: { client: 0, server: 2326 },
}
const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')

describe('combined', () => {
  test('is the format of Apache', () => {
    expect(combinedLine(record)).toBe(
      '10.1.2.3 - - [10/Oct/2000:13:55:36 +0000] "GET /orders?id=1 HTTP/1.1" 200 2326 "http://shop.example/start" "curl/8.1"\n',
    )
  })

  test('writes - for what is not there, and an empty field as one', () => {
    const { listener, connection, source, protocol, method, target, authority, startedAt, classification, durationMs } =
      record
    const rest = {
      listener,
      connection,
      source,
      protocol,
      method,
      target,
      authority,
      startedAt,
      classification,
      durationMs,
    }
    const line = combinedLine({ ...rest, referer: '', bytes: { client: 9, server: 0 }, version: '2.0' })
    expect(line).toBe('10.1.2.3 - - [10/Oct/2000:13:55:36 +0000] "GET /orders?id=1 HTTP/2.0" - - "" "-"\n')
  })

  test('writes - for a request line that could not be read', () => {
    expect(combinedLine({ ...record, method: '', target: '', status: 400 })).toContain('] "-" 400 2326 ')
  })

  test('writes an IPv6 address without brackets', () => {
    expect(combinedLine({ ...record, source: '[2001:db8::1]:443' })).toMatch(/^2001:db8::1 - - /)
  })

  test('escapes what a client says, as Apache does', () => {
    const line = combinedLine({
      ...record,
      target: '/"\\',
      userAgent: 'a"b\\c\td\r\ne\x1b[31m\x7f\x9b\xe4',
      referer: '" 200 1 "-" "x',
    })
    expect(line).toContain('"GET /\\"\\\\ HTTP/1.1"')
    expect(line).toContain('"a\\"b\\\\c\\td\\r\\ne\\x1b[31m\\x7f\\x9b\\xe4"')
    expect(line).toContain('"\\" 200 1 \\"-\\" \\"x"')
  })

  test('is one line of printable ASCII with three quoted fields, whatever stands in them', () => {
    const line = combinedLine({ ...record, method: all, target: all, referer: all, userAgent: all })
    expect(line).toMatch(/^[\x20-\x7e]+\n$/)
    const quoted = /"(?:[^"\\]|\\.)*"/g
    expect(line.match(quoted)).toHaveLength(3)
    expect(line.replace(quoted, 'Q')).toBe('10.1.2.3 - - [10/Oct/2000:13:55:36 +0000] Q 200 2326 Q Q\n')
  })
})

describe('json', () => {
  test('has the words of the record', () => {
    const line = requestRecordLine(record, new Date(Date.UTC(2000, 9, 10)))
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: '2000-10-10T00:00:00.000Z',
      msg: 'request',
      ...record,
      latencyMs: 1.235,
    })
  })

  test('is one line without controls, whatever a client says, and loses nothing', () => {
    const line = requestRecordLine({ ...record, target: all, userAgent: `${all}\u2028\u2029` }, new Date(0))
    expect(line).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\n$/)
    expect(JSON.parse(line)).toMatchObject({ target: all, userAgent: `${all}\u2028\u2029` })
  })
})
