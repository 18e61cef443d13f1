import { describe, expect, test } from 'vitest'
import { optionTests, optionTestsIn, testsCell } from '../../scripts/tested-options.mjs'
import { optionRows, subjectsOf } from '../../src/core/config/option-table.js'
import { registryOf } from '../../src/core/config/registry.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { pages, read } from './pages.js'

/** Tables whose every option has an end-to-end test. */
const TESTED = /^(?:filter http-route|upstreams\.NAME|dns)(?:[ .]|$)/

const registry = registryOf([builtIns])
const subjects = pages().flatMap((page) => subjectsOf(read(page)))
const tested = subjects.filter((subject) => TESTED.test(subject))
const tests = optionTests()

describe('the options of http-route, of upstreams and of dns', () => {
  test('are all there: what has options of its own has a table', () => {
    expect(tested.length).toBeGreaterThan(15)
    const missing = tested.flatMap((subject) =>
      optionRows(subject, registry)
        .filter((row) => row.hasOptions && !tableNames(subject, row.name).some((name) => subjects.includes(name)))
        .map(({ name }) => `${subject}: ${name}`),
    )
    expect(missing).toEqual([])
  })

  test.each(tested)('%s: each is exercised by an end-to-end test', (subject) => {
    const own = tests.filter((one) => one.subject === subject).flatMap(({ options }) => options)
    const leaves = optionRows(subject, registry).filter(({ hasOptions }) => !hasOptions)
    expect(leaves.map(({ name }) => name).filter((name) => !own.includes(name))).toEqual([])
  })
})

/** What the table of an option's own options is of: of `rules`, a list, of its first item. */
function tableNames(subject: string, option: string): string[] {
  const below = /^filter \S+$/.test(subject) ? `${subject} ${option}` : `${subject}.${option}`
  return [below, `${below}.0`]
}

describe('the end-to-end tests of options', () => {
  test('are of options that are there', () => {
    const unknown = tests.flatMap(({ subject, options, file }) => {
      const rows = subjects.includes(subject) ? optionRows(subject, registry).map(({ name }) => name) : []
      return options.filter((option) => !rows.includes(option)).map((option) => `${file}: ${subject}: ${option}`)
    })
    expect(unknown).toEqual([])
  })

  test('set the options that they are of', () => {
    const unset = tests.flatMap(({ subject, options, title, body }) => {
      const [, code = ''] = body.split(title)
      return options
        .filter((option) => !new RegExp(`\\b${option}\\b`).test(code))
        .map((option) => `${subject}: ${option}: ${title}`)
    })
    expect(unset).toEqual([])
  })
})

describe('a test', () => {
  const found = (text: string) => optionTestsIn('test/e2e/a.test.ts', text)

  test('says of which options it is, in its title and in that of its group', () => {
    const text = `describe('options of dns', () => { test('ndots, search: finds names', () => use({ ndots: 1 })) })
      describe('something else', () => { test('name: is of no option', () => {}) })`
    expect(found(text)).toEqual([
      {
        subject: 'dns',
        options: ['ndots', 'search'],
        title: 'finds names',
        file: 'test/e2e/a.test.ts',
        body: "test('ndots, search: finds names', () => use({ ndots: 1 }))",
      },
    ])
  })

  test('is found where it is one of a table, or needs programs', () => {
    const text = "describe.skipIf(none)(`options of dns${why}`, () => { test.each([1])('hold: of %s', () => {}) })"
    expect(found(text)).toMatchObject([{ subject: 'dns', options: ['hold'], title: 'of %s' }])
  })

  test('that says none in a group of options is refused', () => {
    expect(() => found("describe('options of dns', () => { test('works', () => {}) })")).toThrow('options of dns')
  })

  test('is linked to from the page', () => {
    const some = found("describe('options of dns', () => { test('hold: a | b', () => {}) })")
    const cell = testsCell(some, 'docs/reference/configuration.md')
    expect(cell('dns', 'hold')).toBe('[a \\| b](../../test/e2e/a.test.ts)')
    expect(cell('dns', 'ndots')).toBe('')
  })
})
