import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AnsweredMethod, Http1Parser } from '../../src/protocols/http1-framing.js'

/** Enough that each kind of body meets each method and status, cut in every part. */
const CONNECTIONS = 1300
const MIN_EXCHANGES = 2000

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
