import { describe, expect, test } from 'vitest'
import { LATENCY_BUCKETS_MS, MAX_LABELLED, classify } from '../../src/http/http-metric-cells.js'
import { parsePathTemplate, type PathTemplate } from '../../src/http/path-template.js'
import { headers, request, CLIENT_PREFACE } from '../support/http2-frames.js'
import { ObservedHttp } from '../support/observed-http.js'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const get = (host: string, target = '/', method = 'GET'): string =>
  `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n\r\n`
const routes = (...texts: string[]): PathTemplate[] => texts.map((text) => parsePathTemplate(text) as PathTemplate)

describe('optional labels', () => {
  test('are not there unless they are asked for', async () => {
    const http = new ObservedHttp('http/1').client(get('a')).server(OK)
    expect(await http.metrics.render()).toContain(
      'request_total{direction="inbound",target_port="8080",tls="disabled"} 1',
    )
  })

  test('10,000 authorities are as many as may be, and other, which is counted', async () => {
    const http = new ObservedHttp('http/1', { labels: { authority: true, maxValues: 100 } })
    for (let i = 0; i < 10_000; i++) http.client(get(`host-${i}.example`)).server(OK)
    http.client(get('HOST-3.example')).server(OK)
    expect(http.count('request_total', { authority: 'host-3.example' })).toBe(2)
    expect(http.count('request_total', { authority: 'host-99.example' })).toBe(1)
    expect(http.count('request_total', { authority: 'other' })).toBe(9900)
    expect(http.count('response_total', { authority: 'other', status_code: '200' })).toBe(9900)
    expect(http.count('sluice_http_label_overflow_total', { listener: 'web', label: 'authority' })).toBe(9900)
    expect((await http.metrics.render()).match(/^request_total\{/gm)).toHaveLength(101)
  })

  test('what they multiply to is bounded, too, and counted', () => {
    const labels = { authority: true, method: true, routes: routes('/a/{x}', '/b'), maxValues: 1000 }
    const http = new ObservedHttp('http/1', { labels })
    for (let i = 0; i < 1000; i++) for (const path of ['/a/1', '/b', '/c']) http.client(get(`h${i}`, path)).server(OK)
    expect(http.requests).toBe(3000)
    expect(http.count('sluice_http_label_overflow_total', { label: 'all' })).toBe(3000 - MAX_LABELLED)
    expect(http.count('request_total', { authority: 'other', method: 'other', route: 'other' })).toBe(
      3000 - MAX_LABELLED,
    )
    expect(http.close().inFlight).toBe(0)
  })

  test('a method is one that there is, or other', () => {
    const http = new ObservedHttp('http/1', { labels: { method: true } })
    for (const method of ['GET', 'PATCH', 'get', 'BREW', 'X'.repeat(300)]) http.client(get('a', '/', method)).server(OK)
    expect(['GET', 'PATCH', 'get', 'BREW', 'other'].map((method) => http.count('request_total', { method }))).toEqual([
      1, 1, 0, 0, 3,
    ])
  })

  test('a route is the first template that matches, never a path', async () => {
    const http = new ObservedHttp('http/1', {
      labels: { routes: routes('/orders/{id}', '/orders/new', '/{rest...}') },
      isListenedTo: true,
    })
    for (const path of ['/orders/new', '/orders/2?secret', '/x/y', '*'])
      http.client(get('a', path, 'OPTIONS')).server(OK)
    expect(http.count('request_total', { route: '/orders/{id}' })).toBe(2)
    expect(http.count('request_total', { route: '/{rest...}' })).toBe(1)
    expect(http.count('request_total', { route: 'other' })).toBe(1)
    expect(http.records.map(({ route }) => route)).toEqual(['/orders/{id}', '/orders/{id}', '/{rest...}', 'other'])
    expect(await http.metrics.render()).not.toMatch(/secret|\/x\/y/)
  })

  test('service and method are those of gRPC calls only', () => {
    const http = new ObservedHttp('http/2', { labels: { grpc: true } }).client(CLIENT_PREFACE)
    http.client(headers(1, request('/shop.Orders/Place', [['content-type', 'application/grpc']]), { ends: true }))
    http.client(headers(3, request('/shop.Orders/Place'), { ends: true }))
    expect(http.count('request_total', { grpc_service: 'shop.Orders', grpc_method: 'Place' })).toBe(1)
    expect(http.requests).toBe(2)
  })
})

describe('classification', () => {
  const end = (status: number, grpcStatus?: number, error = ''): Parameters<typeof classify>[0] => ({
    status,
    grpcStatus,
    error,
  })

  test.each([100, 200, 204, 301, 304, 400, 401, 404, 429, 499, 600, 999])('calls %i a success', (status) => {
    expect(classify(end(status))).toBe('success')
  })

  test.each([500, 501, 503, 504, 599])('calls %i a failure', (status) => {
    expect(classify(end(status))).toBe('failure')
  })

  test('calls what has an error, or no status, a failure', () => {
    expect(classify(end(200, undefined, 'h2(CANCEL)'))).toBe('failure')
    expect(classify(end(0))).toBe('failure')
  })

  test('goes by the status of gRPC where there is one', () => {
    const failures = Array.from({ length: 17 }, (_, status) => status).filter(
      (status) => classify(end(200, status)) === 'failure',
    )
    expect(failures).toEqual([2, 4, 7, 13, 14, 15])
  })

  test('and has the buckets of Linkerd', () => {
    expect(LATENCY_BUCKETS_MS).toHaveLength(25)
    expect(LATENCY_BUCKETS_MS.at(-1)).toBe(50_000)
  })
})
