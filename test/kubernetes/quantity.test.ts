import { expect, test } from 'vitest'
import { amountOf, parseQuantity } from '../../src/kubernetes/quantity.js'

test.each([
  ['1', 1],
  ['100m', 0.1],
  ['0.5', 0.5],
  ['.5', 0.5],
  ['1.', 1],
  ['64Mi', 64 * 1024 ** 2],
  ['1Ki', 1024],
  ['1k', 1000],
  ['2G', 2e9],
  ['1e3', 1000],
  ['5E-1', 0.5],
  ['1E', 1e18],
  ['500u', 0.0005],
  ['7n', 7e-9],
])('%s is %d', (text, amount) => {
  expect(parseQuantity(text)).toBe(text)
  expect(amountOf(text)).toBeCloseTo(amount, 12)
})

test.each(['', '1 ', '-1', '64MB', '64mi', '1KI', 'Mi', '1e', 'lots', '1_000', '0x1'])('%j is none', (text) => {
  expect(() => parseQuantity(text)).toThrow(`got "${text}"`)
})
