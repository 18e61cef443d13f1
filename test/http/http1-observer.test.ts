import { describe, expect, test } from 'vitest'
import { CLIENT_PREFACE, data, frame, headers, request } from '../support/http2-frames.js'
import { ObservedHttp } from '../support/observed-http.js'

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n'
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n'
const H2C_FIELDS = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n'
const SETTINGS = frame('settings', 0, 0, Buffer.alloc(0))
const UNCLASSIFIED = { classification: 'failure', error: 'unclassified' }

const observed = (options: ConstructorParameters<typeof ObservedHttp>[1] = {}): ObservedHttp =>
  new ObservedHttp('http/1', options)

describe('Http1Observer counts the bytes of content', () => {
  test('of both sides, without chunk sizes and trailers', () => {
    const chunked = 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\na: b\r\n\r\n'
    const http = observed().client(`POST / HTTP/1.1\r\n${chunked}`).server(`HTTP/1.1 200 OK\r\n${chunked}`).close()
    expect(http.bodyBytes).toEqual([5, 5])
  })

  test('of a response that ends with its connection, though it is not looked at', () => {
    const http = observed().client(GET).server('HTTP/1.0 200 OK\r\n\r\nab', 'c'.repeat(5000), 'd'.repeat(900))
    http.end('server').close()
    expect(http.bodyBytes).toEqual([0, 5902])
    expect(http.responses({ status_code: '200', error: '' })).toBe(1)
  })

  test.each([
    ['the end of the server', true],
    ['the end of the connection', false],
  ])('that came before %s cut them, on both sides', (_, byServer) => {
    const http = observed({ isListenedTo: true })
      .client(`${POST}ab`, 'c'.repeat(300))
      .server('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx', 'y'.repeat(400))
    if (byServer) http.end('server')
    http.close()
    expect(http.bodyBytes).toEqual([302, 401])
    expect(http.responses({ status_code: '200', ...UNCLASSIFIED })).toBe(1)
    expect(http.stopped()).toBe(0)
  })

  test('of a request whose response came first', () => {
    const http = observed({ isListenedTo: true })
      .client(`${POST}ab`)
      .server('HTTP/1.1 413 x\r\ncontent-length: 0\r\n\r\n')
    expect(http.records).toMatchObject([{ bytes: { client: 2, server: 0 }, status: 413 }])
    http.client('c'.repeat(998))
    expect(http.bodyBytes).toEqual([1000, 0])
    http.client(GET).server(OK).close()
    expect([http.requests, http.responses(), http.bodyBytes]).toEqual([2, 2, [1000, 2]])
  })

  test('of a request that was answered, and then never came to its end', () => {
    const http = observed()
      .client(`${POST}ab`)
      .server('HTTP/1.1 413 x\r\ncontent-length: 0\r\n\r\n')
      .client('c'.repeat(50))
    http.close()
    expect(http.bodyBytes).toEqual([52, 0])
  })
})

describe('Http1Observer', () => {
  test('answers HEAD without content, and passes over interim responses', () => {
    const http = observed()
      .client('HEAD / HTTP/1.1\r\n\r\n', GET)
      .server('HTTP/1.1 103 x\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n', OK)
    expect([http.responses({ status_code: '200' }), http.bodyBytes, http.inFlight]).toEqual([2, [0, 2], 0])
  })

  test('leaves nothing in flight where a pipeline is too deep', () => {
    const http = observed({ maxPipelined: 2 }).client(GET.repeat(3))
    expect([http.isObserved, http.stopped('pipeline-too-deep'), http.inFlight]).toEqual([false, 1, 0])
    expect(http.requests).toBe(3)
    http.close()
    expect(http.responses()).toBe(0)
  })

  test('goes on behind a request for an upgrade that was refused before its content had come', () => {
    const http = observed()
      .client(`POST / HTTP/1.1\r\ncontent-length: 4\r\n${H2C_FIELDS}\r\nab`)
      .server('HTTP/1.1 405 x\r\ncontent-length: 0\r\n\r\n')
      .client(`cd${GET}`)
      .server(OK)
    for (let i = 0; i < 1000; i++) http.client(GET).server(OK)
    http.close()
    expect([http.requests, http.responses({ status_code: '200' }), http.stopped()]).toEqual([1002, 1001, 0])
  })

  test('does not say that it has stopped at a response that the server broke off', () => {
    const http = observed()
      .client(GET + GET)
      .server('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab')
      .end('server')
    http.client(GET).close()
    expect([http.responses(UNCLASSIFIED), http.stopped()]).toEqual([3, 0])
  })

  test('tells of requests only whose heads came while somebody listened', () => {
    const http = observed().client(GET)
    const stop = http.listen()
    http.server(OK).client(GET).server(OK)
    expect(http.records).toHaveLength(1)
    stop()
    http.client(GET).server(OK)
    expect(http.records).toHaveLength(1)
    expect(http.responses()).toBe(3)
  })

  test('tells what there is to tell of a request', () => {
    const http = observed({ isListenedTo: true })
    const fields = 'Host: Shop.example\r\nUser-Agent: curl/8\r\nReferer: http://a/\r\ncontent-length: 2\r\n\r\n'
    http.client('P')
    http.clock.time += 5
    http.client(`UT /orders?id=1 HTTP/1.0\r\n${fields}ab`)
    http.clock.time += 10
    http.server('HTTP/1.1 500 x\r\ncontent-length: 3\r\n\r\na')
    http.clock.time += 20
    http.server('bc')
    expect(http.records).toEqual([
      {
        listener: 'web',
        connection: 7,
        source: '10.0.0.9:4711',
        destination: '10.0.0.1:8080',
        protocol: 'http/1',
        version: '1.0',
        method: 'PUT',
        target: '/orders?id=1',
        authority: 'Shop.example',
        userAgent: 'curl/8',
        referer: 'http://a/',
        startedAt: 1_700_000_001_000,
        status: 500,
        classification: 'failure',
        latencyMs: 15,
        durationMs: 35,
        bytes: { client: 2, server: 3 },
      },
    ])
  })
})

