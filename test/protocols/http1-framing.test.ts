import { describe, expect, test } from 'vitest'
import { MAX_CHUNK_EXTENSION_BYTES } from '../../src/protocols/http1-chunked-coding.js'
import type { Http1Failure } from '../../src/protocols/http1-failure.js'
import {
  type AnsweredMethod,
  type Http1Direction,
  type Http1Handler,
  Http1Parser,
  type Http1ParserOptions,
  MAX_EMPTY_LINES,
} from '../../src/protocols/http1-framing.js'
import type { Http1Fields, Http1Head } from '../../src/protocols/http1-head.js'

/** Writes down what a parser says, so that two ways of cutting the same bytes can be compared. */
class Recorder implements Http1Handler {
  readonly events: string[] = []
  readonly #methods: AnsweredMethod[]
  #body = ''

  constructor(methods: readonly AnsweredMethod[] = []) {
    this.#methods = [...methods]
  }

  onHeadStart(): void {
    this.events.push('start')
  }

  onHead(head: Http1Head): void {
    const line = head.status === 0 ? `${head.method} ${head.target}` : String(head.status)
    this.events.push(`${line} 1.${head.minorVersion} ${head.content} ${JSON.stringify([...head])}`)
  }

  onInterim(head: Http1Head): void {
    this.events.push(`interim ${head.status}`)
  }

  onBody(chunk: Uint8Array, start: number, end: number): void {
    this.#body += Buffer.from(chunk.subarray(start, end)).toString('latin1')
  }

  onTrailers(trailers: Http1Fields): void {
    this.events.push(`trailers ${JSON.stringify([...trailers])}`)
  }

  onMessageEnd(): void {
    this.events.push(`end ${JSON.stringify(this.#body)}`)
    this.#body = ''
  }

  answeredMethod(): AnsweredMethod {
    return this.#methods.shift() ?? 'other'
  }
}

interface Outcome {
  readonly events: readonly string[]
  readonly state: string
  readonly failure: Http1Failure | undefined
}

interface Reading {
  readonly answers?: readonly AnsweredMethod[]
  readonly ends?: 'with FIN'
  readonly options?: Http1ParserOptions
}

/** Feeds the pieces as borrowed chunks: each is overwritten as soon as `feed` returns. */
function read(direction: Http1Direction, pieces: readonly string[], reading: Reading = {}): Outcome {
  const recorder = new Recorder(reading.answers)
  const parser = new Http1Parser(direction, recorder, reading.options)
  for (const piece of pieces) {
    const chunk = Uint8Array.from(Buffer.from(piece, 'latin1'))
    parser.feed(chunk)
    chunk.fill(0xa5)
  }
  if (reading.ends) parser.end()
  return { events: recorder.events, state: parser.state, failure: parser.failure }
}

/** Every way to cut the text in two, and byte by byte. */
function cuts(text: string): string[][] {
  const ways = Array.from({ length: text.length - 1 }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)])
  return [...ways, [...text]]
}

function expectAnyCut(direction: Http1Direction, text: string, reading: Reading, expected: Partial<Outcome>): void {
  const whole = read(direction, [text], reading)
  expect(whole).toMatchObject(expected)
  for (const pieces of cuts(text)) {
    const cut = read(direction, pieces, reading)
    expect(cut, `cut after ${pieces[0]!.length} bytes`).toEqual(whole)
  }
}

const LONG = 'v'.repeat(200)

