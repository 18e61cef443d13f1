import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Connection } from '../../src/core/connection.js'
import { defineFilter, type FilterDefinition, type Verdict } from '../../src/core/filter.js'
import { createSluice } from '../../src/sluice.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, startSluice, turns } from '../support/start-sluice.js'

function filter(
  name: string,
  parts: Partial<Pick<FilterDefinition, 'terminal' | 'denyReasons'>> & {
    readonly run: (connection: Connection) => unknown
  },
) {
  const { run, ...rest } = parts
  return defineFilter({
    name,
    options: z.strictObject({}),
    ...rest,
    create: () => ({ onConnection: run as (connection: Connection) => Verdict<never> }),
  })
}

const plugin = (...filters: FilterDefinition[]) => ({ plugins: [{ name: 'test', apiVersion: 1 as const, filters }] })

/** A chain of one filter that keeps the connection, before a server. */
async function startKept() {
  const server = await serve()
  const kept: Connection[] = []
  const keep = filter('keep', { terminal: true, run: (connection) => (kept.push(connection), 'handled') })
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, filters: ['keep'] }, plugin(keep))
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  while (kept.length === 0) await turns(1)
  return { server, sluice, closed, client, connection: kept[0]! }
}

describe('a connection that is closed', () => {
  test('dials no more', async () => {
    const { server, closed, client, connection, sluice } = await startKept()
    client.socket.resetAndDestroy()
    await closed
    await expect(connection.dial()).rejects.toMatchObject({ code: 'SLUICE_CONNECT_ABORTED' })
    connection.forward()
    await turns()
    expect(server.peers.length).toBe(0)
    expect(sluice.metric('tcp_open_connections')).toBe(0)
  })

  test('tells whoever asks late that it is closed', async () => {
    const { closed, client, connection } = await startKept()
    client.socket.resetAndDestroy()
    const summary = await closed
    const told: unknown[] = []
    connection.onClose((late) => told.push(late))
    expect(told).toEqual([summary])
  })

  test('leaves nobody waiting for bytes or for a wire', async () => {
    const { connection, sluice } = await startKept()
    const more = connection.peek('client').more()
    const dialled = startDialInto(connection)
    void sluice.stop()
    await expect(more).rejects.toMatchObject({ code: 'SLUICE_CONNECT_ABORTED' })
    await dialled
  })

  /** To an address of TEST-NET-1 (RFC 5737), which answers nobody. */
  async function startDialInto(connection: Connection): Promise<void> {
    await connection.dial().then(
      (wire) => wire.close(),
      (error: unknown) => expect(error).toMatchObject({ code: 'SLUICE_CONNECT_ABORTED' }),
    )
  }
})

test('a wire that was given up still ends its connection', async () => {
  const { closed, client, connection, sluice } = await startKept()
  const socket = connection.downstream.detach()
  socket.resume()
  client.socket.end()
  socket.end('bye')
  await client.ended()
  await closed
  expect(sluice.connections()).toEqual([])
  expect(sluice.metric('tcp_open_connections')).toBe(0)
})

describe('what is no verdict', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['another word', 'deny'],
    ['a promise of nothing', Promise.resolve(undefined)],
    ['a promise of null', Promise.resolve(null)],
    ['a denial without a reason', {}],
  ])('ends only that connection: %s', async (_name, verdict) => {
    const odd = filter('odd', { run: () => verdict })
    const sluice = await startListener({ filters: ['odd', 'echo'] }, plugin(odd))
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'error', error: 'SLUICE_FILTER_FAILED' })
  })

  test('is continue of the last filter', async () => {
    const last = filter('last', { terminal: true, run: () => 'continue' })
    const sluice = await startListener({ filters: ['last'] }, plugin(last))
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ reason: 'error' })
  })
})

test('a reason that a terminal filter gives later is a label only where it was declared', async () => {
  const late = filter('late', {
    terminal: true,
    denyReasons: ['known'],
    run: (connection) => (connection.deny(`user-${connection.id}`), 'handled'),
  })
  const sluice = await startListener({ filters: ['late'] }, plugin(late))
  const closed = sluice.nextClose()
  await connectTo(sluice.address().port)
  expect(await closed).toMatchObject({ denied: { filter: 'late', reason: 'user-1' } })
  expect(sluice.metric('sluice_deny_total', { filter: 'late', reason: 'other' })).toBe(1)
})

test('whoever listens to events cannot end a connection by throwing', async () => {
  const sluice = await startListener({ filters: ['detect', 'echo'] })
  const heard: string[] = []
  sluice.on('decided', () => {
    throw new Error('a bug in a listener')
  })
  sluice.on('closed', () => {
    throw new Error('another')
  })
  sluice.on('decided', () => heard.push('decided'))
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  client.send('SSH-2.0-x\r\n').socket.end()
  await client.ended()
  await closed
  expect(heard).toEqual(['decided'])
})

