import { expect, test } from 'vitest'
import { substitute } from '../../../src/core/config/environment.js'

const ENVIRONMENT = { HOST: 'db', PORT: '80', EMPTY: '', TRICKY: '${HOST}$$' }

test.each([
  ['plain', 'plain', 'plain'],
  ['${HOST}:${PORT}', 'db:80', '***:***'],
  ['${HOST}:443', 'db:443', '***:443'],
  ['${NONE:-x}', 'x', 'x'],
  ['${EMPTY:-x}', 'x', 'x'],
  ['${NONE:-}', '', ''],
  ['${EMPTY}', '', '***'],
  ['$$', '$', '$'],
  ['$${HOST}', '${HOST}', '${HOST}'],
  ['$$$${HOST}', '$${HOST}', '$${HOST}'],
  ['$HOST costs 5$', '$HOST costs 5$', '$HOST costs 5$'],
  ['${TRICKY}', '${HOST}$$', '***'],
  ['${NONE:-[::1]:80}', '[::1]:80', '[::1]:80'],
])('%s becomes %s, shown as %s', (text, value, masked) => {
  expect(substitute(text, ENVIRONMENT)).toMatchObject({ text: value, masked, unset: [], malformed: undefined })
})

test('names what is not set', () => {
  expect(substitute('${A}${HOST}${B}', ENVIRONMENT)).toMatchObject({ unset: ['A', 'B'], from: ['HOST'] })
})

test.each(['${', '${}', '${1A}', '${HOST', '${HOST:=x}', '${ HOST }'])('%s is malformed', (text) => {
  expect(substitute(text, ENVIRONMENT).malformed).toBe(text)
})

test.each([
  ['${HOST}', true],
  ['${HOST:-x}', true],
  ['${HOST} ', false],
  ['${HOST}${PORT}', false],
  ['$$', false],
])('%s is one reference and nothing else: %s', (text, isWhole) => {
  expect(substitute(text, ENVIRONMENT).isWhole).toBe(isWhole)
})
