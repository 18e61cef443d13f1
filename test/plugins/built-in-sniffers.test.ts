import { expect, test } from 'vitest'
import type { Side } from '../../src/core/side.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { checkSniffers } from '../../src/testing/check-sniffers.js'
import { hasOrder } from '../../src/testing/has-order.js'
import { latin1 } from './describe-sniffer.js'

const SIDES: readonly Side[] = ['client', 'server']
const protocols = builtInSniffers.map(({ protocol }) => protocol)

test('has one sniffer a protocol', () => {
  expect([...new Set(protocols)]).toEqual(protocols)
})

test('keeps the laws as a set', () => {
  expect(checkSniffers(builtInSniffers, { seed: 2 }).map(({ message }) => message)).toEqual([])
})

test.each(builtInSniffers)('recognises each sample of $protocol, and nobody else does without an order', (sniffer) => {
  for (const side of SIDES) {
    for (const sample of sniffer.samples[side] ?? []) {
      const verdicts = builtInSniffers.filter((each) => {
        const verdict = each[side]?.(latin1(sample)) ?? 'no-match'
        return verdict !== 'no-match' && !hasOrder(each, sniffer)
      })
      expect(verdicts.map(({ protocol }) => protocol)).toEqual([sniffer.protocol])
    }
  }
})
