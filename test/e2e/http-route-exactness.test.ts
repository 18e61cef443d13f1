import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ByteQueue, type Http1Message, readRequest, readResponse, values } from '../support/http1-reader.js'
import { startRouted } from '../support/routed.js'
import { seededRandom } from '../support/seeded-random.js'
import { turns } from '../support/start-sluice.js'

/** More by hand: EXACTNESS_SEED and EXACTNESS_CONNECTIONS. */
const SEED = Number(process.env.EXACTNESS_SEED ?? 20_261_126)
const CONNECTIONS = Number(process.env.EXACTNESS_CONNECTIONS ?? 240)
const AT_ONCE = 12
const MAX_REQUESTS = 20
const LIMIT_MS = 60_000 + CONNECTIONS * 100

type Field = readonly [name: string, value: string]

/** What one side says, and how it frames it. */
interface Plan {
  readonly startLine: string
  readonly fields: readonly Field[]
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close'
  readonly body: Buffer
  readonly trailers: readonly Field[]
}

interface Exchange {
  readonly method: string
  readonly request: Plan
  readonly isHttp10: boolean
  readonly expects: boolean
  readonly interims: readonly Plan[]
  readonly response: Plan
  readonly isServerClosing: boolean
  /** The proxy cannot keep the client's connection behind it. */
  readonly isLast: boolean
}

class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  is(chance: number): boolean {
    return this.#random() < chance
  }

  of<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  text(alphabet: string, atMost: number): string {
    return Array.from({ length: this.below(atMost + 1) }, () => this.of([...alphabet])).join('')
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i++) bytes[i] = this.below(256)
    return bytes
  }
}

const NAME = "abcXYZ019-_!#$%&'*+.^`|~"
const VALUE = 'abc XYZ\t019:;,="\\()<>@{}[]?/\u0001\u007f\u00e9\u00ff'
const PATH = "abcXYZ019-._~!$&'()*+,;=:@%/"

function fieldsOf(dice: Dice): Field[] {
  return Array.from({ length: dice.below(6) }, () => [`X-${dice.text(NAME, 12)}`, dice.text(VALUE, 80).trim()] as const)
}

const BODY_SIZES = [0, 1, 2, 9, 100, 1000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000]

function bodyOf(dice: Dice): Buffer {
  return dice.bytes(dice.is(0.7) ? dice.below(600) : dice.of(BODY_SIZES))
}

const NOTHING = Buffer.alloc(0)

function requestOf(dice: Dice, id: string, method: string, isHttp10: boolean): Plan {
  const framings: readonly Plan['framing'][] = isHttp10 ? ['none', 'length'] : ['none', 'length', 'chunked']
  const framing = method === 'HEAD' ? 'none' : dice.of(framings)
  const path = `/${dice.text(PATH, 40)}${dice.is(0.3) ? `?${dice.text(PATH, 40)}` : ''}`
  const target = dice.is(0.1) ? `http://shop.example${path}` : path
  const startLine = `${method} ${target} HTTP/1.${isHttp10 ? 0 : 1}`
  return {
    startLine,
    fields: [['Host', 'shop.example'], ['X-Id', id], ...fieldsOf(dice)],
    framing,
    body: framing === 'none' ? NOTHING : bodyOf(dice),
    trailers: framing === 'chunked' && dice.is(0.3) ? fieldsOf(dice) : [],
  }
}

function responseOf(dice: Dice, method: string): Plan {
  const status = dice.of([200, 200, 200, 201, 206, 404, 500, 204, 304])
  const isEmpty = status === 204 || status === 304
  const framing = isEmpty ? 'none' : dice.of(['length', 'length', 'chunked', 'chunked', 'until-close'] as const)
  const hasBody = framing !== 'none' && method !== 'HEAD'
  return {
    startLine: `HTTP/1.1 ${status} ${dice.text('abc \u00e9', 8)}`,
    fields: fieldsOf(dice),
    framing,
    body: hasBody ? bodyOf(dice) : NOTHING,
    trailers: hasBody && framing === 'chunked' && dice.is(0.3) ? fieldsOf(dice) : [],
  }
}

