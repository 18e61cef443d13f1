import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { Http2FrameReader, type Http2Handler } from '../../../src/protocols/http2/frame-reader.js'
import { recordHttp2 } from '../../support/http2-bytes.js'
import {
  block,
  CLIENT_PREFACE,
  data,
  FLAGS,
  frame,
  goAway,
  headers,
  paddedData,
  request,
  reset,
} from '../../support/http2-frames.js'

/** What a reader tells, as text; content of streams of which `wantsContent` says so, with every byte. */
class Told implements Http2Handler {
  readonly events: string[] = []
  #fields: string[] = []
  #content = ''
  readonly #wantsContent: (stream: number) => boolean

  constructor(wantsContent: (stream: number) => boolean = () => false) {
    this.#wantsContent = wantsContent
  }

  onField = ({ name, value }: { name: string; value: string }): void => void this.#fields.push(`${name}=${value}`)
  onHeaders = (stream: number): void => void this.events.push(`headers ${stream}`)
  onHeadersEnd = (stream: number, ends: boolean): void => this.#end(`headers ${stream} over${ends ? ', ends' : ''}`)
  onPromise = (stream: number, promised: number): void => void this.events.push(`promise ${stream} ${promised}`)
  onPromiseEnd = (promised: number): void => this.#end(`promise ${promised} over`)
  onData = (stream: number, bytes: number): boolean => {
    this.events.push(`data ${stream} ${bytes}`)
    return this.#wantsContent(stream)
  }
  onDataBytes = (_stream: number, chunk: Uint8Array, start: number, end: number): void => {
    this.#content += Buffer.from(chunk.subarray(start, end)).toString('latin1')
  }
  onDataEnd = (stream: number, ends: boolean): void => {
    this.events.push(`data ${stream} over ${JSON.stringify(this.#content)}${ends ? ', ends' : ''}`)
    this.#content = ''
  }
  onDataCut = (stream: number, missing: number): void => void this.events.push(`data ${stream} cut, ${missing}`)
  onReset = (stream: number, code: number): void => void this.events.push(`reset ${stream} ${code}`)
  onGoAway = (last: number, code: number): void => void this.events.push(`goaway ${last} ${code}`)

  #end(what: string): void {
    this.events.push(`${what}: ${this.#fields.join(' ')}`)
    this.#fields = []
  }
}

/** Feeds as a relay does: overwritten afterwards, and without what may be skipped. */
function feed(reader: Http2FrameReader, piece: Uint8Array): void {
  const skipped = Math.min(reader.skippable, piece.length)
  reader.skip(skipped)
  const chunk = Uint8Array.from(piece.subarray(skipped))
  reader.feed(chunk)
  chunk.fill(0xa5)
}

function tellAll(
  bytes: Buffer,
  from: 'preface' | 'frame',
  pieces: readonly Uint8Array[],
  wants?: (id: number) => boolean,
) {
  const told = new Told(wants)
  const reader = new Http2FrameReader(told, from, 65_536)
  for (const piece of pieces) feed(reader, piece)
  return { events: told.events, failure: reader.failure, bytes: bytes.length }
}

/** A client and a server of `node:http2` say something of each kind that they can. */
async function conversation(): Promise<Record<'client' | 'server', Buffer>> {
  const recorded = recordHttp2({ client: { enablePush: true } })
  const { client, server, segments } = recorded
  server.on('stream', (stream, fields) => {
    stream.on('error', () => {})
    if (fields[':path'] === '/reset') return void stream.close(2)
    stream.additionalHeaders({ ':status': 103, link: '</a>' })
    if (fields[':path'] === '/push') {
      stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
        pushed.respond({ ':status': 200 })
        pushed.end('pushed')
        stream.respond({ ':status': 200 })
        stream.end('pusher')
      })
      return
    }
    stream.respond({ ':status': 200, 'x-large': 'y'.repeat(200) }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.pipe(stream)
  })
  client.on('stream', (pushed) => pushed.resume())
  await once(client, 'remoteSettings')
  for (const path of ['/', '/push', '/reset', '/']) {
    const stream = client.request({ ':path': path, ':method': 'POST', 'x-large': 'z'.repeat(300) })
    stream.on('error', () => {}).resume()
    stream.end('content')
    await new Promise((resolve) => stream.on('close', resolve))
  }
  await recorded.close()
  const said = (side: string): Buffer =>
    Buffer.concat(segments.filter(({ from }) => from === side).map((one) => one.data))
  return { client: said('client'), server: said('server') }
}

