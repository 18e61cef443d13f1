import 'reflect-metadata'
import { inject } from 'tsyringe'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineFilter, type Filter } from '../../src/core/filter.js'
import { OPTIONS, token } from '../../src/core/tokens.js'
import { connectTo } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'

interface Store {
  take(source: string): boolean
}
const STORE = token<Store>('test/store')
const options = z.strictObject({ limit: z.int().default(1) })

let made = 0

class Gate implements Filter<'full'> {
  readonly #limit: number
  readonly #store: Store

  constructor(@inject(OPTIONS) { limit }: z.output<typeof options>, @inject(STORE) store: Store) {
    made++
    this.#limit = limit
    this.#store = store
  }

  onConnection(): 'continue' | { deny: 'full' } {
    return this.#limit > 0 && this.#store.take('x') ? 'continue' : { deny: 'full' }
  }
}

const byClass = defineFilter({ name: 'gate', options, denyReasons: ['full'], use: Gate })
const byFactory = defineFilter({
  name: 'gate',
  options,
  denyReasons: ['full'],
  inject: { store: STORE },
  create: ({ options: { limit }, store }) => ({
    onConnection: () => (limit > 0 && store.take('x') ? 'continue' : { deny: 'full' }),
  }),
})

describe.each([
  ['a class with @inject', byClass],
  ['inject and create', byFactory],
])('a filter by %s', (_how, definition) => {
  const plugin = (takes: boolean) => ({
    name: 'test',
    apiVersion: 1 as const,
    filters: [definition],
    providers: [{ token: STORE, create: () => ({ take: () => takes }) }],
  })

  test('gets its options and the services of its plugin', async () => {
    const sluice = await startListener({ filters: ['gate', 'echo'] }, { plugins: [plugin(true)] })
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
  })

  test('gets the service that an embedder puts in its place', async () => {
    const sluice = await startListener(
      { filters: ['gate', 'echo'] },
      { plugins: [plugin(true)], providers: [{ token: STORE, value: { take: () => false } }] },
    )
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ denied: { filter: 'gate', reason: 'full' } })
  })
})

test('filters are made once at start-up, not for each connection', async () => {
  made = 0
  const sluice = await startListener(
    { filters: ['gate', 'echo'] },
    {
      plugins: [
        { name: 'test', apiVersion: 1, filters: [byClass], providers: [{ token: STORE, value: { take: () => true } }] },
      ],
    },
  )
  for (let i = 0; i < 3; i++) {
    const client = await connectTo(sluice.address().port)
    client.send('x')
    await client.hears('x')
  }
  expect(made).toBe(1)
})

test('tokens of one name are the same service, also across copies of this package', () => {
  expect(token('acme/store')).toBe(token('acme/store'))
  expect(token('acme/store')).not.toBe(token('acme/other'))
})