function exchangeOf(dice: Dice, id: string): Exchange {
  const method = dice.of(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'M-SEARCH'])
  const isHttp10 = dice.is(0.1)
  const request = requestOf(dice, id, method, isHttp10)
  const response = responseOf(dice, method)
  const expects = request.framing !== 'none' && request.body.length > 0 && !isHttp10 && dice.is(0.3)
  const interims = dice.is(0.1)
    ? [
        {
          startLine: 'HTTP/1.1 103 Early Hints',
          fields: fieldsOf(dice),
          framing: 'none',
          body: NOTHING,
          trailers: [],
        } as const,
      ]
    : []
  const hasLength = response.framing === 'length' || response.framing === 'none' || method === 'HEAD'
  return {
    method,
    request,
    isHttp10,
    expects,
    interims,
    response,
    isServerClosing: response.framing === 'until-close' || dice.is(0.1),
    isLast: isHttp10 && !hasLength,
  }
}

/** As it is written, with what the next hop is to leave out. */
function encode(dice: Dice, { startLine, fields, framing, body, trailers }: Plan, hop: readonly Field[]): Buffer {
  const line = ([name, value]: Field): string =>
    `${name}:${dice.of(['', ' ', '\t', '  '])}${value}${dice.of(['', '', ' '])}\r\n`
  const framed: Field[] = []
  if (framing === 'length') framed.push([dice.of(['Content-Length', 'content-length']), String(body.length)])
  if (framing === 'chunked')
    framed.push([dice.of(['Transfer-Encoding', 'TRANSFER-encoding']), dice.of(['chunked', 'Chunked'])])
  const head = Buffer.from(`${startLine}\r\n${[...fields, ...framed, ...hop].map(line).join('')}\r\n`, 'latin1')
  if (framing !== 'chunked') return Buffer.concat([head, body])
  return Buffer.concat([
    head,
    ...chunksOf(dice, body),
    Buffer.from(`0\r\n${trailers.map(line).join('')}\r\n`, 'latin1'),
  ])
}

function chunksOf(dice: Dice, body: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, dice.of([1, 2, 15, 16, 17, 255, 4096, 20_000, 70_000]))
    const digits = dice.is(0.5) ? size.toString(16) : size.toString(16).toUpperCase()
    const extension = dice.of(['', '', '', ';a', ';a=b', ' ;a="x y"', ';a=b;c=d'])
    parts.push(
      Buffer.from(`${dice.of(['', '', '0', '00'])}${digits}${extension}\r\n`),
      body.subarray(at, at + size),
      Buffer.from('\r\n'),
    )
    at += size
  }
  return parts
}

/** Cuts what is written anywhere, and lets it travel. */
async function write(dice: Dice, socket: Socket, bytes: Buffer): Promise<void> {
  if (dice.is(0.4)) return void socket.write(bytes)
  let cuts = dice.below(8)
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at
    const size = cuts-- > 0 ? 1 + dice.below(dice.is(0.5) ? Math.min(left, 40) : left) : left
    socket.write(bytes.subarray(at, at + size))
    at += size
    await turns(dice.below(3))
  }
}

const HOP: readonly (readonly Field[])[] = [
  [],
  [],
  [['Connection', 'keep-alive']],
  [
    ['Connection', 'X-Hop, keep-alive'],
    ['X-Hop', '1'],
    ['Keep-Alive', 'timeout=60'],
  ],
  [
    ['Proxy-Connection', 'keep-alive'],
    ['TE', 'trailers'],
  ],
]

/** What a message is for who gets it, whichever way it was framed. */
function meaning({
  fields,
  body,
  trailers,
  startLine,
}: Pick<Http1Message, 'fields' | 'body' | 'trailers' | 'startLine'>) {
  const isFramed = (name: string): boolean =>
    ['content-length', 'transfer-encoding', 'connection', 'expect'].includes(name.toLowerCase())
  return { startLine, fields: fields.filter(([name]) => !isFramed(name)), body: body.toString('latin1'), trailers }
}