describe('Http1Parser frames requests', () => {
  const none = (line: string, fields = '[]') => ['start', `${line} 1.1 none ${fields}`, 'end ""']
  const rows: [name: string, text: string, events: string[]][] = [
    ['without fields', 'GET / HTTP/1.1\r\n\r\n', none('GET /')],
    ['with line feeds alone', 'GET / HTTP/1.1\nhost: a\n\n', none('GET /', '[["host","a"]]')],
    ['in any method', 'PURGE /x HTTP/1.1\r\n\r\nget / HTTP/1.1\r\n\r\n', [...none('PURGE /x'), ...none('get /')]],
    ['in absolute form', 'GET http://a.example/x?y HTTP/1.1\r\n\r\n', none('GET http://a.example/x?y')],
    ['to the server itself', 'OPTIONS * HTTP/1.1\r\n\r\n', none('OPTIONS *')],
    [
      'with bytes beyond ASCII in target and value',
      'GET /\xe4 HTTP/1.1\r\na: \xff\r\n\r\n',
      none('GET /\xe4', '[["a","\xff"]]'),
    ],
    ['after empty lines', '\r\n\n\r\nGET / HTTP/1.1\r\n\r\n', none('GET /')],
    ['in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ['start', 'GET / 1.0 none []', 'end ""']],
    [
      'with blanks around a value',
      'GET / HTTP/1.1\r\na:\t b c \t\r\nd:\r\n\r\n',
      none('GET /', '[["a","b c"],["d",""]]'),
    ],
    ['with a long value', `GET / HTTP/1.1\r\na: ${LONG}\r\n\r\n`, none('GET /', `[["a","${LONG}"]]`)],
    [
      'with a length, and the next one behind it',
      'POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n',
      ['start', 'POST /a 1.1 length [["Content-Length","3"]]', 'end "abc"', ...none('GET /b')],
    ],
    ['with length 0', 'POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n', none('POST /', '[["content-length","0"]]')],
    [
      'chunked, with extensions and trailers',
      'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x="y;z" ;q\r\n0123456789\r\n000\r\nt: 1\r\nu: 2\r\n\r\n',
      [
        'start',
        'POST / 1.1 chunked [["transfer-encoding","chunked"]]',
        'trailers [["t","1"],["u","2"]]',
        'end "abc0123456789"',
      ],
    ],
    [
      'chunked after another coding, over two lines, in any case',
      'POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\ntransfer-ENCODING: Chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      [
        'start',
        'POST / 1.1 chunked [["Transfer-Encoding","gzip"],["transfer-ENCODING","Chunked"]]',
        'end ""',
        ...none('GET /'),
      ],
    ],
  ]
  test.each(rows)('%s, however they are cut', (_, text, events) => {
    expectAnyCut('request', text, {}, { events, state: 'idle', failure: undefined })
  })

  const waiting: [name: string, text: string][] = [
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n'],
    ['CONNECT in HTTP/1.0', 'CONNECT a:443 HTTP/1.0\r\n\r\n'],
    ['an upgrade', 'GET /chat HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    [
      'an upgrade with content',
      'POST / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nab',
    ],
  ]
  test.each(waiting)('and takes nothing after %s until it is resumed', (_, text) => {
    expectAnyCut('request', text, {}, { state: 'awaiting-answer' })
    const parser = new Http1Parser('request', new Recorder())
    const both = Buffer.from(`${text}GET /next HTTP/1.1\r\n\r\n`)
    expect(parser.feed(both)).toBe(text.length)
    expect(parser.feed(both.subarray(text.length))).toBe(0)
    parser.resume()
    expect(parser.feed(both.subarray(text.length))).toBe(both.length - text.length)
    expect(parser.state).toBe('idle')
  })

  test('and takes an Upgrade field that is no connection option for nothing', () => {
    expect(read('request', ['GET / HTTP/1.1\r\nupgrade: h2c\r\n\r\n']).state).toBe('idle')
    expect(read('request', ['GET / HTTP/1.0\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n']).state).toBe('idle')
  })
})

describe('Http1Parser frames responses', () => {
  const rows: [name: string, text: string, reading: Reading, events: string[]][] = [
    [
      'with a length',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      {},
      ['start', '200 1.1 length [["content-length","2"]]', 'end "ok"'],
    ],
    [
      'without a reason',
      'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n',
      {},
      ['start', '200 1.1 none [["content-length","0"]]', 'end ""'],
    ],
    [
      'with an empty reason',
      'HTTP/1.0 299 \r\ncontent-length: 0\r\n\r\n',
      {},
      ['start', '299 1.0 none [["content-length","0"]]', 'end ""'],
    ],
    [
      'to HEAD without content',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
      { answers: ['HEAD', 'other'] },
      [
        'start',
        '200 1.1 none [["content-length","5"]]',
        'end ""',
        'start',
        '200 1.1 length [["content-length","1"]]',
        'end "x"',
      ],
    ],
    ['204 without content', 'HTTP/1.1 204 No Content\r\n\r\n', {}, ['start', '204 1.1 none []', 'end ""']],
    [
      '304 without content',
      'HTTP/1.1 304 x\r\ntransfer-encoding: chunked\r\n\r\n',
      {},
      ['start', '304 1.1 none [["transfer-encoding","chunked"]]', 'end ""'],
    ],
    [
      'after interim ones',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 204 x\r\n\r\n',
      {},
      ['start', 'interim 100', 'start', 'interim 103', 'start', '204 1.1 none []', 'end ""'],
    ],
    [
      'chunked',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 ;a=b\r\nok\r\n0\r\n\r\n',
      {},
      ['start', '200 1.1 chunked [["transfer-encoding","chunked"]]', 'end "ok"'],
    ],
    [
      'until the connection ends',
      'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200',
      { ends: 'with FIN' },
      ['start', '200 1.1 until-close []', 'end "HTTP/1.1 200"'],
    ],
    [
      'in a coding that is not chunked until the connection ends',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nx',
      { ends: 'with FIN' },
      ['start', '200 1.1 until-close [["transfer-encoding","gzip"]]', 'end "x"'],
    ],
    [
      'to a CONNECT that is refused',
      'HTTP/1.1 407 x\r\ncontent-length: 1\r\n\r\nx',
      { answers: ['CONNECT'] },
      ['start', '407 1.1 length [["content-length","1"]]', 'end "x"'],
    ],
  ]
  test.each(rows)('%s, however they are cut', (_, text, reading, events) => {
    expectAnyCut('response', text, reading, { events, state: 'idle', failure: undefined })
  })

  const tunnels: [name: string, text: string, reading: Reading][] = [
    ['101', 'HTTP/1.1 101 Switching\r\nupgrade: websocket\r\n\r\n', {}],
    [
      '2xx to CONNECT',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
      { answers: ['CONNECT'] },
    ],
    ['an HTTP/1.0 answer to CONNECT', 'HTTP/1.0 200 Connection established\r\n\r\n', { answers: ['CONNECT'] }],
  ]
  test.each(tunnels)('up to %s and takes nothing of the tunnel', (_, text, reading) => {
    expectAnyCut('response', text, reading, { state: 'tunnel' })
    const recorder = new Recorder(reading.answers)
    const parser = new Http1Parser('response', recorder)
    expect(parser.feed(Buffer.from(`${text}\x16\x03\x01`, 'latin1'))).toBe(text.length)
    expect(recorder.events.at(-1)).toMatch(/ tunnel /)
  })
})

