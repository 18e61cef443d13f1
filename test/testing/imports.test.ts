import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { expect, test } from 'vitest'
import * as kit from '../../src/testing/index.js'

const folder = new URL('../../src/testing/', import.meta.url)
const files = readdirSync(folder)

function read(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8')
}

test.each(files)('%s imports no test runner, and nothing else that a user would have to install', (file) => {
  const specifiers = [...read(file).matchAll(/(?:from |import\()'([^']+)'/g)].map(([, specifier = '']) => specifier)
  const foreign = specifiers.filter(
    (each) => !each.startsWith('.') && !builtinModules.includes(each.replace('node:', '')),
  )
  expect(foreign).toEqual([])
})

test('only index.ts exports what others define', () => {
  const exporting = files.filter((file) => /^export (type )?(\{[^}]*\}|\*) from /m.test(read(file)))
  expect(exporting).toEqual(['index.ts'])
})

test('has what the guide lists', () => {
  const guide = readFileSync(new URL('../../docs/guide/use-in-tests.md', import.meta.url), 'utf8')
  const table = guide.slice(guide.indexOf('| export'))
  for (const name of Object.keys(kit).filter((each) => each !== 'WIRE_CAPACITY_BYTES'))
    expect(table).toContain(`\`${name}\``)
})
