import { once } from 'node:events'
import type { OutgoingHttpHeaders } from 'node:http2'
import { describe, expect, test } from 'vitest'
import { Http2FrameReader, type Http2Handler } from '../../../src/protocols/http2/frame-reader.js'
import { randomSource } from '../../../src/testing/random-source.js'
import { recordHttp2 } from '../../support/http2-bytes.js'

/** Exchanges, each with a block both ways, for each size of the table: 100,000 blocks in all. */
const EXCHANGES = 25_000
const AT_ONCE = 100
const MAX_CHUNK = 200

describe('against node:http2, which is nghttp2,', () => {
  test.each([4096, 0])('decodes the same fields, with tables of %i bytes, however the bytes are cut', async (table) => {
    const settings = { headerTableSize: table, maxConcurrentStreams: 2 * AT_ONCE }
    const source = randomSource(table + 7)
    const random: Random = (below) => source.integer(below)
    const recorded = recordHttp2({ client: settings, server: settings })
    const { segments, client, server } = recorded
    const sent = { client: [] as string[], server: [] as string[] }
    server.on('stream', (stream, headers) => {
      const response = { ':status': 200 + random(400), ...someHeaders(random) }
      sent.client.push(fieldsOf(headers))
      sent.server.push(fieldsOf(response))
      stream.respond(response, { endStream: true, sendDate: false } as never)
    })
    await once(client, 'remoteSettings')
    for (let i = 0; i < EXCHANGES; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => exchange(client, random)))
    }
    await recorded.close()

    for (const side of ['client', 'server'] as const) {
      const bytes = Buffer.concat(segments.filter(({ from }) => from === side).map(({ data }) => data))
      const seen = readBlocks(bytes, side === 'client' ? 'preface' : 'frame', random)
      expect(seen.length).toBe(EXCHANGES)
      expect(sorted(seen)).toEqual(sorted(sent[side]))
    }
  })
}, 120_000)

async function exchange(client: ReturnType<typeof recordHttp2>['client'], random: Random): Promise<void> {
  const stream = client.request({ ':path': `/${word(random, 30)}`, ...someHeaders(random) }, { endStream: true })
  stream.resume()
  await once(stream, 'close')
}

type Random = (below: number) => number

const NAMES = [
  'accept',
  'cookie',
  'user-agent',
  'x-a',
  'x-request-id',
  'content-type',
  'cache-control',
  'etag',
  'x-long-name-of-a-field',
]

function someHeaders(random: Random): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  for (let i = random(6); i > 0; i--) headers[NAMES[random(NAMES.length)]!] = word(random, random(20) === 0 ? 3000 : 40)
  return headers
}

function word(random: Random, most: number): string {
  // Few words, so that the table is used; and some bytes that Huffman codes are long for.
  if (random(3) > 0) return `word-${random(20)}`
  return Array.from({ length: 1 + random(most) }, () => String.fromCharCode(0x21 + random(0x5e))).join('')
}

/** Sorted: node gives the fields of a request by name, whatever their order. */
function fieldsOf(headers: OutgoingHttpHeaders): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${String(value)}`)
    .sort()
    .join('\n')
}

function sorted(blocks: readonly string[]): string[] {
  return [...blocks].sort()
}

/** Every header block of one side, its bytes shown in pieces of any size, each overwritten afterwards. */
function readBlocks(bytes: Buffer, startsWith: 'preface' | 'frame', random: Random): string[] {
  const blocks: string[] = []
  let fields: string[] = []
  const handler: Http2Handler = {
    onHeaders: () => void (fields = []),
    onField: ({ name, value }) => void fields.push(`${name}: ${value}`),
    onHeadersEnd: () => void blocks.push(fields.sort().join('\n')),
    onPromise: () => expect.unreachable(),
    onPromiseEnd: () => expect.unreachable(),
    onData: () => false,
    onDataBytes: () => expect.unreachable(),
    onDataEnd: () => {},
    onDataCut: () => expect.unreachable(),
    onReset: (_stream, errorCode) => expect(errorCode).toBe(0),
    onGoAway: () => {},
  }
  const reader = new Http2FrameReader(handler, startsWith, 65_536)
  for (let at = 0; at < bytes.length;) {
    const chunk = Uint8Array.from(bytes.subarray(at, (at += 1 + random(MAX_CHUNK))))
    reader.feed(chunk)
    chunk.fill(0xa5)
  }
  expect(reader.failure).toBeUndefined()
  return blocks
}
