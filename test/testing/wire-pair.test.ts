import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import type { WireReader } from '../../src/core/wire.js'
import { WIRE_CAPACITY_BYTES } from '../../src/testing/memory-wire.js'
import { wirePair } from '../../src/testing/wire-pair.js'
import { WireRecorder } from '../../src/testing/wire-recorder.js'
import { turns } from '../support/start-sluice.js'

const ascii = (text: string) => Buffer.from(text, 'latin1')

/** A reader that must not be called but for what it replaces. */
function reader(more: Partial<WireReader>): WireReader {
  const unexpected = () => expect.unreachable('the wire should not say this')
  return { onChunk: unexpected, onEnd: unexpected, onError: unexpected, onDrain: unexpected, ...more }
}

test('carries bytes both ways, each write as one chunk, in a later turn', async () => {
  const { client, server } = wirePair()
  const chunks: string[] = []
  server.read(reader({ onChunk: (chunk) => chunks.push(Buffer.from(chunk).toString('latin1')) }))
  const heard = new WireRecorder(client)
  client.write(ascii('one'))
  client.write(ascii('two'))
  server.write(ascii('three'))
  expect(chunks).toEqual([])
  await turns()
  expect(chunks).toEqual(['one', 'two'])
  expect(heard.text).toBe('three')
  expect([client.bytesWritten, client.bytesRead]).toEqual([6, 5])
})

test('takes a chunk that its writer overwrites, and overwrites it under a reader that keeps it', async () => {
  const { client, server } = wirePair()
  const kept: Uint8Array[] = []
  const seen: string[] = []
  server.read(
    reader({
      onChunk: (chunk) => {
        kept.push(chunk)
        seen.push(Buffer.from(chunk).toString('latin1'))
      },
    }),
  )
  const mine = ascii('mine')
  client.write(mine)
  mine.fill(0)
  await turns()
  expect(seen).toEqual(['mine'])
  expect([...kept[0]!]).toEqual([0xa5, 0xa5, 0xa5, 0xa5])
})

test('keeps what arrives before there is a reader, and while it is paused', async () => {
  const { client, server } = wirePair()
  client.write(ascii('early'))
  await turns()
  const heard = new WireRecorder(server)
  server.pause()
  await turns()
  expect(heard.text).toBe('')
  server.resume()
  await turns()
  expect(heard.text).toBe('early')
})

test('passes on a half-close and keeps the other direction open', async () => {
  const { client, server } = wirePair()
  const [atClient, atServer] = [new WireRecorder(client), new WireRecorder(server)]
  client.write(ascii('question'))
  client.end()
  client.write(ascii('too late'))
  await turns()
  expect(atServer).toMatchObject({ text: 'question', hasEnded: true, isClosed: false })
  server.write(ascii('answer'))
  server.end()
  await turns()
  expect(atClient).toMatchObject({ text: 'answer', hasEnded: true, isClosed: true, error: undefined })
  expect(atServer.isClosed).toBe(true)
})

test('lets a reset overtake what was not read', async () => {
  const { client, server } = wirePair()
  const [atClient, atServer] = [new WireRecorder(client), new WireRecorder(server)]
  client.write(ascii('lost'))
  client.reset()
  await turns()
  expect(atServer).toMatchObject({ text: '', hasEnded: false, isClosed: true, error: { code: 'ECONNRESET' } })
  expect(atClient).toMatchObject({ isClosed: true, error: undefined })
})

test('delivers what was written before close, and resets who goes on writing', async () => {
  const { client, server } = wirePair()
  const atServer = new WireRecorder(server)
  client.write(ascii('last words'))
  client.close()
  await turns()
  expect(atServer).toMatchObject({ text: 'last words', hasEnded: true, error: undefined })
  server.write(ascii('hello?'))
  await turns()
  expect(atServer).toMatchObject({ isClosed: true, error: { code: 'ECONNRESET' } })
})

test('asks the writer to pause at its capacity, and says when it may go on', async () => {
  const { client, server } = wirePair()
  const atClient = new WireRecorder(client)
  const atServer = new WireRecorder(server)
  server.pause()
  expect(client.write(new Uint8Array(WIRE_CAPACITY_BYTES))).toBe(true)
  expect(client.pendingBytes).toBe(0)
  expect(client.write(new Uint8Array(10))).toBe(false)
  expect(client.pendingBytes).toBe(10)
  await turns()
  expect(atClient.drains).toBe(0)
  server.resume()
  await turns()
  expect(atClient.drains).toBe(1)
  expect(atServer.bytes.length).toBe(WIRE_CAPACITY_BYTES + 10)
})

test('ends only its own connection where a reader throws', async () => {
  const { client, server } = wirePair()
  const atClient = new WireRecorder(client)
  const errors: string[] = []
  server.read(
    reader({
      onChunk: () => {
        throw new Error('a bug')
      },
      onError: (error) => errors.push(error.message),
    }),
  )
  client.write(ascii('x'))
  await turns()
  expect(errors).toEqual(['a bug'])
  expect(atClient.error?.code).toBe('ECONNRESET')
})

test('becomes a stream that node:http serves on, with the bytes that its reader held', async () => {
  const { client, server } = wirePair()
  const held = ascii('GET /held HTTP/1.1\r\nhost: a\r\n')
  server.read(reader({ onDetach: () => held }))
  const service = createServer((incoming, response) => response.end(`you asked for ${incoming.url}`))
  onTestFinished(() => void service.close())
  service.emit('connection', server.detach())
  const heard = new WireRecorder(client)
  client.write(ascii('connection: close\r\n\r\n'))
  await turns(60)
  expect(heard.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*you asked for \/held$/)
  expect(heard.hasEnded).toBe(true)
})

test('is a stream on both ends', async () => {
  const { client, server } = wirePair()
  const service = createServer((incoming, response) => void incoming.pipe(response))
  onTestFinished(() => void service.close())
  service.emit('connection', server.detach())
  const body = 'x'.repeat(3 * WIRE_CAPACITY_BYTES)
  const asked = request({ method: 'POST', createConnection: () => client.detach(), headers: { host: 'a' } })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
  let echoed = ''
  for await (const chunk of response) echoed += chunk.toString('latin1')
  expect(echoed).toBe(body)
})
