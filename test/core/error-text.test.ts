import { expect, test } from 'vitest'
import { errorText } from '../../src/core/error-text.js'

test.each([
  [new Error('two\n  lines\t\u001b[31mred'), 'two lines?[31mred'],
  ['text', 'text'],
  [null, 'null'],
  [undefined, 'undefined'],
  [Symbol('mark'), 'Symbol(mark)'],
  [Object.create(null), 'a value that has no text'],
  [
    {
      toString: () => {
        throw new Error('never')
      },
    },
    'a value that has no text',
  ],
])('of what is thrown there is a line that steers no terminal: %#', (thrown, expected) => {
  expect(errorText(thrown)).toBe(expected)
})
