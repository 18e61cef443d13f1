import { describe, expect, test } from 'vitest'
import { closedLine, closedRecord, decidedLine } from '../../src/cli/connection-line.js'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { ConnectionSnapshot } from '../../src/sluice.js'

const at = new Date(2026, 10, 23, 17, 31, 2, 114)
const WIDTH = 'orders-db'.length

/** Nothing is known of it yet. */
const unnamed: ConnectionSnapshot = {
  listener: 'one-port',
  connection: 1,
  source: '10.1.2.3:51022',
  facts: {},
  bytes: { client: 78, server: 0 },
  durationMs: 1,
}

const web: ConnectionSnapshot = {
  ...unnamed,
  destination: '127.0.0.1:8082',
  upstream: 'web',
  route: 'web',
  outcome: 'detected',
  protocol: 'http/1',
  decidedBy: 'client',
  facts: { method: 'GET', host: 'shop.example' },
  detection: { bytes: { client: 78, server: 0 }, durationMs: 0.21 },
}

const closed: CloseSummary = {
  ...web,
  bytes: { client: 78, server: 312 },
  durationMs: 17.2345678,
  closedBy: 'client',
  reason: 'end',
  http: { requests: 1, responses: 1, lastStatus: 200 },
}

describe('decidedLine', () => {
  test('says who, what, how and where to', () => {
    expect(decidedLine(web, at, WIDTH)).toBe(
      '17:31:02.114  one-port   #1  10.1.2.3:51022   http/1  client, 78 B, 0.2 ms     > web 127.0.0.1:8082   GET shop.example\n',
    )
  })

  test('says why a connection was denied, in the column of the destination', () => {
    const denied: ConnectionSnapshot = {
      ...unnamed,
      outcome: 'unknown',
      detection: { bytes: { client: 9, server: 0 }, durationMs: 0.1 },
      denied: { filter: 'tcp-forward', reason: 'no-route' },
    }
    expect(decidedLine(denied, at, WIDTH)).toBe(
      '17:31:02.114  one-port   #1  10.1.2.3:51022   unknown  9 B, 0.1 ms             denied by tcp-forward: no-route\n',
    )
  })

  test('shows what a port names without bytes, and what is not known as a dash', () => {
    expect(decidedLine({ ...web, decidedBy: 'port', facts: {} }, at, WIDTH)).toContain('http/1  port   ')
    expect(decidedLine(unnamed, at, WIDTH)).toMatch(/#1  10\.1\.2\.3:51022   -\n$/)
  })

  test('shows a fact that is only true by its name', () => {
    const line = decidedLine({ ...web, facts: { sni: 'shop.example', ech: true, isOld: false } }, at, WIDTH)
    expect(line).toMatch(/ {3}shop\.example ech false\n$/)
  })

  test('lets no control character of a stranger reach the terminal, nor a kilobyte', () => {
    const line = decidedLine({ ...web, facts: { version: '\x1b[2J', list: ['a\r\n', 'b'.repeat(1000)] } }, at, WIDTH)
    expect(line).toMatch(/ \?\[2J a\?\?,b+…\n$/)
    expect(line.length).toBeLessThan(220)
  })
})

test('a reason that a plugin gives steers no terminal', () => {
  const denied = { filter: 'acme', reason: '\u001b[31mred\u009b2J' }
  expect(decidedLine({ ...unnamed, denied }, at, WIDTH)).toMatch(/denied by acme: \?\[31mred\?2J\n$/)
})

describe('closedLine', () => {
  test('says how it ended and what it came to', () => {
    expect(closedLine(closed, at, WIDTH)).toBe(
      '17:31:02.114  one-port   #1  closed by client, 17 ms, 78 B up, 312 B down, 1 response 200\n',
    )
    expect(closedLine({ ...closed, http: { requests: 3, responses: 3, lastStatus: 404 } }, at, WIDTH)).toContain(
      ', 3 responses, last 404\n',
    )
    expect(closedLine({ ...closed, http: { requests: 0, responses: 0, lastStatus: 0 } }, at, WIDTH)).toMatch(
      /312 B down\n$/,
    )
  })

  test('says that it went on in TLS, and for whom where the client said so', () => {
    const smtp: CloseSummary = {
      ...closed,
      http: undefined,
      protocol: 'smtp',
      facts: { upgrade: 'tls', tlsVersion: 'TLSv1.3' },
    }
    expect(closedLine(smtp, at, WIDTH)).toMatch(/312 B down, went on in TLS\n$/)
    const named = { ...smtp, facts: { ...smtp.facts, sni: 'mail.example.com' } }
    expect(closedLine(named, at, WIDTH)).toMatch(/312 B down, went on in TLS for mail\.example\.com\n$/)
  })

  test.for([
    [{ reason: 'reset', closedBy: 'server' }, 'reset by server, '],
    [
      { reason: 'connect-failed', closedBy: 'proxy', error: 'SLUICE_CONNECT_REFUSED' },
      'could not connect 127.0.0.1:8082: SLUICE_CONNECT_REFUSED, ',
    ],
    [{ reason: 'idle-timeout', closedBy: 'proxy' }, 'cut after the idle timeout, '],
    [{ reason: 'half-close-timeout', closedBy: 'proxy' }, 'cut after the half-close timeout, '],
    [{ reason: 'answered', closedBy: 'proxy' }, 'answered, '],
    [{ reason: 'error', closedBy: 'proxy', error: 'SLUICE_FILTER_FAILED' }, 'ended by a bug: SLUICE_FILTER_FAILED, '],
    [{ reason: 'stopped', closedBy: 'proxy' }, 'cut by the stop, '],
  ] as const)('says %j', ([end, text]) => {
    expect(closedLine({ ...closed, ...end }, at, WIDTH)).toContain(`#1  ${text}`)
  })
})

describe('closedRecord', () => {
  test('is one JSON line in the words of the summary, times to the microsecond', () => {
    const line = closedRecord(closed, at)
    expect(line.endsWith('}\n')).toBe(true)
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: at.toISOString(),
      msg: 'closed',
      ...closed,
      durationMs: 17.235,
    })
  })
})