describe('Http1Parser refuses', () => {
  const head = (fields: string) => `POST / HTTP/1.1\r\n${fields}\r\n\r\n`
  const chunked = (body: string) => `${head('transfer-encoding: chunked')}${body}`
  const requests: [failure: Http1Failure, text: string][] = [
    ['invalid-request-line', 'GET  / HTTP/1.1\r\n'],
    ['invalid-request-line', ' GET / HTTP/1.1\r\n'],
    ['invalid-request-line', 'GET /index.html\r\n'],
    ['invalid-request-line', 'GET / HTTP/1.1 \r\n'],
    ['invalid-request-line', 'GET / HTTX/1.1\r\n'],
    ['invalid-request-line', 'GET / http/1.1\r\n'],
    ['invalid-request-line', 'GET / HTTP/1.x\r\n'],
    ['invalid-request-line', 'GET /a\x00b HTTP/1.1\r\n'],
    ['invalid-request-line', 'GET /a\x7fb HTTP/1.1\r\n'],
    ['invalid-request-line', 'G(T / HTTP/1.1\r\n'],
    ['unsupported-version', 'PRI * HTTP/2.0\r\n'],
    ['unsupported-version', 'GET / HTTP/1.2\r\n'],
    ['unsupported-version', 'GET / HTTP/0.9\r\n'],
    ['too-many-empty-lines', '\r\n'.repeat(MAX_EMPTY_LINES + 1)],
    ['bare-cr', '\rGET / HTTP/1.1\r\n\r\n'],
    ['bare-cr', 'GET / HTTP/1.1\rhost: a\r\n\r\n'],
    ['bare-cr', head('a: b\rc')],
    ['bare-cr', head(`a: ${LONG}\r${LONG}`)],
    ['bare-cr', head('a: b\r\r')],
    ['bare-cr', head('a: b\r\n\rx')],
    ['invalid-field-name', head(': b')],
    ['invalid-field-name', head('a(: b')],
    ['invalid-field-name', head('a\xe4: b')],
    ['invalid-field-name', head('nocolon')],
    ['invalid-field-value', head('a: b\x00c')],
    ['invalid-field-value', head(`a: ${LONG}\x00${LONG}`)],
    ['space-before-colon', head('a : b')],
    ['space-before-colon', head('transfer-encoding\t: chunked')],
    ['obs-fold', head('a: b\r\n c')],
    ['obs-fold', head(' a: b')],
    ['obs-fold', head('a: b\r\n\t')],
    ['invalid-content-length', head('content-length: +1')],
    ['invalid-content-length', head('content-length: -1')],
    ['invalid-content-length', head('content-length: 0x1')],
    ['invalid-content-length', head('content-length: 1 1')],
    ['invalid-content-length', head('content-length: 1, 1')],
    ['invalid-content-length', head('content-length:')],
    ['invalid-content-length', head('content-length: 9007199254740992')],
    ['content-length-repeated', head('content-length: 1\r\nContent-Length: 1')],
    ['content-length-conflict', head('content-length: 1\r\nContent-Length: 2')],
    ['content-length-with-transfer-encoding', head('content-length: 1\r\ntransfer-encoding: chunked')],
    ['content-length-with-transfer-encoding', head('transfer-encoding: chunked\r\ncontent-length: 0')],
    ['invalid-transfer-encoding', head('transfer-encoding:')],
    ['invalid-transfer-encoding', head('transfer-encoding: \x0bchunked')],
    ['invalid-transfer-encoding', head('transfer-encoding: chunked;q=1')],
    ['invalid-transfer-encoding', head('transfer-encoding: gzip,')],
    ['invalid-transfer-encoding', head('transfer-encoding: ,chunked')],
    ['chunked-not-last', head('transfer-encoding: identity')],
    ['chunked-not-last', head('transfer-encoding: xchunked')],
    ['chunked-not-last', head('transfer-encoding: chunked, gzip')],
    ['chunked-not-last', head('transfer-encoding: chunked, chunked')],
    ['chunked-not-last', head('transfer-encoding: chunked\r\ntransfer-encoding: gzip')],
    ['transfer-encoding-in-http-1.0', 'POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['content-with-connect', 'CONNECT a:1 HTTP/1.1\r\ncontent-length: 1\r\n\r\n'],
    ['content-with-connect', 'CONNECT a:1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['invalid-chunk-size', chunked('\r\n')],
    ['invalid-chunk-size', chunked('g\r\n')],
    ['invalid-chunk-size', chunked('-1\r\n')],
    ['invalid-chunk-size', chunked('0x1\r\n')],
    ['invalid-chunk-size', chunked(' 1\r\n')],
    ['invalid-chunk-size', chunked('1 \r\n')],
    ['invalid-chunk-size', chunked('1\n')],
    ['invalid-chunk-size', chunked('1\ra')],
    ['chunk-size-too-large', chunked('20000000000000\r\n')],
    ['chunk-size-too-large', chunked('fffffffffffffffff\r\n')],
    ['chunk-size-too-long', chunked(`${'0'.repeat(16)}1\r\n`)],
    ['chunk-size-too-long', chunked(`1\r\na\r\n${'0'.repeat(17)}\r\n`)],
    ['invalid-chunk-extension', chunked('1;a\n')],
    ['invalid-chunk-extension', chunked('1;a\x00\r\n')],
    ['invalid-chunk-size', chunked('1;a\rb\r\n')],
    ['chunk-extension-too-long', chunked(`1;${'a'.repeat(MAX_CHUNK_EXTENSION_BYTES + 1)}`)],
    ['invalid-chunk-end', chunked('1\r\nab\r\n')],
    ['invalid-chunk-end', chunked('1\r\na\n')],
    ['invalid-chunk-end', chunked('1\r\na\rb')],
    ['space-before-colon', chunked('0\r\na : b\r\n\r\n')],
    ['bare-cr', chunked('0\r\n\ra\n')],
  ]
  const responses: [failure: Http1Failure, text: string][] = [
    ['invalid-status-line', 'HTTP/1.1 20 OK\r\n'],
    ['invalid-status-line', 'HTTP/1.1 2000 OK\r\n'],
    ['invalid-status-line', 'HTTP/1.1 099 OK\r\n'],
    ['invalid-status-line', 'HTTP/1.1  200 OK\r\n'],
    ['invalid-status-line', 'HTTP/1.1\t200 OK\r\n'],
    ['invalid-status-line', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['unsupported-version', 'HTTP/2.0 200 OK\r\n'],
    ['unsupported-version', 'HTTP/1.3 200 OK\r\n'],
    ['bare-cr', 'HTTP/1.1 200 O\rK\r\n'],
    ['invalid-field-value', 'HTTP/1.1 200 O\x00K\r\n'],
    ['transfer-encoding-in-http-1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
    [
      'content-length-with-transfer-encoding',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    ],
    ['chunked-not-last', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n'],
  ]
  const rows = [
    ...requests.map(([failure, text]) => ['request', failure, JSON.stringify(text.slice(0, 80)), text] as const),
    ...responses.map(([failure, text]) => ['response', failure, JSON.stringify(text.slice(0, 80)), text] as const),
  ]
  test.each(rows)('in a %s: %s, %s', (direction, failure, _, text) => {
    const expected = { state: 'failed', failure }
    expect(read(direction, [text])).toMatchObject(expected)
    for (const pieces of cuts(text))
      expect(read(direction, pieces), `cut after ${pieces[0]!.length}`).toMatchObject(expected)
  })

  test.each([
    ['head-too-large', 'GET / HTTP/1.1\r\na: b\r\nc: d\r\n\r\n', 0],
    ['trailers-too-large', chunked(`0\r\na: ${LONG}\r\nc: d\r\n\r\n`), chunked('0\r\n').length],
  ] as const)('%s, at the byte beyond the bound', (failure, text, start) => {
    const maxHeadBytes = text.length - start
    expectAnyCut('request', text, { options: { maxHeadBytes } }, { failure: undefined, state: 'idle' })
    expectAnyCut('request', text, { options: { maxHeadBytes: maxHeadBytes - 1 } }, { failure })
  })

  test('request-line-too-long, where it alone is beyond the bound', () => {
    const line = `GET /${LONG} HTTP/1.1\r\n`
    const text = `${line}a: b\r\n\r\n`
    const within = (maxHeadBytes: number, failure: Http1Failure) =>
      expectAnyCut('request', text, { options: { maxHeadBytes } }, { failure })
    within(line.length, 'head-too-large')
    within(line.length - 1, 'request-line-too-long')
    within(20, 'request-line-too-long')
  })

  test.each([
    ['request', 'ended-in-head', 'GET / HTTP/1.1\r\n'],
    ['request', 'ended-in-body', 'POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab'],
    ['response', 'ended-in-body', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n'],
    ['response', 'ended-in-body', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n'],
  ] as const)('a %s that the end cuts: %s', (direction, failure, text) => {
    expectAnyCut(direction, text, { ends: 'with FIN' }, { failure, state: 'failed' })
  })

  test('nothing where a side ends between two messages', () => {
    expect(read('request', ['GET / HTTP/1.1\r\n\r\n\r\n'], { ends: 'with FIN' })).toMatchObject({
      state: 'idle',
      failure: undefined,
    })
  })
})

describe('Http1Parser lets content be skipped', () => {
  test('from the second byte of a length on', () => {
    const recorder = new Recorder()
    const parser = new Http1Parser('response', recorder)
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'))
    expect(parser.skippable).toBe(0)
    parser.feed(Buffer.from('a'))
    expect(parser.skippable).toBe(9)
    parser.skip(4)
    expect(() => parser.skip(6)).toThrow(RangeError)
    expect(recorder.events).toHaveLength(2)
    parser.skip(5)
    expect(recorder.events.at(-1)).toBe('end "a"')
    expect(parser.bodyBytes).toBe(10)
    expect(parser.skippable).toBe(0)
  })

  test('chunk by chunk', () => {
    const recorder = new Recorder()
    const parser = new Http1Parser('request', recorder)
    parser.feed(Buffer.from('POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n10\r\na'))
    expect(parser.skippable).toBe(15)
    parser.skip(15)
    expect(parser.skippable).toBe(0)
    parser.feed(Buffer.from('\r\n3\r\n'))
    expect(parser.skippable).toBe(3)
    parser.skip(3)
    parser.feed(Buffer.from('\r\n0\r\n\r\n'))
    expect(recorder.events.at(-1)).toBe('end "a"')
    expect(parser.bodyBytes).toBe(19)
  })

  test('without bound where the end of the connection ends it', () => {
    const parser = new Http1Parser('response', new Recorder())
    parser.feed(Buffer.from('HTTP/1.1 200 OK\r\n\r\nx'))
    expect(parser.skippable).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('Http1Head', () => {
  test('gives the first value of a name, whatever its case, and nothing for one that is not there', () => {
    const seen: (string | undefined)[] = []
    const parser = new Http1Parser('request', {
      onHeadStart() {},
      onHead: (head) => void seen.push(head.get('host'), head.get('x-a'), head.get('x'), head.get('hos')),
      onBody() {},
      onMessageEnd() {},
    })
    parser.feed(Buffer.from('GET / HTTP/1.1\r\nX-A:  1 \nhost: h\r\nHOST: i\r\n\r\n'))
    expect(seen).toEqual(['h', '1', undefined, undefined])
  })

  test.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'connection: Close\r\n', false],
    ['HTTP/1.1', 'connection: x, close ,y\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'connection: keep-alive\r\n', true],
    ['HTTP/1.0', 'connection: keep-alive, close\r\n', false],
  ])('knows whether a request keeps the connection: %s %j', (version, fields, isKeepAlive) => {
    expect.assertions(1)
    const parser = new Http1Parser('request', {
      onHeadStart() {},
      onHead: (head) => expect(head.isKeepAlive).toBe(isKeepAlive),
      onBody() {},
      onMessageEnd() {},
    })
    parser.feed(Buffer.from(`GET / ${version}\r\n${fields}\r\n`))
  })
})
