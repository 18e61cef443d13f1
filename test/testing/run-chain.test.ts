import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Connection } from '../../src/core/connection.js'
import { ConfigError } from '../../src/core/config-error.js'
import { defineFilter, type Verdict } from '../../src/core/filter.js'
import { token } from '../../src/core/tokens.js'
import { runChain } from '../../src/testing/run-chain.js'

const HELLO = 'GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n'
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

/** A filter that does what a test says. */
function filter(onConnection: (connection: Connection) => Verdict | Promise<Verdict>) {
  return defineFilter({
    name: 'mine',
    options: z.strictObject({ limit: z.int().default(3) }),
    denyReasons: ['unwanted'],
    create: () => ({ onConnection: onConnection as () => 'continue' }),
  })
}

test('carries both sides, and tells what each filter said', async () => {
  const run = await runChain({ filters: ['detect'], client: HELLO, server: 'HTTP/1.1 204 No Content\r\n\r\n' })
  expect(run.verdicts).toEqual([
    { filter: 'detect', verdict: 'continue' },
    { filter: 'tcp-forward', verdict: 'handled' },
  ])
  expect(text(run.relayed.client)).toBe(HELLO)
  expect(text(run.relayed.server)).toBe('HTTP/1.1 204 No Content\r\n\r\n')
  expect(run.summary).toMatchObject({
    protocol: 'http/1',
    decidedBy: 'client',
    reason: 'end',
    source: '192.0.2.1:50000',
  })
  expect(run).toMatchObject({ ending: 'end', denied: undefined, dialled: ['192.0.2.2:7000'] })
  expect(run.metric('tcp_open_connections')).toBe(0)
})

test('lets the server greet', async () => {
  const run = await runChain({ filters: ['detect'], server: ['220 mail.example ES', 'MTP ready\r\n'] })
  expect(run.summary).toMatchObject({ protocol: 'smtp', decidedBy: 'server' })
  expect(text(run.relayed.server)).toBe('220 mail.example ESMTP ready\r\n')
})

test('lets the server speak first where the client passes its turn', async () => {
  const run = await runChain({
    filters: ['detect'],
    client: ['', 'EHLO me\r\n', 'QUIT\r\n'],
    server: ['220 mail.example ESMTP ready\r\n', '250 mail.example\r\n', '221 bye\r\n'],
  })
  expect(run.summary).toMatchObject({ protocol: 'smtp', decidedBy: 'server', detection: { bytes: { client: 0 } } })
  expect(text(run.relayed.client)).toBe('EHLO me\r\nQUIT\r\n')
  expect(text(run.relayed.server)).toMatch(/^220 .*\r\n250 .*\r\n221 bye\r\n$/)
})

test('carries more than the wires hold', async () => {
  const body = 'x'.repeat(300_000)
  const run = await runChain({ filters: ['detect'], client: [body, body], server: body })
  expect([run.relayed.client.length, run.relayed.server.length]).toEqual([600_000, 300_000])
  expect(run.summary).toMatchObject({ reason: 'end', bytes: { client: 600_000, server: 300_000 } })
})

test('lets filters behind a given name work on the bytes', async () => {
  const run = await runChain({
    filters: ['detect', 'http-metrics'],
    detection: { protocol: 'http/1' },
    client: HELLO,
    server: 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n',
  })
  expect(run.metric('response_total', { status_code: '503' })).toBe(1)
})

test('gives a filter its options, its services and the name of the protocol', async () => {
  const STORE = token<{ readonly name: string }>('test/store')
  const seen: unknown[] = []
  const mine = defineFilter({
    name: 'mine',
    options: z.strictObject({ limit: z.int().default(3) }),
    inject: { store: STORE },
    create: ({ options, store }) => ({
      onConnection(connection) {
        seen.push(options, store, connection.detection?.protocol, connection.detection?.facts, connection.source)
        return 'continue'
      },
    }),
  })
  const run = await runChain({
    filters: [mine],
    options: { mine: { limit: 7 } },
    providers: [{ token: STORE, value: { name: 'replaced' } }],
    detection: { protocol: 'tls', facts: { sni: 'a.example' } },
    source: { host: '198.51.100.9', port: 9 },
  })
  expect(seen).toEqual([
    { limit: 7 },
    { name: 'replaced' },
    'tls',
    { sni: 'a.example' },
    { host: '198.51.100.9', port: 9 },
  ])
  expect(run.summary).toMatchObject({ protocol: 'tls', facts: { sni: 'a.example' } })
})

