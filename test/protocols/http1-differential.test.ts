import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request as httpRequest } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AnsweredMethod, Http1Parser } from '../../src/protocols/http1-framing.js'
import { type RandomSource, randomSource } from '../../src/testing/random-source.js'

/** Enough that each kind of body meets each method and status, cut in every part. */
const CONNECTIONS = 1300
const MIN_EXCHANGES = 2000

/** Of the second test: exchanges on connections of so many. */
const LONG_EXCHANGES = 100_000
const EXCHANGES_OF_ONE = 500

interface Message {
  readonly text: string
}
interface Exchange {
  readonly method: string
  readonly request: Message
  readonly response: Message
  readonly endsConnection: boolean
}

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'PURGE']
const STATUSES = [200, 201, 204, 206, 301, 304, 400, 404, 500, 503]

const content = fc.string({ unit: 'binary-ascii', maxLength: 300 })
const fields = fc.array(
  fc
    .tuple(fc.stringMatching(/^x-[a-z0-9]{1,12}$/), fc.stringMatching(/^[!-~]([ -~]{0,80}[!-~])?$/))
    .map(([name, value]) => `${name}: ${value}`),
  { maxLength: 6 },
)
const chunks = fc.record({
  pieces: fc.array(
    fc.tuple(
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 60 }),
      fc.constantFrom('', ';a', ';a=b', ';a="b;c"'),
    ),
    { maxLength: 4 },
  ),
  trailers: fc.array(fc.stringMatching(/^x-[a-z]{1,6}: [a-z0-9]{1,20}$/), { maxLength: 2 }),
})
const body = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({ kind: fc.constant('length' as const), content }),
  fc.record({ kind: fc.constant('chunked' as const), chunks }),
  fc.record({ kind: fc.constant('until-close' as const), content }),
)
type Body = typeof body extends fc.Arbitrary<infer B> ? B : never

