import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/core/clock.js'
import type { CloseSummary } from '../../../src/core/close-summary.js'
import type { Connection, FactKey } from '../../../src/core/connection.js'
import type { ListenerContext } from '../../../src/core/listener-context.js'
import { MetricsRegistry } from '../../../src/core/metrics.js'
import { systemClock } from '../../../src/core/clock.js'
import { Trace } from '../../../src/core/trace.js'
import type { Observer, Watch } from '../../../src/core/observer.js'
import type { Side } from '../../../src/core/side.js'
import { HttpMetrics, httpMetrics, httpMetricsOptions } from '../../../src/filters/http-metrics/http-metrics.js'
import { LATENCY_BUCKETS_MS, MAX_TARGET_PORTS } from '../../../src/http/http-metric-cells.js'
import { HTTP_SEEN } from '../../../src/http/http-seen.js'
import { MAX_EARLY_BYTES } from '../../../src/http/http1-observer.js'
import { RequestHub } from '../../../src/http/request-hub.js'

/** Time that stands still until it is told, and counts how often it was asked for. */
class ManualClock implements Clock {
  time = 1000
  asked = 0
  now(): number {
    this.asked++
    return this.time
  }
  wallTime = (): number => expect.unreachable('latency is monotonic')
  setTimer = (): never => expect.unreachable('observing starts no timer')
  afterPoll = (): never => expect.unreachable('observing waits for nothing')
}

type Attach = (connection: Connection) => Observer | undefined

/** Shows an observer what a relay would, with what it asked to skip taken out, each chunk overwritten after the call. */
class Relay implements Watch {
  isDone = false
  /** Bytes that the observer was shown. */
  shown = 0
  readonly facts = new Map<FactKey<unknown>, unknown>()
  readonly #observer: Observer
  readonly #skip = { client: 0, server: 0 }

  constructor(filter: HttpMetrics, destinationPort: number) {
    const attached: [Attach, unknown][] = []
    const connection = {
      destinationPort,
      trace: new Trace(systemClock, 0),
      set: (key: FactKey<unknown>, value: unknown) => void this.facts.set(key, value),
      observe: (attach: Attach, options: unknown) => void attached.push([attach, options]),
    } as unknown as Connection
    expect(filter.onConnection(connection)).toBe('continue')
    expect(attached).toEqual([
      [expect.any(Function), { protocol: 'http/1' }],
      [expect.any(Function), { protocol: 'http/2' }],
    ])
    this.#observer = attached[0]![0](connection)!
  }

  skip(side: Side, bytes: number): void {
    this.#skip[side] = bytes
  }

  done(): void {
    this.isDone = true
  }

  say(side: Side, text: string): this {
    for (let rest = Uint8Array.from(Buffer.from(text, 'latin1')); rest.length > 0 && !this.isDone;) {
      const skip = this.#skip[side]
      if (skip > rest.length) {
        this.#skip[side] -= rest.length
        return this
      }
      this.#skip[side] = 0
      const shown = skip > 0 ? new Uint8Array(0) : rest
      this.shown += shown.length
      this.#observer.onBytes(side, shown, this)
      rest = rest.subarray(skip > 0 ? skip : rest.length)
      shown.fill(0xa5)
    }
    return this
  }

  client(text: string): this {
    return this.say('client', text)
  }

  server(text: string): this {
    return this.say('server', text)
  }

  end(side: Side): this {
    if (!this.isDone) this.#observer.onEnd?.(side)
    return this
  }

  close(): void {
    this.#observer.onClose?.({} as CloseSummary)
  }
}

