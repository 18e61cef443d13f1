import { expect, test, vi } from 'vitest'
import type { SnifferPlan } from '../../src/core/detection.js'
import type { Side } from '../../src/core/side.js'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { checkSniffers } from '../../src/testing/check-sniffers.js'

// Live detection with a fault planted in it: the first yes names the connection, also where an earlier sniffer still wants more.
vi.mock(import('../../src/core/detection.js'), async (original) => {
  const real = await original()
  class HastyDetection extends real.Detection {
    readonly #plan: SnifferPlan
    #overtaken: string | undefined
    constructor(plan: SnifferPlan) {
      super(plan)
      this.#plan = plan
    }
    override look(side: Side, window: Uint8Array): boolean {
      const isYes = (sniffer: Sniffer) => !['need-more', 'no-match'].includes(sniffer[side]?.(window) as string)
      this.#overtaken ??= this.#plan.sniffers.find(isYes)?.protocol
      return super.look(side, window)
    }
    override get protocol(): string | undefined {
      return this.#overtaken ?? super.protocol
    }
  }
  return { ...real, Detection: HastyDetection }
})

function startsWith(protocol: string, prefix: string, before: readonly string[]): Sniffer {
  const expected = Buffer.from(prefix, 'latin1')
  const client = (window: Uint8Array): Sniff => {
    const seen = Math.min(window.length, expected.length)
    if (expected.compare(window, 0, seen, 0, seen) !== 0) return 'no-match'
    return window.length < expected.length ? 'need-more' : 'match'
  }
  return { protocol, maxBytes: expected.length, before, samples: { client: [`${prefix}\r\n`] }, client }
}

test('the law of the set tests the detection that runs: one in which a later match overtakes is caught', () => {
  const long = startsWith('long', 'HELLO WORLD', ['short'])
  const short = startsWith('short', 'HELLO', [])
  const [found, ...more] = checkSniffers([long, short])
  expect(more).toEqual([])
  expect(found).toMatchObject({
    law: 'segmentation-free',
    expected: 'long',
    actual: 'short',
    prefixLength: 13,
    seed: 1,
  })
  expect(found!.message).toContain(Buffer.from('HELLO WORLD\r\n').toString('hex'))
})
