import 'reflect-metadata'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  ByteQueue,
  type Http1Message,
  readRequest,
  readResponse,
  TruncatedError,
  values,
} from '../../support/http1-reader.js'
import { startRouted } from '../../support/routed.js'
import { seededRandom } from '../../support/seeded-random.js'
import { turns } from '../../support/start-sluice.js'

/** More by hand: SMUGGLING_SEED and SMUGGLING_CASES. */
const SEED = Number(process.env.SMUGGLING_SEED ?? 20_261_126)
const CASES = Number(process.env.SMUGGLING_CASES ?? 2_500)
const LIMIT_MS = 60_000 + CASES * 20

const INNER = 'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n'
/** What is mutated: well-formed, and with requests inside where only content should be. */
const STREAMS = [
  `GET /a HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n`,
  `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
  `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: GET /inner HTTP/1.1\r\nHost: b\r\n\r\n`,
  `PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n0\r\n\r`,
  `HEAD http://a/b HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\nX: y\r\n\r\n`,
  `GET / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n`,
  `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: x\r\n\r\n`,
]
/** Half of all cases are one of these: much framing in few bytes. */
const CHUNKED = [
  STREAMS[2]!,
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n1;x\r\nd\r\n0\r\n\r\n',
  'P / HTTP/1.1\r\nHost:\r\nTransfer-Encoding:chunked\r\n\r\n1\r\na\r\n0\r\nX:\r\n\r\n',
]
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\n\r\n'
const PIECES = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    ' ',
    '\t',
    '\v',
    '\f',
    '\u0085',
    '\u00a0',
    ':',
    ';',
    ',',
    '"',
    '0',
    '00',
    '1',
    'a',
    'F',
  ],
  ...['+', '-', '0x', '1e1', '_', '\u00ff', '\u007f', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ' HTTP/1.1\r\n', INNER, LAST],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Content-Length : 5\r\n',
    'Content-Length:\t5\r\n',
    'content-length: 5, 5\r\n',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'Transfer-Encoding: chunked, chunked\r\n'],
  ...['Transfer-Encoding: xchunked\r\n', 'Transfer-Encoding:\r\n chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n'],
  ...[
    'Connection: close\r\n',
    'Connection: content-length, host, transfer-encoding\r\n',
    'Host: b\r\n',
    ' X: folded\r\n',
    'X: y\r',
    'X: y\n',
  ],
  ...[
    '0\r\n\r\n',
    '0\r\nX: y\r\n\r\n',
    '5\r\nhello\r\n',
    '5;',
    '\r\n5\r\n',
    'ffffffffffffffff\r\n',
    '0000000000000000005\r\n',
    '-1\r\n',
  ],
] as const

const LINE_ENDS = ['\n', '\r', '', '\n\r', '\r\r\n', ' \r\n', '\r\n ', '\v\r\n', '\0\r\n', '\n\n'] as const

type Random = () => number

function below(random: Random, count: number): number {
  return Math.floor(random() * count)
}

function mutate(random: Random, stream: string): string {
  let text = stream
  for (let times = 1 + below(random, 3); times > 0; times--) {
    const at = below(random, text.length + 1)
    const piece = PIECES[below(random, PIECES.length)]!
    const count = random() < 0.7 ? 1 : below(random, 12)
    switch (below(random, 7)) {
      case 0: // put in
        text = text.slice(0, at) + piece + text.slice(at)
        break
      case 1: // at the beginning of a line
        text = text.slice(0, text.lastIndexOf('\n', at) + 1) + piece + text.slice(text.lastIndexOf('\n', at) + 1)
        break
      case 2: // in place of something
        text = text.slice(0, at) + piece + text.slice(at + count)
        break
      case 3: // take out
        text = text.slice(0, at) + text.slice(at + count)
        break
      case 4: // double
        text = text.slice(0, at) + text.slice(Math.max(0, at - 20))
        break
      case 5: // another byte
        text = text.slice(0, at) + String.fromCharCode(below(random, 256)) + text.slice(at + 1)
        break
      case 6: {
        // another end of a line
        const end = text.indexOf('\r\n', at)
        if (end >= 0) text = text.slice(0, end) + LINE_ENDS[below(random, LINE_ENDS.length)]! + text.slice(end + 2)
      }
    }
  }
  return text
}