/** A server that expects what is planned, and answers as planned. */
async function startPlannedServer(plans: ReadonlyMap<string, Exchange>, faults: string[]): Promise<number> {
  let connections = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const dice = new Dice(SEED + 7919 * connections++)
    socket.on('error', () => {})
    answerAll(dice, socket, plans).catch((error: unknown) => {
      faults.push(String(error))
      socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function answerAll(dice: Dice, socket: Socket, plans: ReadonlyMap<string, Exchange>): Promise<void> {
  const queue = new ByteQueue(socket)
  const before = (id: string | undefined): void => {
    if (id !== undefined && plans.get(id)!.expects) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  }
  for (;;) {
    const request = await readRequest(queue, { onFields: (fields) => before(values(fields, 'x-id')[0]) })
    if (request === undefined) return void socket.end()
    const plan = plans.get(values(request.fields, 'x-id')[0]!)!
    const expected = { ...plan.request, startLine: plan.request.startLine.replace('HTTP/1.0', 'HTTP/1.1') }
    expect(meaning(request)).toEqual(meaning(expected))
    for (const interim of plan.interims) await write(dice, socket, encode(dice, interim, []))
    const close: readonly Field[] = plan.isServerClosing ? [['Connection', 'close']] : dice.of(HOP)
    await write(dice, socket, encode(dice, framedForHead(plan), close))
    if (plan.isServerClosing) return void socket.end()
  }
}

/** A HEAD is answered with the fields of the GET, and no content. */
function framedForHead({ method, response }: Exchange): Plan {
  if (method !== 'HEAD' || response.framing === 'none') return response
  const field: Field = response.framing === 'length' ? ['Content-Length', '77'] : ['Transfer-Encoding', 'chunked']
  const framing = { framing: 'none' } as const
  return {
    ...response,
    ...framing,
    fields: response.framing === 'until-close' ? response.fields : [...response.fields, field],
  }
}

/** Brings exchanges one after the other, or all at once, over one connection. */
async function bring(dice: Dice, port: number, exchanges: readonly Exchange[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const queue = new ByteQueue(socket)
  const isPipelined = dice.is(0.5) && exchanges.every(({ expects }) => !expects)
  if (isPipelined) {
    const all = exchanges.map((exchange) => encodeRequest(dice, exchange))
    const sent = write(dice, socket, Buffer.concat(all)).then(() => (dice.is(0.5) ? void socket.end() : undefined))
    for (const exchange of exchanges) await checkAnswer(queue, exchange)
    await sent
  } else {
    for (const exchange of exchanges) {
      const bytes = encodeRequest(dice, exchange)
      const head = exchange.expects ? bytes.indexOf('\r\n\r\n') + 4 : bytes.length
      await write(dice, socket, bytes.subarray(0, head))
      if (exchange.expects) {
        expect((await readResponse(queue, 'GET'))!.startLine).toBe('HTTP/1.1 100 Continue')
        await write(dice, socket, bytes.subarray(head))
      }
      await checkAnswer(queue, exchange)
    }
  }
  if (!socket.writableEnded) socket.end()
  expect((await queue.rest()).toString('latin1')).toBe('')
}

function encodeRequest(dice: Dice, { request, isHttp10, expects, isLast }: Exchange): Buffer {
  const hop = isHttp10 && !isLast ? [['Connection', 'keep-alive'] as const] : dice.of(isHttp10 ? [[]] : HOP)
  return encode(dice, request, expects ? [...hop, ['Expect', '100-continue']] : hop)
}

async function checkAnswer(
  queue: ByteQueue,
  { method, request, interims, response, isHttp10 }: Exchange,
): Promise<void> {
  for (const interim of isHttp10 ? [] : interims)
    expect(meaning((await readResponse(queue, method))!)).toEqual(meaning(interim))
  const answer = await readResponse(queue, method)
  const expected = isHttp10 ? { ...response, trailers: [] } : response
  expect(answer && meaning(answer), request.startLine).toEqual(meaning(expected))
  if (method === 'HEAD')
    expect(values(answer!.fields, 'content-length')).toEqual(response.framing === 'length' ? ['77'] : [])
}

describe(`exchanges of all kinds, cut anywhere (seed ${SEED})`, () => {
  test(
    'mean the same on both sides, in their order',
    async () => {
      const dice = new Dice(SEED)
      const plans = new Map<string, Exchange>()
      const faults: string[] = []
      const connections = Array.from({ length: CONNECTIONS }, (_, at) => {
        const exchanges: Exchange[] = []
        do {
          const id = `${at}-${exchanges.length}`
          exchanges.push(exchangeOf(dice, id))
          plans.set(id, exchanges.at(-1)!)
        } while (!exchanges.at(-1)!.isLast && exchanges.length < MAX_REQUESTS && dice.is(0.92))
        return exchanges
      })
      const ports = await Promise.all([1, 2, 3].map(() => startPlannedServer(plans, faults)))
      const routed = await startRouted('web', {
        upstreams: { web: { endpoints: ports.map((port) => `127.0.0.1:${port}`) } },
      })
      const waiting = connections.map((exchanges, at) => ({ exchanges, at }))
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
            await bring(new Dice(SEED + next.at), routed.port, next.exchanges).catch((error: unknown) => {
              faults.push(`connection ${next.at}: ${String(error)}`)
            })
        }),
      )
      expect(faults).toEqual([])
      expect(routed.sluice.metric('request_total')).toBe(plans.size)
      await routed.expectNothingLeft()
    },
    LIMIT_MS,
  )
})
