import { describe, expect, test } from 'vitest'
import { orderSniffers } from '../../src/core/order-sniffers.js'
import type { Sniffer } from '../../src/core/sniffer.js'

/** `a`, or `a<b,c`: before b and c. */
function sniffers(text: string): Sniffer[] {
  return text.split(' ').map((item) => {
    const [protocol = '', before] = item.split('<')
    return { protocol, maxBytes: 1, samples: {}, ...(before !== undefined && { before: before.split(',') }) }
  })
}

const names = (list: readonly Sniffer[] | undefined) => list?.map(({ protocol }) => protocol).join(' ')

describe('the order of sniffers', () => {
  test.each([
    ['a b c', 'a b c'],
    ['a b c<a', 'b c a'],
    ['a b c<b', 'a c b'],
    ['a b<a c<b', 'c b a'],
    ['a b c<a,b d', 'c a b d'],
    ['a b<unknown', 'a b'],
  ])('of %s is %s', (given, expected) => {
    expect(names(orderSniffers(sniffers(given)).ordered)).toBe(expected)
  })

  test.each([
    ['a<a', 'a'],
    ['a<b b<a', 'b a'],
    ['x a<b b<c c<a y', 'b c a'],
    ['x<a a<b b<a', 'b a'],
  ])('of %s is none: the circle is %s', (given, expected) => {
    const { ordered, circle } = orderSniffers(sniffers(given))
    expect(ordered).toBeUndefined()
    expect(names(circle)).toBe(expected)
  })
})
