import { describe, expect, test } from 'vitest'
import { matchesFilter, parseRequestFilter, type WrittenRequestFilter } from '../../src/http/request-filter.js'
import type { RequestRecord } from '../../src/http/request-record.js'

const record: Partial<RequestRecord> = { protocol: 'http/2', method: 'PUT', target: '/orders/17?x=1', status: 503 }

function matches(written: WrittenRequestFilter, one = record): boolean {
  const filter = parseRequestFilter(written)
  if (typeof filter === 'string') throw new Error(filter)
  return matchesFilter(filter, one as RequestRecord)
}

describe('a filter of requests', () => {
  test.each<[WrittenRequestFilter, boolean]>([
    [{}, true],
    [{ protocol: 'http/2' }, true],
    [{ protocol: 'grpc' }, false],
    [{ status: '503' }, true],
    [{ status: '5xx' }, true],
    [{ status: '504' }, false],
    [{ status: '4xx' }, false],
    [{ method: 'PUT' }, true],
    [{ method: 'put' }, false],
    [{ path: '/' }, true],
    [{ path: '/orders/1' }, true],
    [{ path: '/order/' }, false],
    [{ path: '/orders/{id}' }, true],
    [{ path: '/{rest...}' }, true],
    [{ path: '/orders/{id}/items' }, false],
    [{ protocol: 'http/2', status: '5xx', method: 'PUT', path: '/orders/{id}' }, true],
    [{ protocol: 'http/2', status: '5xx', method: 'GET', path: '/orders/{id}' }, false],
  ])('%j', (written, expected) => expect(matches(written)).toBe(expected))

  test('takes no status for none of any class', () => {
    const { protocol, method, target } = record
    const unanswered = { protocol, method, target } as typeof record
    expect(matches({ status: '5xx' }, unanswered)).toBe(false)
    expect(matches({}, unanswered)).toBe(true)
  })

  test.each<[WrittenRequestFilter, RegExp]>([
    [{ protocol: 'tls' }, /^protocol: expected http\/1, http\/2 or grpc, got "tls"$/],
    [{ status: '5x' }, /^status: expected .* 5xx, got "5x"$/],
    [{ status: '0xx' }, /^status: /],
    [{ status: '' }, /^status: /],
    [{ method: 'GET /' }, /^method: expected .*GET, got "GET \/"$/],
    [{ method: '' }, /^method: /],
    [{ path: 'orders' }, /^path: expected the beginning of a path, .* got "orders"$/],
    [{ path: '/a/{' }, /^path: expected a path template such as \/orders\/\{id\}: "\{" is neither/],
  ])('%j is none, and says what was expected', (written, reason) => {
    expect(parseRequestFilter(written)).toEqual(expect.stringMatching(reason))
  })
})
