import { describe, expect, expectTypeOf, test } from 'vitest'
import type { FilterInput, ListenerInput, Plugin, SluiceConfig } from 'sluice'

declare module 'sluice' {
  interface FilterOptionsMap {
    'merged-by-a-test': { readonly limit?: number }
  }
}

/** Compiles where the argument is a configuration; `tsc` is the test. */
function accept(...configs: readonly SluiceConfig[]): number {
  return configs.length
}

describe('the type of a configuration', () => {
  test('takes what the YAML takes, and plugins themselves', () => {
    const listener: ListenerInput = { address: '127.0.0.1:0', filters: ['echo'] }
    const upstreams = { web: { endpoints: ['127.0.0.1:1'], balance: 'random' as const } }
    const chained: ListenerInput = {
      address: [':8080'],
      limits: { peekWindow: '16KiB' },
      filters: [
        { detect: { timeout: '3s', onUnknown: 'deny' } },
        'http-metrics',
        { 'tls-passthrough': null },
        { 'tcp-forward': { routes: [{ match: { protocol: ['tls', 'ssh'] }, destination: 'web' }] } },
      ],
    }
    expect(accept({ listeners: [listener], plugins: ['acme', './mine.js'] }, { upstreams, listeners: [chained] })).toBe(
      2,
    )
    expectTypeOf<Plugin>().toExtend<NonNullable<SluiceConfig['plugins']>[number]>()
  })

  test('knows the options of built-in filters and of those that were merged in', () => {
    expectTypeOf<{ detect: { timeout: '3s' } }>().toExtend<FilterInput>()
    expectTypeOf<{ detect: { timeout: 3 } }>().not.toExtend<FilterInput>()
    expectTypeOf<{ detect: { onUnknown: 'refuse' } }>().not.toExtend<FilterInput>()
    expectTypeOf<{ detect: { timeout: '3s' }; 'http-metrics': null }>().not.toExtend<FilterInput>()
    expectTypeOf<{ 'merged-by-a-test': { limit: 1 } }>().toExtend<FilterInput>()
    expectTypeOf<{ 'merged-by-a-test': { limit: 'one' } }>().not.toExtend<FilterInput>()
    expectTypeOf<{ 'of-some-plugin': { any: 'options' } }>().toExtend<FilterInput>()
    expectTypeOf<'echo' | 'merged-by-a-test'>().toExtend<FilterInput>()
  })

  test('refuses options that are not there', () => {
    // @ts-expect-error -- a listener has an address
    accept({ listeners: [{ destination: '127.0.0.1:1' }] })
    // @ts-expect-error -- misspelt
    accept({ listeners: [], acessLog: true })
    // @ts-expect-error -- misspelt, in a filter
    accept({ listeners: [{ address: ':1', filters: [{ detect: { timout: '3s' } }] }] })
    // @ts-expect-error -- misspelt, a filter without options
    accept({ listeners: [{ address: ':1', filters: ['http-metric', 'echo'] }] })
    // @ts-expect-error -- a plugin that merges nothing into the map is written with options: { 'of-some-plugin': {} }
    accept({ listeners: [{ address: ':1', filters: ['of-some-plugin', 'echo'] }] })
  })
})
