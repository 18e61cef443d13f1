import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MAX_STREAMS } from '../../src/admin/line-stream.js'
import { openTap } from '../../src/admin/tap-stream.js'
import type { RequestRecord } from '../../src/http/request-record.js'
import { type RequestChannel, RequestHub } from '../../src/http/request-hub.js'
import type { Sluice } from '../../src/sluice.js'
import { startSluice } from '../support/start-sluice.js'

/** Answers a path that is a number with that status. */
async function origin(): Promise<number> {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (asked, response) => {
    const status = Number(asked.url!.slice(1, 4))
    response.writeHead(Number.isInteger(status) && status >= 200 ? status : 200).end('ok')
    asked.resume()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function tapped(filters: readonly unknown[] = ['detect', 'http-metrics', 'tcp-forward']): Promise<Sluice> {
  const destination = `127.0.0.1:${await origin()}`
  const listener = (name: string) => ({ name, address: '127.0.0.1:0', destination, filters })
  return startSluice({ admin: { address: '127.0.0.1:0' }, listeners: [listener('a'), listener('b')] } as never)
}

/** An open tap, whose lines are read one by one. */
class Tap {
  readonly response: IncomingMessage
  readonly #lines: AsyncIterator<string>

  constructor(response: IncomingMessage) {
    this.response = response
    this.#lines = createInterface({ input: response })[Symbol.asyncIterator]()
  }

  static async open(sluice: Sluice, query = ''): Promise<Tap> {
    const asked = get({ port: sluice.adminAddress!.port, host: '127.0.0.1', path: `/tap${query}`, agent: false })
    asked.on('error', () => {})
    onTestFinished(() => void asked.destroy())
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return new Tap(response)
  }

  async next(): Promise<RequestRecord> {
    const line = await this.#lines.next()
    if (line.done === true) throw new Error('the tap has ended')
    return JSON.parse(line.value) as RequestRecord
  }

  /** What it still says before it ends. */
  async rest(): Promise<unknown[]> {
    const rest: unknown[] = []
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next())
      rest.push(JSON.parse(next.value))
    return rest
  }
}

async function ask(sluice: Sluice, listener: string, path: string, method = 'GET'): Promise<void> {
  const asked = request({ port: sluice.address(listener).port, host: '127.0.0.1', path, method, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'close')
}

async function refused(sluice: Sluice, query: string): Promise<{ status: number; text: string }> {
  const { response } = await Tap.open(sluice, query)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode!, text }
}

describe('/tap', () => {
  test('says each request as it ends, of all listeners', async () => {
    const sluice = await tapped()
    const tap = await Tap.open(sluice)
    expect(tap.response.headers['content-type']).toBe('application/x-ndjson; charset=utf-8')
    await ask(sluice, 'a', '/200/first')
    expect(await tap.next()).toMatchObject({
      listener: 'a',
      protocol: 'http/1',
      method: 'GET',
      target: '/200/first',
      status: 200,
      bytes: { client: 0, server: 2 },
    })
    await ask(sluice, 'b', '/503', 'PUT')
    expect(await tap.next()).toMatchObject({ listener: 'b', method: 'PUT', status: 503, classification: 'failure' })
  })

  test('says only what is asked for', async () => {
    const sluice = await tapped()
    const taps = {
      listener: await Tap.open(sluice, '?listener=b'),
      status: await Tap.open(sluice, '?status=5xx'),
      method: await Tap.open(sluice, '?method=PUT'),
      path: await Tap.open(sluice, '?path=/404/%7Bid%7D&protocol=http/1'),
      grpc: await Tap.open(sluice, '?protocol=grpc'),
      max: await Tap.open(sluice, '?max=2'),
    }
    await ask(sluice, 'a', '/200')
    await ask(sluice, 'b', '/503')
    await ask(sluice, 'a', '/201', 'PUT')
    await ask(sluice, 'a', '/404/x')
    expect(await taps.listener.next()).toMatchObject({ target: '/503' })
    expect(await taps.status.next()).toMatchObject({ target: '/503' })
    expect(await taps.method.next()).toMatchObject({ target: '/201' })
    expect(await taps.path.next()).toMatchObject({ target: '/404/x' })
    expect(await taps.max.rest()).toMatchObject([{ target: '/200' }, { target: '/503' }])
    await sluice.stop()
    expect(await taps.grpc.rest()).toEqual([])
    for (const tap of [taps.listener, taps.status, taps.method, taps.path]) expect(await tap.rest()).toEqual([])
  })

  test('costs nothing before somebody taps, and when the last one has gone', async () => {
    const made = vi.spyOn(RequestHub.prototype, 'channel')
    onTestFinished(() => made.mockRestore())
    const sluice = await tapped()
    const channels = made.mock.results.map(({ value }) => value as RequestChannel)
    const areWanted = (): boolean[] => channels.map(({ isWanted }) => isWanted)
    expect(areWanted()).toEqual([false, false])
    const tap = await Tap.open(sluice, '?max=1&listener=a')
    expect(areWanted()).toEqual([true, false])
    await ask(sluice, 'a', '/200')
    expect(await tap.rest()).toHaveLength(1)
    expect(areWanted()).toEqual([false, false])
  })

  test('is let go when its client goes away', async () => {
    const sluice = await tapped()
    for (let i = 0; i < 3 * MAX_STREAMS; i++) {
      const tap = await Tap.open(sluice)
      expect(tap.response.statusCode).toBe(200)
      tap.response.destroy()
      // Its place is free once the endpoint has noticed.
      while ((await refused(sluice, '?max=0')).status !== 400);
    }
  })

  test('is one of so many', async () => {
    const sluice = await tapped()
    for (let i = 0; i < MAX_STREAMS; i++) await Tap.open(sluice)
    expect(await refused(sluice, '')).toEqual({
      status: 503,
      text: `${MAX_STREAMS} taps are open, which is as many as may be\n`,
    })
  })

  test.each([
    ['?status=5', 'status: expected one such as 404, or a class such as 5xx, got "5"\n'],
    ['?protocol=ssh', 'protocol: expected http/1, http/2 or grpc, got "ssh"\n'],
    ['?sample=0%25', 'sample: expected a percentage above 0, up to 100%, such as 10%, got "0%"\n'],
    ['?sample=101', 'sample: expected a percentage above 0, up to 100%, such as 10%, got "101"\n'],
    ['?max=-1', 'max: expected a whole number from 1 on, got "-1"\n'],
    ['?listener=c', 'listener: there is no "c" with http-metrics or http-route; there are a, b\n'],
    ['?status=200&status=404', 'status: given twice\n'],
    [
      '?colour=%1b',
      'there is no parameter "colour"; there are listener, protocol, status, method, path, sample, max\n',
    ],
  ])('refuses %s, and says what was expected', async (query, text) => {
    expect(await refused(await tapped(), query)).toEqual({ status: 400, text })
  })

  test('says so where nothing sees requests', async () => {
    expect(await refused(await tapped(['detect', 'tcp-forward']), '')).toEqual({
      status: 400,
      text: 'no listener has a filter that sees requests: http-metrics or http-route\n',
    })
  })

  test('ends whole when the endpoint closes', async () => {
    const sluice = await tapped()
    const tap = await Tap.open(sluice)
    await ask(sluice, 'a', '/200')
    await sluice.stop()
    expect(await tap.rest()).toHaveLength(1)
    expect(tap.response.complete).toBe(true)
  })

  test('drops what a slow reader does not take, and says how many', async () => {
    const sluice = await tapped()
    const reader = connect(sluice.adminAddress!.port, '127.0.0.1').on('error', () => {})
    onTestFinished(() => void reader.destroy())
    reader.write('GET /tap?listener=a HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(reader, 'readable')
    const total = 1500
    await flood(sluice, total)
    const told = { shown: 0, dropped: 0 }
    // Each line is a chunk of the answer of its own.
    for await (const line of createInterface({ input: reader })) {
      told.dropped += Number(/^\{"dropped":(\d+)\}$/.exec(line)?.[1] ?? 0)
      if (line.startsWith('{"listener":"a"')) told.shown++
      if (told.shown + told.dropped >= total) break
    }
    expect(told.dropped).toBeGreaterThan(0)
    expect(told.shown).toBeGreaterThan(0)
    expect(told.shown + told.dropped).toBe(total)
    expect(sluice.metric('request_total')).toBe(total)
  }, 60_000)

  test('shows a part of what matches', () => {
    const draws = [0.05, 0.5, 0.09, 0.1, 0.99]
    const heard: object[] = []
    const source = {
      config: { listeners: [{ name: 'a', filters: [{ definition: { name: 'http-metrics' } }] }] },
      on: (_event: string, receive: (record: RequestRecord) => void) => {
        for (let i = 0; i < 5; i++) receive({ target: String(i), status: i === 2 ? 404 : 200 } as RequestRecord)
        return () => {}
      },
    } as unknown as Parameters<typeof openTap>[0]
    const tap = openTap(source, new URLSearchParams({ sample: '10%' }), () => draws.shift()!)
    if (typeof tap === 'string') throw new Error(tap)
    tap.start({ write: (line) => heard.push(line) > 0, end: () => expect.unreachable() })
    expect(heard).toMatchObject([{ target: '0' }, { target: '2' }])
  })
})

/** Requests with long targets, on one connection. */
async function flood(sluice: Sluice, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const path = `/${'x'.repeat(12_000)}`
  for (let i = 0; i < count; i++) {
    const [response] = (await once(
      get({ port: sluice.address('a').port, host: '127.0.0.1', path, agent }),
      'response',
    )) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
  }
  agent.destroy()
}
