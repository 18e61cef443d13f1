import { expect, test } from 'vitest'
import { type AdminSource, pageAt } from '../../src/admin/admin-pages.js'
import type { ConnectionSnapshot } from '../../src/sluice.js'

const open: ConnectionSnapshot = {
  listener: 'in',
  connection: 7,
  source: '127.0.0.1:40000',
  facts: {},
  bytes: { client: 0, server: 0 },
  durationMs: 1.23456789,
}

const never = (): never => expect.unreachable('not asked for')

const step = { atMs: 0.10049, step: 'accept', verdict: '', note: '' }

const source: AdminSource = {
  isReady: true,
  get config() {
    return never()
  },
  get writtenConfig() {
    return never()
  },
  connections: never,
  liveTrace: (id) => (id === 7 ? { summary: open, steps: [step] } : undefined),
  closedTraces: never,
  learnedDestinations: never,
  renderMetrics: never,
}

test('shows an open connection with its trace so far, times to the microsecond', async () => {
  const page = await pageAt('/connections/7')!.render(source)
  expect(page.status).toBe(200)
  expect(JSON.parse(page.body)).toEqual({ state: 'open', ...open, durationMs: 1.235, trace: [{ ...step, atMs: 0.1 }] })
})
