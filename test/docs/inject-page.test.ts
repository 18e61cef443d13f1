import { describe, expect, test } from 'vitest'
import { defaultSettings, SETTINGS } from '../../src/kubernetes/injection-settings.js'
import * as names from '../../src/kubernetes/names.js'
import { read } from './pages.js'

const PAGE = read('docs/reference/inject.md')
const rows = [...PAGE.matchAll(/^\| `(?:-\w, )?--([\w-]+)[^`]*` *\| (.*?) *\| (.*?) *\|$/gm)]
const defaults = defaultSettings('VERSION')
/** What is no setting of a workload. */
const FLAGS_ONLY = ['registry', 'config', 'output']

describe('the table of flags', () => {
  test('has every flag, and no other', () => {
    const flags = SETTINGS.map(({ name, key }) => (name === 'proxyAwait' ? `no-${key}` : key))
    expect(rows.map(([, flag]) => flag).toSorted()).toEqual([...flags, ...FLAGS_ONLY].toSorted())
  })

  test.each(SETTINGS.filter(({ argument }) => argument !== undefined))('has the default of $key', ({ name, key }) => {
    const [, , shown] = rows.find(([, flag]) => flag === key)!
    const value = defaults[name]
    if (typeof value === 'string' || typeof value === 'number') expect(shown).toBe(`\`${value}\``)
    else expect(shown).toMatch(/^(of the configuration)?$/)
  })
})

test('the page names every annotation', () => {
  const annotations = Object.entries(names).filter(([name]) => name.endsWith('_ANNOTATION'))
  expect(annotations.length).toBeGreaterThan(4)
  for (const [, annotation] of annotations) expect(PAGE).toContain(annotation as string)
  expect(PAGE).toContain(names.SETTING_PREFIX)
  expect(PAGE).toContain(`${names.WORKLOAD_PREFIX}KIND`)
})