test('says who denied, why, and that the client was reset without a byte reaching the server', async () => {
  const run = await runChain({ filters: [filter(() => ({ deny: 'unwanted' }))], client: 'x', server: 'y' })
  expect(run.denied).toEqual({ filter: 'mine', reason: 'unwanted' })
  expect(run.verdicts).toEqual([{ filter: 'mine', verdict: 'deny: unwanted' }])
  expect(run).toMatchObject({ ending: 'reset', dialled: [] })
  expect(run.relayed.client.length + run.relayed.server.length).toBe(0)
  expect(run.metric('sluice_deny_total', { filter: 'mine', reason: 'unwanted' })).toBe(1)
})

test('shows a filter the bytes as they come', async () => {
  const windows: string[] = []
  const peeking = filter(async (connection): Promise<Verdict> => {
    const window = connection.peek('client')
    while (window.bytes.length < 6) {
      await window.more()
      windows.push(text(window.bytes))
    }
    window.consume(2)
    return 'continue'
  })
  const run = await runChain({ filters: [peeking], client: ['ab', 'cd', 'ef'] })
  expect(windows).toEqual(['ab', 'abcd', 'abcdef'])
  expect(text(run.relayed.client)).toBe('cdef')
})

describe('moves the clock only when told to', () => {
  const never = () => new Promise<Verdict>(() => {})

  test('a filter that never settles is denied once its bound has passed', async () => {
    const run = await runChain({ filters: [filter(never)], client: 'x', waitMs: 30_000 })
    expect(run.denied).toEqual({ filter: 'mine', reason: 'verdict-timeout' })
  })

  test('and is cut at the end of the run where it has not', async () => {
    const run = await runChain({ filters: [filter(never)], client: 'x' })
    expect(run).toMatchObject({ denied: undefined, ending: 'open', summary: { reason: 'stopped' } })
  })

  test('a silent client takes its route', async () => {
    const routes = [{ name: 'db', match: { clientSilent: '1s' }, destination: '192.0.2.9:3306' }]
    const filters = ['detect', { 'tcp-forward': { routes } }]
    const run = await runChain({ filters, destination: 'none', server: '220 hi', waitMs: 1_000 })
    expect(run.dialled).toEqual(['192.0.2.9:3306'])
    expect(run.summary.route).toBe('db')
    expect(text(run.relayed.server)).toBe('220 hi')
  })
})

test('counts a filter that throws, and resets its client', async () => {
  const throwing = filter(() => {
    throw new Error('a bug')
  })
  const run = await runChain({ filters: [throwing], client: 'x' })
  expect(run).toMatchObject({ ending: 'reset', summary: { reason: 'error', error: 'SLUICE_FILTER_FAILED' } })
})

test('resets the client of a server that refuses', async () => {
  const run = await runChain({ filters: ['detect'], client: HELLO, isRefused: true })
  expect(run).toMatchObject({ ending: 'reset', summary: { error: 'SLUICE_CONNECT_REFUSED' } })
})

test('needs no server where a filter answers itself', async () => {
  const run = await runChain({ filters: ['echo'], client: ['one', 'two'] })
  expect(text(run.relayed.server)).toBe('onetwo')
  expect(run.dialled).toEqual([])
})

test('takes sniffers of a plugin', async () => {
  const client = (window: Uint8Array) =>
    window[0] !== 0xf1 ? ('no-match' as const) : window.length < 2 ? ('need-more' as const) : ('match' as const)
  const plugin = {
    name: 'angle',
    apiVersion: 1,
    sniffers: [{ protocol: 'angle', maxBytes: 2, samples: { client: ['\xf1angle bracket'] }, client }],
  } as const
  const run = await runChain({ filters: ['detect'], plugins: [plugin], client: ['\xf1', 'a>'] })
  expect(run.summary).toMatchObject({ protocol: 'angle', decidedBy: 'client', detection: { bytes: { client: 3 } } })
})

test('rejects a chain that is none', async () => {
  await expect(runChain({ filters: ['detekt'] })).rejects.toThrow(ConfigError)
  await expect(runChain({ filters: [filter(() => 'continue')], options: { mine: { limit: 'x' } } })).rejects.toThrow(
    ConfigError,
  )
})

test('takes a destination by name as it is: nobody is asked for its address', async () => {
  const { dialled, relayed } = await runChain({ filters: [], destination: 'db.internal:4406', client: 'hello' })
  expect(dialled).toEqual(['db.internal:4406'])
  expect(Buffer.from(relayed.client).toString()).toBe('hello')
})
