import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { injectManifest } from '../../src/kubernetes/inject-manifest.js'
import { Manifest } from '../../src/kubernetes/manifest.js'
import { uninjectManifest } from '../../src/kubernetes/uninject-manifest.js'
import { lineDiff } from '../support/line-diff.js'
import { randomManifest } from './random-manifest.js'
import { testContext } from './test-context.js'

const port = (number: number) => ({ from: number, to: number })
const flags = fc.constantFrom({}, { nativeSidecar: true }, { opaquePorts: [port(4222)] }, { proxyAwait: false })
/** On a busy machine a run takes a tenth of a second. */
const LIMIT_MS = 120_000
const RUNS = { numRuns: 100 }

describe('a manifest that is laid out at random', { timeout: LIMIT_MS }, () => {
  test.each(['block', 'mixed'] as const)('is injected, stays so, and comes back to the byte (%s)', (style) => {
    fc.assert(
      fc.property(fc.integer(), flags, (seed, settings) => {
        const { text } = randomManifest(seed, style)
        const { text: injected, results } = injectManifest(text, testContext(settings))
        const kinds = results.filter(({ skipped }) => skipped === undefined).map(({ kind }) => kind)
        expect(kinds).toEqual(results.map(({ kind }) => kind).filter((kind) => kind !== 'Service'))
        expect(injectManifest(injected, testContext(settings)).text).toBe(injected)
        expect(uninjectManifest(injected).text).toBe(text)
      }),
      RUNS,
    )
  })

  test('gets lines only, where no collection is in brackets', () => {
    fc.assert(
      fc.property(fc.integer(), flags, (seed, settings) => {
        const { text } = randomManifest(seed, 'block')
        expect(lineDiff(text, injectManifest(text, testContext(settings)).text).removed).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  test('says the same as before but for the sidecar', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { text } = randomManifest(seed, 'mixed')
        const { text: injected } = injectManifest(text, testContext())
        const before = new Manifest(text).documents.map(({ data }) => JSON.stringify(data))
        const after = new Manifest(injected).documents.map(({ data }) => JSON.stringify(data, withoutSidecar))
        expect(after.map(inOrder)).toEqual(before.map(inOrder))
      }),
      RUNS,
    )
  })
})

/** Takes out what is ours by its names alone, not as `uninjectManifest` does. */
function withoutSidecar(key: string, value: unknown): unknown {
  if (Array.isArray(value)) {
    const rest = value.filter((item: { name?: string } | null) => !item?.name?.startsWith('sluice-'))
    return rest.length === 0 && value.length > 0 ? undefined : rest
  }
  if (key !== 'annotations') return value
  const rest = Object.entries(value as object).filter(
    ([name]) => !/^(sluice\.dev|kubectl\.kubernetes\.io)\//.test(name),
  )
  return rest.length > 0 ? Object.fromEntries(rest) : undefined
}

function inOrder(json: string): unknown {
  return JSON.parse(json)
}
