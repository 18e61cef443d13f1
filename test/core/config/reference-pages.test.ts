import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CONFIG_CODES } from '../../../src/core/config/config-codes.js'
import { loadConfig } from '../../../src/core/config/load-config.js'
import { fillOptionTables } from '../../../src/core/config/option-table.js'
import { registryOf } from '../../../src/core/config/registry.js'
import { ERROR_CODES } from '../../../src/core/errors.js'
import { optionTests, testsCell } from '../../../scripts/tested-options.mjs'
import { builtIns } from '../../../src/plugins/built-ins.js'
import { PLUGIN_CODES } from '../../../src/plugins/plugin-problem.js'

const root = new URL('../../../', import.meta.url)
const registry = registryOf([builtIns])
const tests = optionTests()

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

function filesIn(folder: string, extension: string): string[] {
  const names = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith(extension)).map((name) => `${folder}${name}`)
}

describe('the reference pages', () => {
  test.each(filesIn('docs/reference/', '.md'))(
    '%s has the tables of today: scripts/write-docs.mjs writes them anew',
    (page) => {
      expect(fillOptionTables(read(page), registry, testsCell(tests, page))).toBe(read(page))
    },
  )

  test('configuration.md has a row for every option', () => {
    const page = read('docs/reference/configuration.md')
    for (const option of ['closedTraces', 'allowedHosts', 'grace', 'balance', 'peekWindow', 'keepAlive', 'closeWith']) {
      expect(page).toContain(`\n| \`${option}\` | `)
    }
  })

  test('the examples of configuration.md are valid', () => {
    const examples = [...read('docs/reference/configuration.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, yaml]) => yaml!,
    )
    expect(examples.length).toBe(2)
    for (const yaml of examples) expect(loadConfig(yaml, registry, { environment: {} }).findings).toEqual([])
  })

  test('a page that names options of nothing is refused', () => {
    expect(() => fillOptionTables('<!-- options of filter none -->\n<!-- end of options -->', registry)).toThrow(
      'no options of filter none',
    )
  })
})

describe('errors.md', () => {
  const page = read('docs/reference/errors.md')
  const rows = [...page.matchAll(/^\| `(SLUICE_[A-Z_]+)` *\| (.+?) *\| (.+?) *\|$/gm)].map(([, code]) => code!)
  const inSource = filesIn('src/', '.ts').flatMap((file) =>
    [...read(file).matchAll(/'(SLUICE_CONFIG_[A-Z_]+)'/g)].map(([, code]) => code!),
  )
  const codes = [...new Set([...Object.keys(ERROR_CODES), ...CONFIG_CODES, ...PLUGIN_CODES, ...inSource])]

  test.each(codes)('has a row for %s', (code) => {
    expect(rows.filter((row) => row === code)).toHaveLength(1)
  })

  test('has no row for a code that is not there', () => {
    expect(rows.filter((row) => !codes.includes(row))).toEqual([])
  })
})
