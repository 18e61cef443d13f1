import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSluice, type Sluice } from '../../../src/sluice.js'
import { connectTo } from '../../support/sockets.js'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

interface Row {
  readonly name: string
  /** Each character is the byte of its number. */
  readonly request: string
  readonly status: number
  /** Null: it passes. */
  readonly reason: string | null
}

/** What nginx and HAProxy did, as `node scripts/record-smuggling.mjs` has written it down. */
type Recorded = Record<string, Record<'nginx' | 'haproxy', { readonly status: number; readonly passed: number }>>

const folder = new URL('../../fixtures/smuggling/', import.meta.url)
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
/** `{{y*70000}}` stands for that many. */
const expand = (text: string): string =>
  text.replace(/\{\{(.)\*(\d+)\}\}/g, (_whole, char: string, count: string) => char.repeat(Number(count)))
const rows = (read('rows.json') as Row[]).map((row) => ({ ...row, request: expand(row.request) }))
const recorded = read('recorded.json') as Recorded

/** What comes behind each row on its connection: of a refused one it must never reach a server. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const FIRST = 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n'

describe('requests that two readers could take in two ways', () => {
  let server: Server
  let sluice: Sluice
  /** All that the server has heard, of all connections. */
  let heard = ''
  beforeAll(async () => {
    server = createServer((socket) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1')
        text += chunk.toString('latin1')
        // An answer for each request: what is asked here begins with its path.
        for (let end = answerable(text); end > 0; end = answerable(text)) {
          text = text.slice(end)
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        }
      })
      socket.on('error', () => socket.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const destination = `127.0.0.1:${(server.address() as AddressInfo).port}`
    sluice = await createSluice({
      listeners: [
        { name: 'in', address: '127.0.0.1:0', destination, filters: ['detect', 'http-route', 'tcp-forward'] },
      ],
    }).start()
  })
  afterAll(async () => {
    await sluice.stop()
    server.close()
  })

  test('are a table of at least 150 rows, each recorded of nginx and HAProxy', () => {
    expect(rows.length).toBeGreaterThanOrEqual(150)
    expect(Object.keys(recorded).sort()).toEqual(rows.map(({ name }) => name).sort())
  })

  test.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, { request, status, reason }) => {
    heard = ''
    const before = reason === null ? 0 : sluice.metric('sluice_http_refused_total', { reason })
    const client = await connectTo(sluice.address().port)
    client.send(FIRST)
    await client.hears('ok')
    client.send(request + SMUGGLED)
    if (reason === null) {
      await client.hears('okHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK')
      expect(heard.match(/ HTTP\/1\.1\r\n/g)).toHaveLength(3)
      expect(heard).toContain('GET /smuggled HTTP/1.1\r\n')
      client.socket.destroy()
      return
    }
    await client.ended()
    expect(client.text.split('ok')[1]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\n\r\nsluice: ${reason}: `))
    expect(client.text.match(/HTTP\/1\.1 /g)).toHaveLength(2)
    expect(sluice.metric('sluice_http_refused_total', { reason })).toBe(before + 1)
    expect(heard).not.toContain('/smuggled')
    client.socket.destroy()
  })
})

test('whatever nginx and HAProxy both refuse, is refused here', () => {
  const lenient = rows.filter(({ name, reason }) => {
    const { nginx, haproxy } = recorded[name]!
    return reason === null && nginx.status >= 400 && haproxy.status >= 400
  })
  expect(lenient.map(({ name }) => name)).toEqual([])
})

test('what one of them passes on and the other refuses, is decided here, mostly against it', () => {
  const disputed = rows.filter(({ name }) => {
    const { nginx, haproxy } = recorded[name]!
    return nginx.status >= 400 !== haproxy.status >= 400
  })
  expect(disputed.length).toBeGreaterThan(10)
  const passed = disputed.filter(({ reason }) => reason === null)
  expect(passed.length).toBeLessThan(disputed.length / 4)
})

/** Where the first request of the text ends, framed as the proxy frames what it sends; 0 while it is not complete. */
function answerable(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const fields = text.slice(0, head + 2)
  const length = /\r\ncontent-length: *\t*(\d+)/i.exec(fields)?.[1]
  if (length !== undefined) return text.length >= head + 4 + Number(length) ? head + 4 + Number(length) : 0
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(fields)) return head + 4
  const last = text.indexOf('\r\n0\r\n', head)
  const end = last < 0 ? -1 : text.indexOf('\r\n\r\n', last)
  return end < 0 ? 0 : end + 4
}
