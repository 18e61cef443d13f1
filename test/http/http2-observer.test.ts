import { describe, expect, test } from 'vitest'
import {
  block,
  CLIENT_PREFACE,
  data,
  FLAGS,
  frame,
  goAway,
  grpcMessage,
  headers,
  paddedData,
  request,
  reset,
} from '../support/http2-frames.js'
import { ObservedHttp } from '../support/observed-http.js'

const OK = [[':status', '200']] as const
const CANCEL = 8
const NO_ERROR = 0
const GRPC = [['content-type', 'application/grpc+proto']] as const
const UNCLASSIFIED = { classification: 'failure', error: 'unclassified' }

function observed(options: ConstructorParameters<typeof ObservedHttp>[1] = {}): ObservedHttp {
  return new ObservedHttp('http/2', options).client(CLIENT_PREFACE, frame('settings', 0, 0, Buffer.alloc(0)))
}

describe('Http2Observer', () => {
  test('tells interleaved streams apart, each at its own pace', () => {
    const http = observed()
      .client(headers(1, request('/a')), headers(3, request('/b'), { ends: true }))
      .server(headers(3, OK))
      .client(data(1, 'abc'))
      .server(data(3, 'xx'), headers(1, [[':status', '503']]))
      .client(data(1, 'de', { ends: true }))
      .server(data(1, 'y', { ends: true }))
    expect(http.inFlight).toBe(1)
    http.server(data(3, 'z', { ends: true }))
    expect([http.requests, http.responses(), http.inFlight]).toEqual([2, 2, 0])
    expect(http.responses({ status_code: '200', classification: 'success' })).toBe(1)
    expect(http.responses({ status_code: '503', classification: 'failure', error: '' })).toBe(1)
    expect(http.bodyBytes).toEqual([5, 4])
    http.close()
  })

  test('reads a block that goes on in CONTINUATION, with padding and priority in its first frame', () => {
    const whole = block(request('/long'))
    const first = Buffer.concat([Buffer.of(3), Buffer.alloc(5), whole.subarray(0, 10), Buffer.alloc(3)])
    const http = observed({ isListenedTo: true })
      .client(frame('headers', FLAGS.padded | FLAGS.priority | FLAGS.endStream, 1, first))
      .client(frame('continuation', 0, 1, whole.subarray(10, 11)), frame('continuation', 0, 1, Buffer.alloc(0)))
      .client(frame('continuation', FLAGS.endHeaders, 1, whole.subarray(11)))
      .server(headers(1, OK, { ends: true }))
    expect(http.records).toMatchObject([{ target: '/long', method: 'GET', authority: 'shop.example', status: 200 }])
    expect(http.stopped()).toBe(0)
  })

  test('counts content without its padding', () => {
    const http = observed()
      .client(headers(1, request()), paddedData(1, 'abc', 200), paddedData(1, '', 9, { ends: true }))
      .server(headers(1, OK), paddedData(1, 'de', 0), paddedData(1, 'f', 255, { ends: true }))
    expect(http.bodyBytes).toEqual([3, 3])
    expect(http.responses()).toBe(1)
  })

  test('passes over interim responses, and takes trailers for the end', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }))
      .server(headers(1, [[':status', '103']]), headers(1, [[':status', '100']]))
    expect(http.responses()).toBe(0)
    http.server(headers(1, OK), data(1, 'a'))
    expect(http.responses()).toBe(0)
    http.server(headers(1, [['x-checksum', '1']], { ends: true }))
    expect(http.responses({ status_code: '200', error: '' })).toBe(1)
  })

  test('takes fields behind the content of a request for trailers, not for another request', () => {
    const http = observed()
      .client(headers(1, request()), data(1, 'a'), headers(1, [['x-checksum', '1']], { ends: true }))
      .server(headers(1, OK, { ends: true }))
    expect([http.requests, http.responses(), http.inFlight]).toEqual([1, 1, 0])
  })

  test('counts a pushed request as a push and nowhere else', () => {
    const promise = Buffer.concat([Buffer.of(0, 0, 0, 2), block(request('/style.css'))])
    const http = observed()
      .client(headers(1, request(), { ends: true }))
      .server(frame('pushPromise', FLAGS.endHeaders, 1, promise), headers(1, OK))
      .server(headers(2, OK), data(2, 'pushed', { ends: true }), data(1, 'own', { ends: true }))
    expect([http.requests, http.responses(), http.count('sluice_http_pushes_total')]).toEqual([1, 1, 1])
    expect(http.bodyBytes).toEqual([0, 3])
    http.close()
  })

  test('counts a reset by either side as a response with that error', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }), headers(3, request(), { ends: true }))
      .server(headers(1, OK))
      .client(reset(1, CANCEL))
      .server(reset(3, 2), headers(1, [], { ends: true }))
    expect(http.responses({ status_code: '200', error: 'h2(CANCEL)', classification: 'failure' })).toBe(1)
    expect(http.responses({ status_code: '', error: 'h2(INTERNAL_ERROR)', classification: 'failure' })).toBe(1)
    expect([http.responses(), http.inFlight]).toEqual([2, 0])
    http.client(headers(5, request(), { ends: true })).server(reset(5, 0x1234_5678))
    expect(http.responses({ error: 'h2(UNKNOWN)' })).toBe(1)
    http.close()
  })

  test('counts nothing more for a reset behind the end of the response', () => {
    const http = observed()
      .client(headers(1, request()), data(1, 'ab'))
      .server(headers(1, [[':status', '413']], { ends: true }), reset(1, NO_ERROR))
    expect([http.responses(), http.responses({ status_code: '413', error: '' })]).toEqual([1, 1])
    expect(http.bodyBytes).toEqual([2, 0])
    // Under way when the reset came: trailers of a stream that is over are no request.
    http.client(data(1, 'cd'), headers(1, [['x-checksum', '1']], { ends: true }))
    expect([http.requests, http.inFlight]).toEqual([1, 0])
    http.close()
  })

  test('takes content of a request that comes after its response', () => {
    const http = observed({ isListenedTo: true })
      .client(headers(1, request()), data(1, 'ab'))
      .server(headers(1, OK, { ends: true }))
    expect(http.records).toMatchObject([{ bytes: { client: 2, server: 0 } }])
    http.client(data(1, 'cde', { ends: true }))
    expect(http.bodyBytes).toEqual([5, 0])
    expect([http.responses(), http.inFlight]).toEqual([1, 0])
    http.close()
  })

  test('counts what a server that goes away did not get to as refused, also what was under way to it', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }), headers(3, request(), { ends: true }))
      .server(goAway(1, 0, 'bye'))
      .client(headers(5, request(), { ends: true }))
      .server(headers(1, OK, { ends: true }))
    expect(http.responses({ error: 'h2(REFUSED_STREAM)' })).toBe(2)
    expect([http.requests, http.responses(), http.inFlight]).toEqual([3, 3, 0])
  })

  test('lets all streams go on behind a GOAWAY that only announces the end', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }))
      .server(goAway(0x7fff_ffff))
      .client(headers(3, request(), { ends: true }))
      .server(headers(1, OK, { ends: true }), headers(3, OK, { ends: true }), goAway(3))
    expect([http.responses(), http.responses({ error: '' })]).toEqual([2, 2])
  })

  test.each([
    ['of the server', true],
    ['of the connection', false],
  ])('counts what has no answer at the end %s as failed', (_, byServer) => {
    const http = observed()
      .client(headers(1, request()), headers(3, request(), { ends: true }), data(1, 'abc'))
      .server(headers(3, OK), data(3, 'xy'))
    if (byServer) http.end('server')
    http.close()
    expect(http.responses({ status_code: '', ...UNCLASSIFIED })).toBe(1)
    expect(http.responses({ status_code: '200', ...UNCLASSIFIED })).toBe(1)
    expect(http.responses()).toBe(2)
    expect(http.bodyBytes).toEqual([3, 2])
  })

  test('counts of a frame that the end cuts only what came', () => {
    const half = data(1, 'x'.repeat(1000)).subarray(0, 9 + 400)
    const http = observed()
      .client(headers(1, request()), half)
      .server(headers(1, OK), half.subarray(0, 9 + 100), 'x'.repeat(200))
      .close()
    expect(http.bodyBytes).toEqual([400, 300])
  })

  test('takes an end without a head for no response', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }))
      .server(headers(1, [['x-what', 'ever']], { ends: true }))
    expect(http.responses({ status_code: '', ...UNCLASSIFIED })).toBe(1)
    expect(http.count('response_latency_ms')).toBe(0)
    http.close()
  })

  test('answers HEAD without content', () => {
    const http = observed()
      .client(headers(1, [[':method', 'HEAD'], ...request().slice(1)], { ends: true }))
      .server(headers(1, [...OK, ['content-length', '1000']], { ends: true }))
    expect([http.responses({ status_code: '200', error: '' }), http.bodyBytes]).toEqual([1, [0, 0]])
  })

  test.each([
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'a:443'],
      ] as const,
    ],
    ['a WebSocket (RFC 8441)', [[':method', 'CONNECT'], [':protocol', 'websocket'], ...request().slice(1)] as const],
  ])('takes 2xx to %s for a tunnel, whose content is none of a message', (_, fields) => {
    const http = observed()
      .client(headers(1, fields))
      .server(headers(1, OK))
      .client(data(1, 'tunnelled'))
      .server(data(1, 'tunnelled', { ends: true }))
      .client(data(1, '', { ends: true }))
    expect([http.responses({ status_code: '200' }), http.inFlight, http.bodyBytes]).toEqual([1, 0, [0, 0]])
    expect(http.count('sluice_http_tunnels_total', { kind: 'connect' })).toBe(1)
    http.client(headers(3, request(), { ends: true })).server(headers(3, OK, { ends: true }))
    expect(http.responses()).toBe(2)
    http.close()
  })

  test('takes a CONNECT that is refused for an ordinary exchange', () => {
    const http = observed()
      .client(
        headers(1, [
          [':method', 'CONNECT'],
          [':authority', 'a:443'],
        ]),
      )
      .server(headers(1, [[':status', '403']]), data(1, 'no', { ends: true }))
    expect([http.responses({ status_code: '403' }), http.count('sluice_http_tunnels_total')]).toEqual([1, 0])
  })

  test('takes Host for the authority where there is no other', () => {
    const http = observed({ isListenedTo: true })
      .client(
        headers(1, [...request().filter(([name]) => name !== ':authority'), ['host', 'old.example']], { ends: true }),
      )
      .client(headers(3, [['host', 'old.example'], ...request()].reverse() as never, { ends: true }))
      .server(headers(1, OK, { ends: true }), headers(3, OK, { ends: true }))
    expect(http.records.map(({ authority }) => authority)).toEqual(['old.example', 'shop.example'])
  })

  test('stops at more streams than may be open, and leaves nothing in flight', () => {
    const http = observed({ maxStreams: 2 })
    for (const stream of [1, 3]) http.client(headers(stream, request()))
    http.server(headers(1, OK, { ends: true })).client(data(1, '', { ends: true }), headers(5, request()))
    expect(http.isObserved).toBe(true)
    http.client(headers(7, request()))
    expect([http.isObserved, http.stopped('streams-too-many'), http.inFlight]).toEqual([false, 1, 0])
    expect(http.responses()).toBe(1)
    http.close()
    expect([http.responses(), http.stopped()]).toEqual([1, 1])
  })

  test.each([
    ['a client without preface', 'bad-preface', () => observed().connect().client('GET / HTTP/1.1\r\n')],
    ['DATA on the connection', 'bad-frame', (http: ObservedHttp) => http.client(data(0, 'a'))],
    [
      'a block in the middle of another',
      'bad-frame',
      (http: ObservedHttp) => http.client(frame('headers', 0, 3, block(request())), headers(5, request())),
    ],
    [
      'an index that no table has',
      'no-such-index',
      (http: ObservedHttp) => http.server(frame('headers', FLAGS.endHeaders, 1, Buffer.of(0xff, 0x7f))),
    ],
    [
      'a block beyond the bound',
      'head-too-large',
      (http: ObservedHttp) => http.client(headers(3, request('/'.repeat(70_000)))),
    ],
  ])('stops at %s, with the reason, and leaves nothing in flight', (_, reason, speak) => {
    const begun = observed().client(headers(1, request(), { ends: true }))
    const http = speak(begun) ?? begun
    expect([http.isObserved, http.stopped(reason), http.stopped(), http.inFlight]).toEqual([false, 1, 1, 0])
    http.server(headers(1, OK, { ends: true })).close()
    expect(http.responses()).toBe(0)
  })

  test('forgets a stream as soon as both sides have ended it', () => {
    const http = observed({ maxStreams: 1 })
    for (let stream = 1; stream < 2000; stream += 2) {
      http
        .client(headers(stream, request(), { ends: true }))
        .server(headers(stream, OK), data(stream, 'a', { ends: true }))
    }
    expect([http.responses(), http.stopped()]).toEqual([1000, 0])
  })

  test('needs not be shown content, of any length', () => {
    const http = observed()
      .client(headers(1, request(), { ends: true }))
      .server(headers(1, OK), data(1, 'x'.repeat(10)).subarray(0, 12))
    // What the observer would take for frames, were it shown.
    http.server(Buffer.alloc(7, 0xff), data(1, 'y', { ends: true }))
    expect([http.responses({ error: '' }), http.bodyBytes, http.stopped()]).toEqual([1, [0, 11], 0])
  })
})