describe('Http2FrameReader', () => {
  test.each(['client', 'server'] as const)(
    'tells the same of what a real %s says, wherever it is cut',
    async (side) => {
      const bytes = (await conversation())[side]
      const from = side === 'client' ? 'preface' : 'frame'
      for (const wants of [() => false, () => true, (stream: number) => stream % 4 === 1]) {
        const whole = tellAll(bytes, from, [bytes], wants)
        expect(whole.failure).toBeUndefined()
        expect(whole.events.filter((event) => event.startsWith('headers')).length).toBeGreaterThanOrEqual(8)
        expect(whole.events.some((event) => event.startsWith('data'))).toBe(true)
        for (let at = 1; at < bytes.length; at++)
          expect(tellAll(bytes, from, [bytes.subarray(0, at), bytes.subarray(at)], wants), `cut at ${at}`).toEqual(
            whole,
          )
        for (const length of [1, 2, 3, 7, 8, 9, 10, 64]) {
          const count = Math.ceil(bytes.length / length)
          const pieces = Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length))
          expect(tellAll(bytes, from, pieces, wants), `pieces of ${length}`).toEqual(whole)
        }
      }
      if (side === 'server') {
        const { events } = tellAll(bytes, from, [bytes])
        expect(events).toContain('promise 3 2')
        expect(events).toContain('reset 5 2')
        expect(events.some((event) => /^headers 1 over: :status=103 link=<\/a>/.test(event))).toBe(true)
        expect(events).toContain('headers 1 over, ends: grpc-status=0')
      }
    },
  )

  test('knows no difference between padding and none', () => {
    const plain = Buffer.concat([headers(1, request()), data(1, 'abc', { ends: true })])
    const fields = block(request())
    const padded = Buffer.concat([
      frame(
        'headers',
        FLAGS.padded | FLAGS.priority | FLAGS.endHeaders,
        1,
        Buffer.concat([Buffer.of(9), Buffer.alloc(5, 0xff), fields, Buffer.alloc(9, 0xff)]),
      ),
      paddedData(1, 'abc', 255, { ends: true }),
    ])
    for (const wants of [() => false, () => true]) {
      const expected = tellAll(plain, 'frame', [plain], wants).events
      expect(tellAll(padded, 'frame', [padded], wants).events).toEqual(expected)
      expect(
        tellAll(
          padded,
          'frame',
          [...padded].map((byte) => Buffer.of(byte)),
          wants,
        ).events,
      ).toEqual(expected)
    }
  })

  test('reads a promise with padding, in several frames', () => {
    const fields = block(request('/pushed'))
    const first = Buffer.concat([Buffer.of(2), Buffer.of(0x80, 0, 0, 4), fields.subarray(0, 5), Buffer.alloc(2)])
    const bytes = Buffer.concat([
      frame('pushPromise', FLAGS.padded, 1, first),
      frame('continuation', FLAGS.endHeaders, 1, fields.subarray(5)),
    ])
    expect(tellAll(bytes, 'frame', [bytes]).events).toEqual([
      'promise 1 4', // the reserved bit is none of the number
      'promise 4 over: :method=GET :scheme=http :authority=shop.example :path=/pushed',
    ])
  })

  test('passes over what says nothing of requests, also what it does not know', () => {
    const bytes = Buffer.concat([
      frame('settings', 0, 0, Buffer.alloc(36, 0xff)),
      frame('ping', 0, 0, Buffer.alloc(8)),
      frame('windowUpdate', 0, 0, Buffer.alloc(4)),
      frame('priority', 0, 1, Buffer.alloc(5)),
      frame(0xfa, 0xff, 0x7fff_ffff, Buffer.alloc(1000, 0xff)),
      goAway(3, 11, 'debug data'),
      reset(1, 8),
    ])
    expect(tellAll(bytes, 'frame', [bytes]).events).toEqual(['goaway 3 11', 'reset 1 8'])
  })

  test('says how much of a frame never came', () => {
    const told = new Told()
    const reader = new Http2FrameReader(told, 'frame', 1024)
    feed(reader, paddedData(1, 'x'.repeat(100), 50).subarray(0, 10 + 30))
    feed(reader, Buffer.alloc(20))
    reader.end()
    expect(told.events).toEqual(['data 1 100', 'data 1 cut, 50'])
    const inPadding = new Told()
    const other = new Http2FrameReader(inPadding, 'frame', 1024)
    feed(other, paddedData(1, 'x', 50).subarray(0, 30))
    other.end()
    expect(inPadding.events).toEqual(['data 1 1'])
  })

  test.each([
    ['a preface that is none', 'bad-preface', 'preface', Buffer.from('PRI * HTTP/1.1')],
    ['DATA without a stream', 'bad-frame', 'frame', data(0, 'a')],
    ['DATA with more padding than payload', 'bad-frame', 'frame', frame('data', FLAGS.padded, 1, Buffer.of(3, 0, 0))],
    ['DATA that is padded, and empty', 'bad-frame', 'frame', frame('data', FLAGS.padded, 1, Buffer.alloc(0))],
    ['HEADERS without a stream', 'bad-frame', 'frame', headers(0, request())],
    [
      'HEADERS with more padding than payload',
      'bad-frame',
      'frame',
      frame('headers', FLAGS.padded | FLAGS.endHeaders, 1, Buffer.of(2, 0x82)),
    ],
    [
      'HEADERS that are padded, and empty',
      'bad-frame',
      'frame',
      frame('headers', FLAGS.padded | FLAGS.endHeaders, 1, Buffer.alloc(0)),
    ],
    [
      'HEADERS too short for their priority',
      'bad-frame',
      'frame',
      frame('headers', FLAGS.priority | FLAGS.endHeaders, 1, Buffer.alloc(4)),
    ],
    [
      'a promise too short for its stream',
      'bad-frame',
      'frame',
      frame('pushPromise', FLAGS.endHeaders, 1, Buffer.alloc(3)),
    ],
    ['CONTINUATION of nothing', 'bad-frame', 'frame', frame('continuation', FLAGS.endHeaders, 1, Buffer.alloc(0))],
    [
      'CONTINUATION of another stream',
      'bad-frame',
      'frame',
      Buffer.concat([
        frame('headers', 0, 1, Buffer.of(0x82)),
        frame('continuation', FLAGS.endHeaders, 3, Buffer.alloc(0)),
      ]),
    ],
    [
      'another frame inside a block',
      'bad-frame',
      'frame',
      Buffer.concat([frame('headers', 0, 1, Buffer.of(0x82)), frame('ping', 0, 0, Buffer.alloc(8))]),
    ],
    ['RST_STREAM of another length', 'bad-frame', 'frame', frame('rstStream', 0, 1, Buffer.alloc(5))],
    ['GOAWAY that is too short', 'bad-frame', 'frame', frame('goAway', 0, 0, Buffer.alloc(7))],
    [
      'a field cut by the end of its block',
      'truncated',
      'frame',
      frame('headers', FLAGS.endHeaders, 1, Buffer.of(0x00, 0x05, 0x61)),
    ],
  ] as const)('ends at %s', (_, failure, from, bytes) => {
    const behind = headers(5, request())
    const all = Buffer.concat([bytes, behind])
    for (const pieces of [[all], [...all].map((byte) => Buffer.of(byte))]) {
      const told = tellAll(all, from, pieces)
      expect(told.failure).toBe(failure)
      expect(told.events).not.toContain('headers 5')
    }
  })

  test('holds no more of a block than its bound, in one frame or in many', () => {
    const limit = 1000
    const start = (payload: number, flags: number): Buffer =>
      frame('headers', flags, 1, block([['x', 'y'.repeat(payload)]]))
    const read = (...pieces: Buffer[]): string | undefined => {
      const reader = new Http2FrameReader(new Told(), 'frame', limit)
      for (const piece of pieces) feed(reader, piece)
      return reader.failure
    }
    expect(read(start(limit - 100, FLAGS.endHeaders))).toBeUndefined()
    expect(read(start(limit, FLAGS.endHeaders))).toBe('head-too-large')
    // Its length says so: nothing of it is waited for.
    expect(read(start(limit, FLAGS.endHeaders).subarray(0, 9))).toBe('head-too-large')
    const more = frame('continuation', 0, 1, Buffer.alloc(300, 0x82))
    expect(read(start(300, 0), more)).toBeUndefined()
    expect(read(start(300, 0), more, more, more)).toBe('head-too-large')
    // Small, and large once it is decoded: a field of the table, many times.
    const bomb = Buffer.concat([Buffer.of(0x40, 1, 0x78, 100), Buffer.alloc(100, 0x79), Buffer.alloc(20, 0xbe)])
    expect(read(frame('headers', FLAGS.endHeaders, 1, bomb))).toBe('headers-too-large')
  })

  test('takes the preface byte by byte', () => {
    const bytes = Buffer.concat([CLIENT_PREFACE, reset(1, 0)])
    expect(
      tellAll(
        bytes,
        'preface',
        [...bytes].map((byte) => Buffer.of(byte)),
      ).events,
    ).toEqual(['reset 1 0'])
  })
})
