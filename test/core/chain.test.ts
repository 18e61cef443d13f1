import { createHook } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Connection } from '../../src/core/connection.js'
import { defineFilter, type FilterDefinition, type Verdict } from '../../src/core/filter.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, turns } from '../support/start-sluice.js'

const none = z.strictObject({})

function filter(
  name: string,
  onConnection: (connection: Connection) => Verdict<'no'> | Promise<Verdict<'no'>>,
): FilterDefinition {
  return defineFilter({ name, options: none, denyReasons: ['no'], create: () => ({ onConnection }) })
}

/** Starts `first`, then the filters named, then echo. */
async function start(first: FilterDefinition, clock = new FakeClock(), after: FilterDefinition[] = []) {
  const plugins = [{ name: 'test', apiVersion: 1 as const, filters: [first, ...after] }]
  const filters = [first.name, ...after.map(({ name }) => name), 'echo']
  const sluice = await startListener({ filters, timeouts: { verdict: '3s' } }, { clock, plugins })
  return { sluice, clock, closed: sluice.nextClose() }
}

const unreachable = filter('unreachable', () => {
  throw new Error('a filter behind one that decided was run')
})

describe('the chain driver', () => {
  test('runs the filters in their order', async () => {
    const order: string[] = []
    const note = (name: string) => filter(name, () => (order.push(name), 'continue'))
    const { sluice } = await start(note('one'), undefined, [note('two'), note('three')])
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
    expect(order).toEqual(['one', 'two', 'three'])
  })

  test('creates no promise for filters that answer at once', async () => {
    const seen: string[] = []
    let isWatching = false
    let promises = 0
    const hook = createHook({ init: (_id, type) => void (isWatching && type === 'PROMISE' && promises++) }).enable()
    const begin = filter('begin', () => ((isWatching = true), 'continue'))
    const middle = filter('middle', () => (seen.push('middle'), 'continue'))
    const end = filter('end', () => ((isWatching = false), 'continue'))
    const { sluice } = await start(begin, undefined, [middle, end])
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
    hook.disable()
    expect(seen).toEqual(['middle'])
    expect(promises).toBe(0)
  })

  test('counts promises at all, so that none is a finding', async () => {
    let isWatching = false
    let promises = 0
    const hook = createHook({ init: (_id, type) => void (isWatching && type === 'PROMISE' && promises++) }).enable()
    const begin = filter('begin', () => ((isWatching = true), 'continue'))
    const middle = filter('middle', () => Promise.resolve<Verdict<'no'>>('continue'))
    const end = filter('end', () => ((isWatching = false), 'continue'))
    const { sluice } = await start(begin, undefined, [middle, end])
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
    hook.disable()
    expect(promises).toBeGreaterThan(0)
  })

  test('resets a connection that a filter denies, and names filter and reason', async () => {
    const { sluice, closed } = await start(
      filter('gate', () => ({ deny: 'no' })),
      undefined,
      [unreachable],
    )
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({
      reason: 'denied',
      denied: { filter: 'gate', reason: 'no' },
      closedBy: 'proxy',
    })
    expect(sluice.metric('sluice_deny_total', { filter: 'gate', reason: 'no' })).toBe(1)
  })

  test('counts a reason that was not declared as other', async () => {
    const { sluice, closed } = await start(filter('gate', () => ({ deny: `made up ${Math.random()}` }) as never))
    await connectTo(sluice.address().port)
    await closed
    expect(sluice.metric('sluice_deny_total', { filter: 'gate', reason: 'other' })).toBe(1)
  })

  test('ends only the connection on which a filter throws', async () => {
    let count = 0
    const { sluice, closed } = await start(
      filter('flaky', () => {
        if (count++ === 0) throw new Error('a bug')
        return 'continue'
      }),
    )
    const one = await connectTo(sluice.address().port)
    expect(await one.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'error', error: 'SLUICE_FILTER_FAILED' })
    const two = await connectTo(sluice.address().port)
    two.send('fine')
    await two.hears('fine')
    expect(sluice.metric('sluice_filter_errors_total', { filter: 'flaky' })).toBe(1)
  })

  test('ends the connection on which a filter rejects', async () => {
    const { sluice, closed } = await start(
      filter('flaky', () => Promise.reject(new Error('a bug'))),
      undefined,
      [unreachable],
    )
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ reason: 'error' })
    expect(sluice.metric('sluice_filter_errors_total', { filter: 'flaky' })).toBe(1)
  })

  test.each([
    ['throws', () => { throw new Error('then threw') }], // prettier-ignore
    ['rejects with what has no text', (_: unknown, reject: (reason: unknown) => void) => reject(Object.create(null))],
  ])('ends the connection on which what a filter gives for a promise %s, and no other', async (_what, then) => {
    let isFirst = true
    // Only the first connection gets it.
    const odd = filter('odd', () => {
      if (!isFirst) return 'continue'
      isFirst = false
      return { then } as unknown as Promise<Verdict<'no'>>
    })
    const { sluice, closed } = await start(odd)
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'error' })
    expect(sluice.metric('sluice_filter_errors_total', { filter: 'odd' })).toBe(1)
    const next = await connectTo(sluice.address().port)
    next.send('x')
    await next.hears('x')
  })

  test('denies a connection whose filter does not settle within its bound', async () => {
    const { sluice, clock, closed } = await start(
      filter('slow', () => new Promise<Verdict<'no'>>(() => {})),
      undefined,
      [unreachable],
    )
    const client = await connectTo(sluice.address().port)
    await turns(3)
    clock.advance(3_000)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'slow', reason: 'verdict-timeout' } })
  })

  test('drops the verdict of a filter whose client has gone', async () => {
    let settle: (verdict: Verdict<'no'>) => void = () => {}
    const pending = new Promise<Verdict<'no'>>((resolve) => (settle = resolve))
    const { sluice, closed } = await start(
      filter('slow', () => pending),
      undefined,
      [unreachable],
    )
    const client = await connectTo(sluice.address().port)
    await turns(3)
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ reason: 'reset', closedBy: 'client' })
    settle({ deny: 'no' })
    await turns(3)
    expect(sluice.metric('sluice_deny_total')).toBe(0)
  })

  test('lets a filter look at bytes and take some out before the rest goes on', async () => {
    const strip = filter('strip', async (connection): Promise<Verdict<'no'>> => {
      const window = connection.peek('client')
      while (window.bytes.length < 6 && !window.ended) await window.more()
      window.consume(6)
      return 'continue'
    })
    const { sluice } = await start(strip)
    const client = await connectTo(sluice.address().port)
    for (const letter of 'PREFIXbody') {
      client.send(letter)
      await turns(2)
    }
    expect(await client.hears('body')).toBe('body')
  })

  test('gives typed facts from one filter to the next, and calls onClose once', async () => {
    const key = { name: 'tenant' } as { name: string; holds?: string }
    const seen: unknown[] = []
    const give = filter('give', (connection) => {
      connection.set(key as never, 'acme' as never)
      connection.onClose((summary) => seen.push(summary.reason))
      return 'continue'
    })
    const take = filter('take', (connection) => (seen.push(connection.get(key as never)), 'continue'))
    const { sluice, closed } = await start(give, undefined, [take])
    const client = await connectTo(sluice.address().port)
    client.socket.end()
    await closed
    await turns(2)
    expect(seen).toEqual(['acme', 'end'])
  })

  test('aborts the signal when the connection closes', async () => {
    const signals: AbortSignal[] = []
    const { sluice, closed } = await start(
      filter('keep', (connection) => (signals.push(connection.signal), 'continue')),
    )
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
    expect(signals[0]?.aborted).toBe(false)
    client.socket.resetAndDestroy()
    await closed
    expect(signals[0]?.aborted).toBe(true)
  })
})

