import { describe, expect, test } from 'vitest'
import { matchesTemplate, parsePathTemplate, type PathTemplate } from '../../src/http/path-template.js'

const template = (text: string): PathTemplate => {
  const parsed = parsePathTemplate(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

describe('a path template', () => {
  test.each([
    ['/', ['/', '/?a=b'], ['', '*', '//', '/a', 'a:443', 'http://a/']],
    ['/orders', ['/orders', '/orders?id=/x'], ['/orders/', '/order', '/orderss', '/Orders', '/x/orders']],
    ['/orders/', ['/orders/'], ['/orders', '/orders//', '/orders/1']],
    [
      '/orders/{id}',
      ['/orders/1', '/orders/%2F', '/orders/1?x'],
      ['/orders/', '/orders', '/orders/1/', '/orders/1/2', '/orders/?x'],
    ],
    [
      '/orders/{id}/items',
      ['/orders/1/items'],
      ['/orders/1/item', '/orders//items', '/orders/1/2/items', '/orders/1/items/'],
    ],
    ['/{a}/{b}', ['/x/y'], ['/x', '/x/', '/x/y/z']],
    [
      '/static/{rest...}',
      ['/static/a', '/static/a/b/c', '/static/a/?x'],
      ['/static', '/static/', '/static/?x', '/statics/a'],
    ],
    ['/{rest...}', ['/a', '/a/b'], ['/', '*', '']],
  ])('%s', (text, matching, others) => {
    for (const path of matching) expect(matchesTemplate(template(text), path), path).toBe(true)
    for (const path of others) expect(matchesTemplate(template(text), path), path).toBe(false)
  })

  test.each(['', 'orders', '/{', '/{}', '/{id', '/x{id}', '/{a b}', '/{rest...}/more', '/{1}', '/a/{b}c'])(
    'is not %j',
    (text) => expect(parsePathTemplate(text)).toEqual(expect.any(String)),
  )
})