function write(startLine: string, lines: readonly string[], body: Body, hasContent: boolean): string {
  const framing: string[] = []
  let text = ''
  if (body.kind === 'length') {
    framing.push(`Content-Length: ${body.content.length}`)
    text = body.content
  } else if (body.kind === 'chunked') {
    framing.push('Transfer-Encoding: chunked')
    text = body.chunks.pieces
      .map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`)
      .join('')
    text += `0\r\n${body.chunks.trailers.map((trailer) => `${trailer}\r\n`).join('')}\r\n`
  } else if (body.kind === 'until-close') text = body.content
  return `${startLine}\r\n${[...lines, ...framing].map((line) => `${line}\r\n`).join('')}\r\n${hasContent ? text : ''}`
}

const exchange = fc
  .record({
    method: fc.constantFrom(...METHODS),
    target: fc.stringMatching(/^\/[a-z0-9/?=&%]{0,60}$/),
    requestFields: fields,
    requestBody: body,
    interim: fc.array(
      fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'),
      { maxLength: 2 },
    ),
    status: fc.constantFrom(...STATUSES),
    responseFields: fields,
    responseBody: body,
  })
  .map((parts): Exchange => {
    // A request has no body that the connection's end could end.
    const requestBody: Body = parts.requestBody.kind === 'until-close' ? { kind: 'none' } : parts.requestBody
    const hasContent = parts.method !== 'HEAD' && parts.status !== 204 && parts.status !== 304
    const isUntilClose = parts.responseBody.kind === 'until-close' || parts.responseBody.kind === 'none'
    return {
      method: parts.method,
      request: {
        text: write(`${parts.method} ${parts.target} HTTP/1.1`, ['host: a', ...parts.requestFields], requestBody, true),
      },
      response: {
        text:
          parts.interim.join('') +
          write(`HTTP/1.1 ${parts.status} Reason`, parts.responseFields, parts.responseBody, hasContent),
      },
      endsConnection: isUntilClose && hasContent,
    }
  })

/** Cuts at random: `at` are thousandths of the length. */
function cut(text: string, at: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const edges = [...new Set(at.map((part) => Math.floor((part * bytes.length) / 1000)))].sort((a, b) => a - b)
  return [0, ...edges]
    .map((start, i) => bytes.subarray(start, edges[i] ?? bytes.length))
    .filter((piece) => piece.length > 0)
}

interface Seen {
  /** Method and target of a request, status of a response. */
  readonly what: string
  readonly bodyBytes: number
}

/** What our parser sees of chunks that are overwritten after each call; content is skipped wherever that is allowed. */
function ours(
  direction: 'request' | 'response',
  pieces: readonly Buffer[],
  methods: readonly string[],
): { seen: Seen[]; interim: number } {
  const seen: Seen[] = []
  let what = ''
  let interim = 0
  let answered = 0
  const parser: Http1Parser = new Http1Parser(direction, {
    onHeadStart() {},
    onHead: (head) => (what = head.status === 0 ? `${head.method} ${head.target}` : String(head.status)),
    onInterim: () => void interim++,
    onBody() {},
    onMessageEnd: () => void seen.push({ what, bodyBytes: parser.bodyBytes }),
    answeredMethod: (): AnsweredMethod => (methods[answered++] === 'HEAD' ? 'HEAD' : 'other'),
  })
  for (const piece of pieces) {
    const chunk = Buffer.from(piece)
    for (let at = 0; at < chunk.length;) {
      const skip = Math.min(parser.skippable, chunk.length - at)
      parser.skip(skip)
      at += skip
      at += parser.feed(chunk.subarray(at))
      expect(parser.failure).toBeUndefined()
    }
    chunk.fill(0xa5)
  }
  parser.end()
  expect(parser.failure).toBeUndefined()
  return { seen, interim }
}

async function bodyLength(message: IncomingMessage): Promise<number> {
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) length += chunk.length
  return length
}

class Feed extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, callback: () => void): void {
    callback()
  }
  /** What an agent asks of a socket that it keeps. */
  setKeepAlive(): void {}
  setNoDelay(): void {}
  setTimeout(): void {}
  ref(): void {}
  unref(): void {}
}

async function requestsByNode(pieces: readonly Buffer[], count: number): Promise<Seen[]> {
  const seen: Promise<Seen>[] = []
  const server = createServer((request, response) => {
    seen.push(bodyLength(request).then((bodyBytes) => ({ what: `${request.method} ${request.url}`, bodyBytes })))
    response.end()
    if (seen.length === count) server.emit('all')
  })
  const all = Promise.race([
    once(server, 'all'),
    once(server, 'clientError').then(([error]) => Promise.reject(error as Error)),
  ])
  const feed = new Feed()
  server.emit('connection', feed)
  for (const piece of pieces) feed.push(piece)
  await all
  const result = await Promise.all(seen)
  feed.destroy()
  server.close()
  return result
}

async function responseByNode(method: string, pieces: readonly Buffer[]): Promise<{ seen: Seen; interim: number }> {
  const feed = new Feed()
  let interim = 0
  const request = httpRequest({ method, createConnection: () => feed, headers: { host: 'a' } })
  request.on('information', () => interim++).on('continue', () => {})
  request.end()
  const response = once(request, 'response') as Promise<[IncomingMessage]>
  for (const piece of pieces) feed.push(piece)
  feed.push(null)
  const [message] = await response
  const bodyBytes = await bodyLength(message)
  feed.destroy()
  return { seen: { what: String(message.statusCode), bodyBytes }, interim }
}

test('agrees with the parser of node:http on count, status and body length, however the bytes are cut', async () => {
  let exchanges = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(exchange, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(1000), { maxLength: 40 }),
      fc.array(fc.nat(1000), { maxLength: 40 }),
      async (all, requestCuts, responseCuts) => {
        const last = all.findIndex(({ endsConnection }) => endsConnection)
        const connection = last < 0 ? all : all.slice(0, last + 1)
        exchanges += connection.length
        const methods = connection.map(({ method }) => method)
        const requests = cut(connection.map(({ request }) => request.text).join(''), requestCuts)
        expect(ours('request', requests, []).seen).toEqual(await requestsByNode(requests, connection.length))

        const expected = []
        for (const { method, response } of connection)
          expected.push(await responseByNode(method, cut(response.text, responseCuts)))
        const responses = ours(
          'response',
          cut(connection.map(({ response }) => response.text).join(''), responseCuts),
          methods,
        )
        expect(responses.seen).toEqual(expected.map(({ seen }) => seen))
        expect(responses.interim).toBe(expected.reduce((sum, { interim }) => sum + interim, 0))
      },
    ),
    { seed: 20261123, numRuns: CONNECTIONS },
  )
  expect(exchanges).toBeGreaterThanOrEqual(MIN_EXCHANGES)
}, 60_000)

test(`agrees on ${LONG_EXCHANGES.toLocaleString('en')} exchanges of long connections`, async () => {
  const random = randomSource(20261126)
  for (let done = 0; done < LONG_EXCHANGES; done += EXCHANGES_OF_ONE) {
    const connection = Array.from({ length: EXCHANGES_OF_ONE }, (_, i) =>
      randomExchange(random, i === EXCHANGES_OF_ONE - 1),
    )
    const requests = cutAtRandom(connection.map(({ request }) => request.text).join(''), random)
    const responses = cutAtRandom(connection.map(({ response }) => response.text).join(''), random)
    const methods = connection.map(({ method }) => method)
    expect(ours('request', requests, []).seen).toEqual(await requestsByNode(requests, connection.length))
    expect(ours('response', responses, methods).seen).toEqual(await responsesByNode(connection, random))
  }
}, 120_000)

/** Responses as one client of `node:http` sees them, each asked for on the same connection when the one before is over. */
async function responsesByNode(connection: readonly Exchange[], random: RandomSource): Promise<Seen[]> {
  const feed = new Feed()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => feed
  const seen: Seen[] = []
  for (const { method, response, endsConnection } of connection) {
    const request = httpRequest({ method, agent, headers: { host: 'a' } })
    const answered = new Promise<Seen>((resolve, reject) => {
      request.on('error', reject).on('response', (message) => {
        let bodyBytes = 0
        message.on('error', reject).on('data', (chunk: Buffer) => void (bodyBytes += chunk.length))
        message.on('end', () => resolve({ what: String(message.statusCode), bodyBytes }))
      })
    })
    request.on('socket', () => {
      for (const piece of cutAtRandom(response.text, random)) feed.push(piece)
      if (endsConnection) feed.push(null)
    })
    request.end()
    seen.push(await answered)
    // The agent takes the connection back in the turn behind the end.
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  agent.destroy()
  feed.destroy()
  return seen
}

function cutAtRandom(text: string, random: RandomSource): Buffer[] {
  const bytes = Buffer.from(text, 'latin1')
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    // Short ones, which cut lines and chunk sizes, and long ones, which hold several messages.
    const length = 1 + random.integer(random.pick([5, 60, 400, 3000]))
    pieces.push(bytes.subarray(at, (at += length)))
  }
  return pieces
}

function randomExchange(random: RandomSource, isLast: boolean): Exchange {
  const method = random.pick(METHODS)
  const status = random.pick(STATUSES)
  const hasContent = method !== 'HEAD' && status !== 204 && status !== 304
  const endsConnection = isLast && hasContent && random.integer(2) === 0
  const responseBody: Body = endsConnection ? { kind: 'until-close', content: randomText(random) } : randomBody(random)
  const requestBody: Body = random.integer(2) === 0 ? { kind: 'none' } : randomBody(random)
  const target = `/${random.integer(1e9).toString(36)}`
  const interim = random.integer(10) === 0 ? 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n' : ''
  return {
    method,
    request: { text: write(`${method} ${target} HTTP/1.1`, ['host: a', ...randomFields(random)], requestBody, true) },
    response: {
      text: interim + write(`HTTP/1.1 ${status} Reason`, randomFields(random), responseBody, hasContent),
    },
    endsConnection,
  }
}

type Piece = Extract<Body, { kind: 'chunked' }>['chunks']['pieces'][number]

function randomBody(random: RandomSource): Body {
  if (random.integer(2) === 0) return { kind: 'length', content: randomText(random) }
  const pieces = Array.from({ length: random.integer(4) }, (): Piece => [
    `${randomText(random)}x`,
    random.pick(['', ';a', ';a=b', ';a="b;c"']),
  ])
  return { kind: 'chunked', chunks: { pieces, trailers: random.integer(4) === 0 ? ['x-t: 1'] : [] } }
}

function randomFields(random: RandomSource): string[] {
  return Array.from({ length: random.integer(4) }, (_, i) => `x-${i}: ${'v'.repeat(1 + random.integer(80))}`)
}

/** Bytes that may look like anything, the ends of lines too. */
function randomText(random: RandomSource): string {
  return random.pick(['', 'a', '\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', '\0\xff']).repeat(random.integer(12))
}