/** In HTTP/1.1 whatever it came in. Not its trailers: some of them are left out. */
function key({ startLine, body }: Http1Message): string {
  return `${startLine.replace(/HTTP\/1\.0$/, 'HTTP/1.1')} | ${body.toString('latin1')}`
}

/** What a reader that is not ours takes these bytes for, up to the first that it cannot take. */
async function referenceRequests(stream: string): Promise<string[]> {
  const queue = new ByteQueue(Buffer.from(stream, 'latin1'))
  const requests: string[] = []
  try {
    let request = await readRequest(queue, { isLenient: true })
    while (request !== undefined) {
      requests.push(key(request))
      request = await readRequest(queue, { isLenient: true })
    }
  } catch {
    // Whatever comes here is no request.
  }
  return requests
}

interface StrictServer {
  readonly port: number
  /** Requests that were complete, since it was asked last. */
  takeRequests(): string[]
  /** What was no request. */
  readonly faults: readonly string[]
}

/** Answers what it has read, and says in each answer to what. */
async function startStrictServer(): Promise<StrictServer> {
  const faults: string[] = []
  let requests: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket, (request) => requests.push(request)).catch((error: unknown) => {
      if (!(error instanceof TruncatedError)) faults.push(String(error))
      socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const takeRequests = (): string[] => {
    const taken = requests
    requests = []
    return taken
  }
  return { port: (server.address() as AddressInfo).port, takeRequests, faults }
}

async function serve(socket: Socket, onRequest: (request: string) => void): Promise<void> {
  const queue = new ByteQueue(socket)
  for (;;) {
    const request = await readRequest(queue)
    if (request === undefined) return
    onRequest(key(request))
    const seen = Buffer.from(request.startLine, 'latin1').toString('base64')
    // Not 200: it would make a tunnel of a CONNECT.
    socket.write(`HTTP/1.1 404 Not Found\r\nX-Seen: ${seen}\r\nContent-Length: 0\r\n\r\n`)
  }
}

/** Sends it, cut anywhere, and gives the start lines that servers answered to, until the connection is closed. */
async function answersTo(random: Random, port: number, stream: string): Promise<string[]> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const queue = new ByteQueue(socket)
  const bytes = Buffer.from(stream, 'latin1')
  for (let at = 0; at < bytes.length && !socket.destroyed;) {
    const size = random() < 0.5 ? bytes.length - at : 1 + below(random, 60)
    socket.write(bytes.subarray(at, at + size))
    at += size
    if (random() < 0.3) await turns(1)
  }
  socket.end()
  const seen: string[] = []
  for (;;) {
    const response = await readResponse(queue, 'HEAD')
    if (response === undefined) return seen
    const [start] = values(response.fields, 'x-seen')
    if (start !== undefined) seen.push(Buffer.from(start, 'base64').toString('latin1'))
    // An answer of the proxy's own, with which the connection ends or which has no content that could be taken for an answer.
    else await queue.take(Number(values(response.fields, 'content-length')[0] ?? 0)).catch(() => {})
  }
}

describe(`mutated requests (seed ${SEED})`, () => {
  test(
    'reach a server as the requests that another reader finds, each answered to who sent it, or not at all',
    async () => {
      const server = await startStrictServer()
      const routed = await startRouted(server.port)
      const random = seededRandom(SEED)
      let passed = 0
      for (let i = 0; i < CASES; i++) {
        // Well-formed: what does not look like HTTP from its first byte on is carried as it is, and none of our business.
        const before = STREAMS[below(random, 3)]!
        const from = random() < 0.5 ? CHUNKED : STREAMS
        const stream = before + mutate(random, from[below(random, from.length)]!) + LAST
        const what = `case ${i}: ${JSON.stringify(stream)}`
        const answered = await answersTo(random, routed.port, stream)
        const atServer = server.takeRequests()
        expect(server.faults, what).toEqual([])
        expect(answered, what).toEqual(atServer.map((request) => request.split(' | ')[0]))
        expect(atServer, what).toEqual((await referenceRequests(stream)).slice(0, atServer.length))
        passed += atServer.length
      }
      // Mutations that are all refused would show nothing.
      expect(passed).toBeGreaterThan(CASES / 2)
      await routed.expectNothingLeft()
    },
    LIMIT_MS,
  )
})