test('an observer that comes with the name hears of a side that had ended before', async () => {
  const seen: string[] = []
  const watch = filter('watch', {
    run(connection) {
      connection.observe({ onBytes: () => {}, onEnd: (side) => seen.push(side) }, { protocol: 'ssh' })
      return 'continue'
    },
  })
  const server = await serve()
  const sluice = await startListener(
    { destination: `127.0.0.1:${server.port}`, filters: ['watch', 'detect', 'tcp-forward'] },
    plugin(watch),
  )
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  client.socket.end()
  const upstream = await server.accepted()
  await upstream.ended()
  upstream.send('SSH-2.0-x\r\n').socket.end()
  await closed
  expect(seen).toEqual(['client', 'server'])
})

describe('start and stop', () => {
  test('stop() while start() runs leaves nothing behind', async () => {
    const sluice = createSluice({ listeners: [{ name: 'in', address: '127.0.0.1:0', filters: ['echo'] }] })
    const started = sluice.start()
    await sluice.stop()
    await started
    expect(sluice.isReady).toBe(false)
    await expect(sluice.start()).rejects.toMatchObject({ code: 'SLUICE_STATE' })
  })

  test('a filter that fails on the way out keeps nobody', async () => {
    const stopped: string[] = []
    const part = (name: string, fails: boolean): FilterDefinition =>
      defineFilter({
        name,
        options: z.strictObject({}),
        create: () => ({
          onConnection: (): 'continue' => 'continue',
          drain() {
            if (fails) throw new Error('drain failed')
          },
          stop() {
            stopped.push(name)
            if (fails) throw new Error('stop failed')
          },
        }),
      })
    const sluice = await startListener(
      { filters: ['one', 'two', 'echo'] },
      plugin(part('one', true), part('two', false)),
    )
    await sluice.stop({ grace: 10 })
    expect(stopped).toEqual(['one', 'two'])
  })

  test('a filter that cannot start stops those that have', async () => {
    const calls: string[] = []
    const part = (name: string, fails: boolean): FilterDefinition =>
      defineFilter({
        name,
        options: z.strictObject({}),
        create: () => ({
          onConnection: (): 'continue' => 'continue',
          start() {
            calls.push(`start ${name}`)
            if (fails) throw new Error('cannot start')
          },
          stop: () => void calls.push(`stop ${name}`),
        }),
      })
    await expect(
      startListener({ filters: ['one', 'two', 'echo'] }, plugin(part('one', false), part('two', true))),
    ).rejects.toMatchObject({ code: 'SLUICE_FILTER_FAILED', message: 'filter two could not start: cannot start' })
    expect(calls).toEqual(['start one', 'start two', 'stop one', 'stop two'])
  })

  test('a filter whose start or stop never settles is not waited for beyond its bound', async () => {
    const never = (hook: 'start' | 'stop'): FilterDefinition =>
      defineFilter({
        name: 'never',
        options: z.strictObject({}),
        create: () => ({ onConnection: (): 'continue' => 'continue', [hook]: () => new Promise<void>(() => {}) }),
      })
    const begin = (hook: 'start' | 'stop', clock: FakeClock) =>
      startListener({ filters: ['never', 'echo'] }, { clock, ...plugin(never(hook)) })

    const clock = new FakeClock()
    const starting = begin('start', clock)
    while (clock.pending.length === 0) await turns(1)
    expect(clock.pending).toEqual([30_000])
    clock.advance(30_000)
    await expect(starting).rejects.toMatchObject({
      code: 'SLUICE_FILTER_FAILED',
      message: 'filter never could not start: it has not settled within 30 s',
    })

    const stopping = (await begin('stop', clock)).stop()
    while (!clock.pending.includes(5_000)) await turns(1)
    clock.advance(5_000)
    await stopping
  })

  test('a drain waits until no listener has a connection, also one that came meanwhile', async () => {
    const clock = new FakeClock()
    const { CLOCK } = await import('../../src/core/tokens.js')
    const sluice = await startSluice(
      {
        listeners: [
          { name: 'in', address: '127.0.0.1:0', filters: ['echo'] },
          { name: 'out', address: '127.0.0.1:0', filters: ['echo'], drain: { closeWith: 'process' } },
        ],
      },
      { providers: [{ token: CLOCK, value: clock }] },
    )
    const inbound = await connectTo(sluice.address('in').port)
    inbound.send('x')
    await inbound.hears('x')
    const outPort = sluice.address('out').port
    const stopped = sluice.stop({ grace: 60_000 })
    const outbound = await connectTo(outPort)
    outbound.send('still dialling out')
    await outbound.hears('still dialling out')
    inbound.socket.end()
    await inbound.closed()
    outbound.send(', and going on')
    await outbound.hears('going on')
    outbound.socket.end()
    expect(await outbound.closed()).toBe('clean')
    await stopped
  })

  test('a very long grace is not taken for none', async () => {
    const sluice = await startListener({ filters: ['echo'] })
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
    const stopped = sluice.stop({ grace: Infinity })
    await turns(20)
    client.send('y')
    await client.hears('xy')
    client.socket.end()
    await stopped
  })
})

