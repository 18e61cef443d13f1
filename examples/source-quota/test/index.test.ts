import { runChain } from 'sluice/testing'
import { expect, test } from 'vitest'
import acme, { QUOTA_STORE, type QuotaStore } from '../src/index.js'

const run = (store: QuotaStore, settings: object = {}) =>
  runChain({
    plugins: [acme],
    filters: [{ 'acme-source-quota': settings }],
    providers: [{ token: QUOTA_STORE, value: store }],
    source: { host: '198.51.100.7', port: 51_000 },
    client: 'hello',
  })

test('denies a source that holds as many connections as it may', async () => {
  const full: QuotaStore = { take: () => false, release: () => expect.unreachable('nothing was taken') }
  const quota = await run(full)
  expect(quota.denied).toEqual({ filter: 'acme-source-quota', reason: 'over-quota' })
  expect(quota.ending).toBe('reset')
  expect(quota.relayed.client).toHaveLength(0)
  expect(quota.metric('sluice_deny_total', { filter: 'acme-source-quota', reason: 'over-quota' })).toBe(1)
})

test('takes one for each connection, and gives it back when that closes', async () => {
  const calls: unknown[] = []
  const roomy: QuotaStore = {
    take: (source, limit) => calls.push(['take', source, limit]) > 0,
    release: (source) => void calls.push(['release', source]),
  }
  const { verdicts, relayed } = await run(roomy, { perSource: 3 })
  expect(verdicts[0]).toEqual({ filter: 'acme-source-quota', verdict: 'continue' })
  expect(new TextDecoder().decode(relayed.client)).toBe('hello')
  expect(calls).toEqual([
    ['take', '198.51.100.7', 3],
    ['release', '198.51.100.7'],
  ])
})

test('does not count a source that is exempt', async () => {
  const untouched: QuotaStore = {
    take: () => expect.unreachable('it is exempt'),
    release: () => expect.unreachable('it is exempt'),
  }
  expect((await run(untouched, { exempt: ['198.51.100.7'] })).denied).toBeUndefined()
})

test('refuses a limit below one', async () => {
  const unused: QuotaStore = { take: () => true, release: () => {} }
  await expect(run(unused, { perSource: 0 })).rejects.toThrow('perSource')
})
