import { expect, test } from 'vitest'
import type { FilterInput } from '../../src/core/filter-options.js'
import { startSluice } from '../support/start-sluice.js'
import plugin from './typed-filter.js'

const listener = (filters: readonly FilterInput[]) =>
  startSluice({ plugins: [plugin], listeners: [{ address: '127.0.0.1:0', filters }] })

test('the filter of the page that tells its options is known by its name alone, and so are its options', async () => {
  expect((await listener(['acme-note', 'echo'])).isReady).toBe(true)
  expect((await listener([{ 'acme-note': { text: 'here' } }, 'echo'])).isReady).toBe(true)
  // @ts-expect-error -- misspelt
  await expect(listener(['acme-notes', 'echo'])).rejects.toThrow('acme-notes')
  // @ts-expect-error -- misspelt
  await expect(listener([{ 'acme-note': { txet: 'here' } }, 'echo'])).rejects.toThrow('txet')
})