describe('early dials', () => {
  test('to an upstream that is full end with its own reason', async () => {
    const server = await serve()
    const sluice = await startSluice({
      upstreams: { db: { endpoints: [`127.0.0.1:${server.port}`], maxConnections: 1 } },
      listeners: [
        {
          name: 'in',
          address: '127.0.0.1:0',
          destination: 'db',
          filters: [{ detect: { onUnknown: 'deny' } }, 'tcp-forward'],
        },
      ],
    })
    await connectTo(sluice.address().port)
    await server.accepted()
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'tcp-forward', reason: 'upstream-full' } })
  })

  test('that are lost do not matter while the client can still choose', async () => {
    const [db, web] = [await serve((peer) => peer.socket.resetAndDestroy()), await serve()]
    const routes = [{ name: 'web', match: { protocol: 'http/1' }, destination: `127.0.0.1:${web.port}` }]
    const sluice = await startListener({
      destination: `127.0.0.1:${db.port}`,
      filters: ['detect', { 'tcp-forward': { routes } }],
    })
    const client = await connectTo(sluice.address().port)
    await db.accepted()
    await turns(10)
    client.send('GET / HTTP/1.1\r\n\r\n')
    await (await web.accepted()).hears('GET')
    expect(sluice.metric('sluice_early_dial_total', { outcome: 'failed' })).toBe(1)
  })
})

test('a port that names tls still lets names be allowed and routed', async () => {
  const server = await serve()
  const { clientHello } = await import('../support/client-hello.js')
  const filters = [
    { 'port-override': { ports: { [String(server.port)]: 'tls' } } },
    'detect',
    { 'tls-passthrough': { allow: ['a.test'] } },
    'tcp-forward',
  ]
  const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, filters })
  const hello = await clientHello({ servername: 'a.test' })
  const client = await connectTo(sluice.address().port)
  client.send(hello)
  await (await server.accepted()).hearsBytes(hello.length)
  expect(sluice.connections()[0]).toMatchObject({ protocol: 'tls', decidedBy: 'port', facts: { sni: 'a.test' } })
  const closed = sluice.nextClose()
  const other = await connectTo(sluice.address().port)
  other.send(await clientHello({ servername: 'b.test' }))
  expect(await other.closed()).toBe('ECONNRESET')
  expect(await closed).toMatchObject({ denied: { reason: 'sni-not-allowed' } })
})

test('what may be TLS and could not be told in time has no name that is allowed', async () => {
  const clock = new FakeClock()
  const server = await serve()
  const sluice = await startListener(
    {
      destination: `127.0.0.1:${server.port}`,
      filters: ['detect', { 'tls-passthrough': { allow: ['a.test'] } }, 'tcp-forward'],
    },
    { clock },
  )
  const closed = sluice.nextClose()
  const client = await connectTo(sluice.address().port)
  client.send('\x16')
  await turns(5)
  clock.advance(10_000)
  expect(await client.closed()).toBe('ECONNRESET')
  expect(await closed).toMatchObject({ outcome: 'timeout', denied: { filter: 'tls-passthrough', reason: 'no-sni' } })
})

test.each<[string, unknown[], string]>([
  ['allow without detect', [{ 'tls-passthrough': { allow: ['a.test'] } }, 'echo'], 'SLUICE_CONFIG_NEEDS_DETECT'],
  [
    'allow before detect',
    [{ 'tls-passthrough': { allow: ['a.test'] } }, 'detect', 'echo'],
    'SLUICE_CONFIG_NEEDS_DETECT',
  ],
  [
    'allow without tls',
    [{ detect: { protocols: ['ssh'] } }, { 'tls-passthrough': { allow: ['a.test'] } }, 'echo'],
    'SLUICE_CONFIG_NEEDS_DETECT',
  ],
  ['port-override behind detect', ['detect', 'port-override', 'echo'], 'SLUICE_CONFIG_FILTER_ORDER'],
  ['detect twice', ['detect', 'detect', 'echo'], 'SLUICE_CONFIG_FILTER_ORDER'],
])('a chain that cannot work is refused: %s', async (_name, filters, code) => {
  await expect(startListener({ filters })).rejects.toMatchObject({ findings: [expect.objectContaining({ code })] })
})

test('a window of which much is consumed keeps no more than it holds', async () => {
  let held = 0
  const eat = filter('eat', {
    async run(connection) {
      const window = connection.peek('client')
      while (!window.ended) {
        await window.more()
        held = Math.max(held, window.bytes.buffer.byteLength)
        window.consume(window.bytes.length)
      }
      return 'continue'
    },
  })
  const sluice = await startListener({ filters: ['eat', 'echo'] }, plugin(eat))
  const client = await connectTo(sluice.address().port)
  client.send(Buffer.alloc(20 << 20)).socket.end()
  await client.ended()
  expect(held).toBeLessThan(1 << 20)
})