function setUp(options: { maxHeadBytes?: string; maxPipelined?: number } = {}) {
  const metrics = new MetricsRegistry()
  const clock = new ManualClock()
  const listener = { name: 'web', direction: 'inbound' } as ListenerContext
  const filter = new HttpMetrics(httpMetricsOptions.parse(options), metrics, clock, listener, new RequestHub())
  const count = (name: string, labels?: Record<string, string>): number | undefined => metrics.read(name, labels)
  return {
    clock,
    metrics,
    connect: (port = 8080) => new Relay(filter, port),
    requests: () => count('request_total'),
    responses: (labels?: Record<string, string>) => count('response_total', labels),
    latencies: (labels?: Record<string, string>) => count('response_latency_ms', labels),
    stopped: (reason?: string) =>
      count('sluice_http_observer_stopped_total', reason ? { listener: 'web', reason } : {}),
    tunnels: (kind?: string) => count('sluice_http_tunnels_total', kind ? { listener: 'web', kind } : {}),
    unasked: () => count('sluice_http_unasked_responses_total'),
  }
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const FAILED = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n'
const UPGRADE = 'GET / HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n'
const CONNECT = 'CONNECT a:443 HTTP/1.1\r\n\r\n'

describe('http-metrics', () => {
  test('counts an exchange under the labels and in the buckets of Linkerd', async () => {
    const { clock, connect, metrics } = setUp()
    const relay = connect().client(GET)
    clock.time += 7
    relay.server(OK)
    const text = await metrics.render()
    const target = 'direction="inbound",target_port="8080",tls="disabled"'
    expect(text).toContain(`request_total{${target}} 1\n`)
    expect(text).toContain(
      `response_total{${target},status_code="200",classification="success",grpc_status="",error=""} 1\n`,
    )
    expect(text).toContain(`response_latency_ms_bucket{${target},status_code="200",le="5"} 0\n`)
    expect(text).toContain(`response_latency_ms_bucket{${target},status_code="200",le="10"} 1\n`)
    expect(text).toContain(`response_latency_ms_sum{${target},status_code="200"} 7\n`)
    expect(LATENCY_BUCKETS_MS).toEqual([
      ...[1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500],
      ...[1000, 2000, 3000, 4000, 5000, 10000, 20000, 30000, 40000, 50000],
    ])
  })

  test('measures from the first byte of a request to the first byte of content of its response', async () => {
    const { clock, connect, latencies, metrics } = setUp()
    const relay = connect().client(GET.slice(0, 1))
    clock.time += 10
    relay.client(GET.slice(1))
    clock.time += 20
    relay.server('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n')
    clock.time += 40
    expect(latencies()).toBe(0)
    relay.server('o')
    clock.time += 80
    relay.server('k')
    expect(latencies({ status_code: '200' })).toBe(1)
    expect(await metrics.render()).toMatch(/response_latency_ms_sum\{.*\} 70\n/)
  })

  test('counts a request when its head is complete and a response at its end', () => {
    const { connect, requests, responses } = setUp()
    const relay = connect().client(GET.slice(0, -1))
    expect(requests()).toBe(0)
    relay.client(GET.slice(-1)).server(OK.slice(0, -1))
    expect([requests(), responses()]).toEqual([1, 0])
    relay.server(OK.slice(-1))
    expect(responses()).toBe(1)
  })

  test('calls 5xx a failure and nothing else', () => {
    const { connect, responses } = setUp()
    const relay = connect()
    for (const status of [200, 301, 404, 499, 500, 599, 600]) {
      relay.client(GET).server(`HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`)
    }
    expect(responses({ classification: 'failure' })).toBe(2)
    expect(responses({ classification: 'success' })).toBe(5)
    expect(responses({ status_code: '599', classification: 'failure', error: '' })).toBe(1)
  })

  test('pairs pipelined requests with their responses in order', async () => {
    const { clock, connect, metrics, requests, responses } = setUp()
    const relay = connect().client(`HEAD / HTTP/1.1\r\n\r\n${GET}`)
    clock.time += 5
    relay.client(GET)
    clock.time += 100
    relay.server(`HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n${FAILED}HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n`)
    expect([requests(), responses()]).toEqual([3, 3])
    const text = await metrics.render()
    expect(text).toMatch(/response_latency_ms_sum\{.*status_code="200"\} 105\n/)
    expect(text).toMatch(/response_latency_ms_sum\{.*status_code="404"\} 100\n/)
  })

  test('counts the same when all of both sides comes at once, as in a replay', () => {
    const { connect, requests, responses, stopped, tunnels } = setUp()
    const refused = 'HTTP/1.1 407 x\r\ncontent-length: 0\r\n\r\n'
    const relay = connect()
      .client(`${GET}${CONNECT}${GET}${UPGRADE}\x16\x03\x01`)
      .server(`${OK}${refused}${OK}HTTP/1.1 101 x\r\n\r\n\x81`)
    expect([requests(), responses(), tunnels('upgrade'), stopped()]).toEqual([4, 4, 1, 0])
    expect(relay.isDone).toBe(true)
  })

  test('counts the same byte by byte', () => {
    const { connect, requests, responses, stopped } = setUp()
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\na: b\r\n\r\n'
    const relay = connect()
    for (const [request, response] of [
      ['POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcde', OK],
      [GET, chunked],
      [GET, FAILED],
    ]) {
      for (const byte of request!) relay.client(byte)
      for (const byte of response!) relay.server(byte)
    }
    relay.end('client').end('server').close()
    expect([requests(), responses(), stopped()]).toEqual([3, 3, 0])
  })

  test('takes a response that comes before its request is complete', () => {
    const { connect, requests, responses, unasked } = setUp()
    const relay = connect()
      .client('POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nab')
      .server('HTTP/1.1 413 x\r\ncontent-length: 0\r\n\r\n')
      .client('cde')
      .client(GET)
      .server(OK)
    relay.close()
    expect([requests(), responses(), unasked()]).toEqual([2, 2, 0])
  })

  test('counts a response that nobody asked for, without latency', () => {
    const { connect, latencies, requests, responses, unasked } = setUp()
    const relay = connect().client('GET / HT').server('HTTP/1.0 408 Request Time-out\r\n\r\ntoo late').end('server')
    relay.close()
    expect([requests(), responses({ status_code: '408' }), unasked(), latencies()]).toEqual([0, 1, 1, 0])
  })

  test('ends a response without a length at the end of its side', () => {
    const { connect, responses } = setUp()
    const relay = connect().client(GET).end('client').server('HTTP/1.0 200 OK\r\n\r\nsome')
    relay.server(' more')
    expect(responses()).toBe(0)
    relay.end('server').close()
    expect(responses({ status_code: '200', classification: 'success', error: '' })).toBe(1)
    expect(responses()).toBe(1)
  })

  test('counts requests without a response as failed when the connection is over', () => {
    const { connect, latencies, responses } = setUp()
    connect()
      .client(GET + GET)
      .close()
    const unanswered = { status_code: '', classification: 'failure', error: 'unclassified' }
    expect(responses(unanswered)).toBe(2)
    connect().client(GET).end('server').close()
    expect(responses(unanswered)).toBe(3)
    expect([responses(), latencies()]).toEqual([3, 0])
  })

  test.each([
    ['by FIN', true],
    ['without', false],
  ])('counts a response that the close cuts as failed, under its status: %s', (_, withFin) => {
    const { connect, responses } = setUp()
    const relay = connect()
      .client(GET + GET)
      .server('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab')
    if (withFin) relay.end('server')
    relay.close()
    expect(responses({ status_code: '200', classification: 'failure', error: 'unclassified' })).toBe(1)
    expect(responses({ status_code: '', error: 'unclassified' })).toBe(1)
    expect(responses()).toBe(2)
  })

  test('counts nothing for a connection that ends between two exchanges', () => {
    const { connect, responses } = setUp()
    connect().client(GET).server(OK).end('client').end('server').close()
    expect(responses()).toBe(1)
  })
})

describe('http-metrics looks away', () => {
  test.each([
    ['an upgrade', 'upgrade', UPGRADE, 'HTTP/1.1 101 Switching Protocols\r\n\r\n', '101'],
    ['CONNECT', 'connect', CONNECT, 'HTTP/1.1 200 OK\r\n\r\n', '200'],
    [
      'CONNECT in HTTP/1.0',
      'connect',
      'CONNECT a:443 HTTP/1.0\r\n\r\n',
      'HTTP/1.0 200 Connection established\r\n\r\n',
      '200',
    ],
  ])('after %s, and counts its response', (_, kind, request, response, status) => {
    const { connect, latencies, responses, stopped, tunnels } = setUp()
    const relay = connect().client(`${request}\x16\x03`).server(response)
    expect(relay.isDone).toBe(true)
    relay.close()
    expect([responses({ status_code: status }), responses(), latencies(), tunnels(kind), stopped()]).toEqual([
      1, 1, 1, 1, 0,
    ])
  })

  test('not after an upgrade that is refused', () => {
    const { connect, requests, responses, tunnels } = setUp()
    const relay = connect().client(UPGRADE).server(OK).client(GET).server(OK)
    expect(relay.isDone).toBe(false)
    expect([requests(), responses(), tunnels()]).toEqual([2, 2, 0])
  })

  test.each([
    ['a request', 'content-length-conflict', 'POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', ''],
    ['a request line', 'invalid-request-line', 'HELO there\r\n', ''],
    ['a response', 'invalid-status-line', GET, 'garbage\r\n'],
    ['what follows a response', 'invalid-status-line', GET, `${OK}trailing garbage\r\n`],
  ] as const)(
    'from %s that cannot be followed, with a reason, and counts nothing more',
    (_, reason, request, response) => {
      const { connect, requests, responses, stopped } = setUp()
      const relay = connect().client(request).server(response)
      expect(relay.isDone).toBe(true)
      const before = [requests(), responses()]
      relay.close()
      expect([requests(), responses()]).toEqual(before)
      expect([stopped(reason), stopped()]).toEqual([1, 1])
    },
  )

  test('from a pipeline that is too deep', () => {
    const { connect, stopped } = setUp({ maxPipelined: 3 })
    const relay = connect().client(GET.repeat(3)).server(OK).client(GET)
    expect(relay.isDone).toBe(false)
    relay.client(GET)
    expect(relay.isDone).toBe(true)
    expect(stopped('pipeline-too-deep')).toBe(1)
  })

  test('from a head that is too large', () => {
    const { connect, stopped } = setUp({ maxHeadBytes: '1KiB' })
    expect(connect().client(`GET / HTTP/1.1\r\na: ${'b'.repeat(1100)}`).isDone).toBe(true)
    expect(stopped('head-too-large')).toBe(1)
  })

  test('from a client that sends too much before the answer that makes a tunnel', () => {
    const { connect, stopped } = setUp()
    const relay = connect().client(CONNECT).client('x'.repeat(MAX_EARLY_BYTES))
    expect(relay.isDone).toBe(false)
    expect(relay.client('x').isDone).toBe(true)
    expect(stopped('early-bytes-too-many')).toBe(1)
  })
})

describe('http-metrics costs little', () => {
  test('no content is looked at beyond its first chunk', () => {
    const { connect, requests, responses } = setUp()
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'
    const relay = connect().client(GET).server(`${head}a`)
    const shown = relay.shown
    for (let i = 0; i < 99; i++) relay.server('a'.repeat(1000))
    expect(relay.shown).toBe(shown)
    relay.server(`${'a'.repeat(999)}`)
    expect(responses()).toBe(1)
    relay.client(GET).server(OK)
    expect([requests(), responses()]).toEqual([2, 2])
  })

  test('chunked content is passed over chunk by chunk', () => {
    const { connect, responses } = setUp()
    const relay = connect().client(GET).server('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2710\r\na')
    const shown = relay.shown
    relay.server('a'.repeat(9998))
    expect(relay.shown).toBe(shown)
    relay.server('a\r\n0\r\n\r\n')
    expect(responses()).toBe(1)
  })

  test('the clock is asked twice an exchange, however many requests come at once', () => {
    const { clock, connect } = setUp()
    connect().client(GET.repeat(20)).server(OK.repeat(20))
    expect(clock.asked).toBe(2)
  })

  test('all connections share one function', () => {
    const metrics = new MetricsRegistry()
    const listener = { name: 'a', direction: 'outbound' } as ListenerContext
    const options = httpMetricsOptions.parse({})
    const filter = new HttpMetrics(options, metrics, new ManualClock(), listener, new RequestHub())
    const attached = new Set<unknown>()
    const trace = new Trace(systemClock, 0)
    const connection = { trace, observe: (attach: unknown) => void attached.add(attach) } as unknown as Connection
    filter.onConnection(connection)
    filter.onConnection(connection)
    expect(attached.size).toBe(2) // one for each version of HTTP
  })

  test('target ports beyond the bound are one', () => {
    const { connect, metrics } = setUp()
    for (let port = 1; port <= MAX_TARGET_PORTS + 5; port++) connect(port).client(GET)
    connect(1).client(GET)
    expect(metrics.read('request_total', { target_port: '1' })).toBe(2)
    expect(metrics.read('request_total', { target_port: 'other' })).toBe(5)
  })
})

test('HTTP_SEEN tells what a connection came to', () => {
  const relay = setUp().connect()
  expect(relay.facts.get(HTTP_SEEN)).toEqual({ requests: 0, responses: 0, lastStatus: 0 })
  relay.client(GET + GET).server(OK + FAILED)
  expect(relay.facts.get(HTTP_SEEN)).toEqual({ requests: 2, responses: 2, lastStatus: 503 })
})

test('the definition needs nothing, denies nothing and refuses options that it does not know', () => {
  expect(httpMetrics).toMatchObject({ name: 'http-metrics', use: HttpMetrics })
  for (const absent of ['needs', 'denyReasons', 'terminal']) expect(httpMetrics).not.toHaveProperty(absent)
  expect(httpMetricsOptions.parse({})).toMatchObject({ maxStreams: 1000, maxHeadBytes: 65_536, maxPipelined: 1000 })
  expect(httpMetricsOptions.safeParse({ maxPipelined: 0 }).success).toBe(false)
  expect(httpMetricsOptions.safeParse({ buckets: [] }).success).toBe(false)
})