describe('Http1Observer goes on as HTTP/2', () => {
  const upgrade = `GET /up HTTP/1.1\r\nhost: a\r\n${H2C_FIELDS}\r\n`

  test('with the upgraded request on stream 1, the server speaking in the chunk of its 101', () => {
    const http = observed({ isListenedTo: true })
      .client(upgrade)
      .server(
        Buffer.concat([
          Buffer.from(SWITCH),
          SETTINGS,
          headers(1, [[':status', '201']]),
          data(1, 'abc', { ends: true }),
        ]),
      )
      .client(CLIENT_PREFACE, SETTINGS, headers(3, request('/next'), { ends: true }))
      .server(headers(3, [[':status', '404']], { ends: true }))
    expect([http.requests, http.responses(), http.inFlight]).toEqual([2, 2, 0])
    expect(http.responses({ status_code: '201' })).toBe(1)
    expect(http.bodyBytes).toEqual([0, 3])
    expect(http.count('sluice_http_tunnels_total', { kind: 'upgrade' })).toBe(1)
    expect(http.records).toMatchObject([
      { protocol: 'http/1', version: '1.1', target: '/up', status: 201 },
      { protocol: 'http/2', version: '2.0', target: '/next', status: 404 },
    ])
    http.close()
  })

  test('also where the client has said its preface and more before the 101', () => {
    const http = observed()
      .client(upgrade + CLIENT_PREFACE.toString('latin1').slice(0, 10))
      .client(CLIENT_PREFACE.subarray(10), SETTINGS, headers(3, request(), { ends: true }))
      .server(SWITCH)
      .server(
        SETTINGS,
        headers(3, [[':status', '200']], { ends: true }),
        headers(1, [[':status', '200']], { ends: true }),
      )
    expect([http.requests, http.responses({ status_code: '200' }), http.stopped()]).toEqual([2, 2, 0])
    http.close()
  })

  test('cut at every byte, with the same counts', () => {
    const client = Buffer.concat([
      Buffer.from(upgrade),
      CLIENT_PREFACE,
      SETTINGS,
      headers(3, request(), { ends: true }),
    ])
    const server = Buffer.concat([
      Buffer.from(SWITCH),
      SETTINGS,
      headers(1, [[':status', '200']]),
      data(1, 'abc', { ends: true }),
      headers(3, [[':status', '204']], { ends: true }),
    ])
    for (let at = 1; at < server.length; at++) {
      const http = observed().client(client).server(server.subarray(0, at), server.subarray(at))
      expect([http.requests, http.responses(), http.inFlight, http.stopped(), http.bodyBytes], `cut at ${at}`).toEqual([
        2,
        2,
        0,
        0,
        [0, 3],
      ])
    }
  })

  test('counts the upgraded request as failed where the connection ends before its answer', () => {
    const http = observed().client(upgrade).server(SWITCH).close()
    expect([http.responses({ status_code: '', ...UNCLASSIFIED }), http.responses()]).toEqual([1, 1])
  })

  test('leaves nothing in flight where what follows is no HTTP/2', () => {
    const http = observed().client(`${upgrade}what else`).server(`${SWITCH}not frames at all, are these`)
    expect([http.isObserved, http.stopped('bad-preface'), http.stopped(), http.inFlight]).toEqual([false, 1, 1, 0])
    http.close()
    expect(http.responses()).toBe(0)
  })

  test('is an ordinary exchange where the server does not agree', () => {
    const http = observed().client(upgrade).server(OK).client(GET).server(OK).close()
    expect([http.requests, http.responses(), http.count('sluice_http_tunnels_total')]).toEqual([2, 2, 0])
  })
})