describe('observers', () => {
  test('see what is relayed from the first byte on, in order, and are dropped when they throw', async () => {
    const seen: string[] = []
    const watch = filter('watch', (connection) => {
      connection.observe({
        onBytes: (side, chunk) => void seen.push(`${side} ${Buffer.from(chunk).toString()}`),
        onClose: () => seen.push('close'),
      })
      connection.observe({
        onBytes: () => {
          throw new Error('a bug in an observer')
        },
      })
      return 'continue'
    })
    const plugins = [{ name: 'test', apiVersion: 1 as const, filters: [watch] }]
    const server = await serve((peer) => peer.send('hello '))
    const sluice = await startListener(
      { destination: `127.0.0.1:${server.port}`, filters: ['watch', 'tcp-forward'] },
      { plugins },
    )
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    await client.hears('hello ')
    client.send('thanks').socket.end()
    const upstream = await server.accepted()
    await upstream.hears('thanks')
    upstream.socket.end()
    await closed
    expect(seen).toEqual(['server hello ', 'client thanks', 'close'])
    expect(sluice.metric('sluice_observer_dropped_total')).toBe(1)
  })

  test('skip what they ask to skip and are called once when it has passed', async () => {
    const seen: string[] = []
    const watch = filter('watch', (connection) => {
      connection.observe({
        onBytes(side, chunk, watching) {
          seen.push(Buffer.from(chunk).toString())
          if (seen.length === 1) watching.skip(side, 5)
          if (seen.length === 4) watching.done()
        },
      })
      return 'continue'
    })
    const { sluice } = await start(watch)
    const client = await connectTo(sluice.address().port)
    for (const [sent, heard] of [
      ['a', 'a'],
      ['bbb', 'abbb'],
      ['bbcc', 'abbbbbcc'],
      ['d', 'ccd'],
      ['e', 'de'],
    ] as const) {
      client.send(sent)
      await client.hears(heard)
    }
    expect(seen).toEqual(['a', '', 'cc', 'd'])
  })
})