describe('gRPC', () => {
  const call = (path = '/shop.Orders/Place'): ReturnType<typeof request> => [
    [':method', 'POST'],
    ...request(path).slice(1),
    ...GRPC,
  ]

  test('has its status from trailers, and its messages are counted both ways', () => {
    const messages = Buffer.concat([grpcMessage(3), grpcMessage(0), grpcMessage(70_000)])
    const http = observed({ isListenedTo: true })
      .client(headers(1, call()))
      .client(...[0, 3, 8, 20_000].map((at, i, all) => data(1, messages.subarray(at, all[i + 1]))))
      .client(data(1, '', { ends: true }))
      .server(headers(1, [...OK, ...GRPC]), data(1, grpcMessage(5)))
      .server(
        headers(
          1,
          [
            ['grpc-status', '0'],
            ['grpc-message', ''],
          ],
          { ends: true },
        ),
      )
    expect(http.responses({ status_code: '200', grpc_status: '0', classification: 'success' })).toBe(1)
    expect(http.messages).toEqual([3, 1])
    expect(http.records).toMatchObject([
      { protocol: 'grpc', version: '2.0', grpcStatus: 0, messages: { client: 3, server: 1 } },
    ])
    http.close()
  })

  test('has its status from a response that is trailers only', () => {
    const http = observed()
      .client(headers(1, call(), { ends: true }))
      .server(headers(1, [...OK, ...GRPC, ['grpc-status', '12']], { ends: true }))
    expect(http.responses({ status_code: '200', grpc_status: '12', classification: 'success' })).toBe(1)
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])('is classified by status %i', (status) => {
    const http = observed()
      .client(headers(1, call(), { ends: true }))
      .server(headers(1, [...OK, ['grpc-status', String(status)]], { ends: true }))
    const classification = [2, 4, 7, 13, 14, 15].includes(status) ? 'failure' : 'success'
    expect(http.responses({ grpc_status: String(status), classification })).toBe(1)
  })

  test.each([
    ['17', '2'],
    ['-1', '2'],
    ['1e1', '2'],
    ['', '2'],
    [' 1', '2'],
    ['000', '2'],
  ])('takes a status %j for %s', (said, counted) => {
    const http = observed()
      .client(headers(1, call(), { ends: true }))
      .server(headers(1, [...OK, ['grpc-status', said]], { ends: true }))
    expect(http.responses({ grpc_status: counted })).toBe(1)
  })

  test.each([
    ['200', '2'],
    ['400', '13'],
    ['401', '16'],
    ['403', '7'],
    ['404', '12'],
    ['429', '14'],
    ['500', '2'],
    ['503', '14'],
  ])('takes HTTP %s without a status of its own for %s, as clients do', (status, grpcStatus) => {
    const http = observed()
      .client(headers(1, call(), { ends: true }))
      .server(headers(1, [[':status', status]]), data(1, '<html>', { ends: true }))
    expect(http.responses({ status_code: status, grpc_status: grpcStatus })).toBe(1)
  })

  test('counts messages that come after the status', () => {
    const http = observed()
      .client(headers(1, call()), data(1, grpcMessage(1)))
      .server(headers(1, [...OK, ['grpc-status', '0']], { ends: true }))
      .client(data(1, grpcMessage(2)), data(1, grpcMessage(2), { ends: true }))
    expect(http.messages).toEqual([3, 0])
    http.close()
  })

  test('counts messages of a call that was cancelled', () => {
    const http = observed()
      .client(headers(1, call()), data(1, grpcMessage(1)))
      .server(headers(1, OK), data(1, grpcMessage(2)), data(1, grpcMessage(2)))
      .client(reset(1, CANCEL))
    expect(http.messages).toEqual([1, 2])
    expect(http.responses({ grpc_status: '', error: 'h2(CANCEL)' })).toBe(1)
  })

  test.each(['application/grpc', 'application/grpc+json', 'application/grpc;charset=utf-8'])('is %s', (type) => {
    const http = observed()
      .client(headers(1, request('/', [['content-type', type]]), { ends: true }))
      .server(headers(1, [...OK, ['grpc-status', '5']], { ends: true }))
    expect(http.responses({ grpc_status: '5' })).toBe(1)
  })

  test.each(['application/grpc-web', 'application/grpcx', 'text/plain'])('is not %s', (type) => {
    const http = observed()
      .client(headers(1, request('/', [['content-type', type]])), data(1, grpcMessage(2), { ends: true }))
      .server(headers(1, [...OK, ['grpc-status', '5']], { ends: true }))
    expect(http.responses({ grpc_status: '' })).toBe(1)
    expect(http.messages).toEqual([0, 0])
  })
})
