import { expect, test } from 'vitest'
import { nearestName, suggest } from '../../../src/core/config/nearest-name.js'

const FILTERS = ['port-override', 'detect', 'tls-passthrough', 'http-metrics', 'tcp-forward', 'echo']

test.each([
  ['tls-passthru', 'tls-passthrough'],
  ['dtect', 'detect'],
  ['detcet', 'detect'],
  ['Echo', 'echo'],
  ['ehco', 'echo'],
  ['rate-limit', undefined],
  ['', undefined],
])('nearest to %j is %j', (name, nearest) => {
  expect(nearestName(name, FILTERS)).toBe(nearest)
})

test('a swap of neighbours is one edit, so that "wbe" is "web" and not "we"', () => {
  expect(nearestName('wbe', ['abc', 'web'])).toBe('web')
})

test('of names equally near the first wins', () => {
  expect(nearestName('aa', ['ab', 'ac'])).toBe('ab')
})

test('a suggestion is a question, or nothing', () => {
  expect(suggest('wbe', ['web'])).toBe('Did you mean "web"?')
  expect(suggest('database', ['web'])).toBe('')
})
