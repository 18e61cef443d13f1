import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { builtIns } from '../../src/plugins/built-ins.js'
import { startSluice } from '../support/start-sluice.js'
import { pages, read, root } from './pages.js'

const FILTER_PAGES = 'docs/reference/filters/'
const HEADINGS = ['What it does', 'Options', 'Example', 'Metrics and deny reasons', 'Stability and trust']
const filters = builtIns.filters ?? []

/** The text under a heading of the second level. */
function section(page: string, heading: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
}

describe('links on the pages', () => {
  test.each(pages())('%s leads to files that are there', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    const local = targets.filter((target) => !/^(https?:|#)/.test(target)).map((target) => target.split('#')[0]!)
    expect(local.filter((target) => !existsSync(new URL(target, new URL(page, root))))).toEqual([])
  })

  test.each(pages())('%s leads to headings that are there', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]*)#([^)\s]+)\)/g)].filter(([, file]) => !file!.includes(':'))
    const missing = targets.filter(([, file, anchor]) => {
      const target = file === '' ? page : new URL(file!, new URL(page, root)).pathname.slice(root.pathname.length)
      return !anchorsOf(read(target)).includes(anchor!)
    })
    expect(missing.map(([link]) => link)).toEqual([])
  })
})

/** Headings as GitHub turns them into anchors. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the pages of the filters', () => {
  test('are one for each filter, and all are listed', () => {
    const names = pages()
      .filter((page) => page.startsWith(FILTER_PAGES))
      .map((page) => page.slice(FILTER_PAGES.length, -'.md'.length))
    expect(names).toEqual(filters.map(({ name }) => name).sort())
    const list = read('docs/README.md')
    for (const name of names) expect(list).toContain(`(reference/filters/${name}.md)`)
  })

  test.each(filters)('$name has the headings that all have, and the table of its options', ({ name }) => {
    const page = read(`${FILTER_PAGES}${name}.md`)
    expect(page.split('\n')[0]).toBe(`# ${name}`)
    expect([...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(HEADINGS)
    expect(section(page, 'Options')).toContain(`<!-- options of filter ${name} -->`)
    expect(section(page, 'Example')).toContain('```yaml\n')
  })

  test.each(filters)('$name names its deny reasons, or says that it has none', ({ name, denyReasons = [] }) => {
    const text = section(read(`${FILTER_PAGES}${name}.md`), 'Metrics and deny reasons')
    for (const reason of denyReasons) expect(text).toContain(`\n| \`${reason}\``)
    if (denyReasons.length === 0) expect(text).toMatch(/denies nothing/)
  })
})

describe('metrics.md', () => {
  test('has a row for every metric, with its type and labels, and no other', async () => {
    const sluice = await startSluice({
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:9' }],
    })
    const registered = sluice.metricsRegistry.registry.getMetricsAsArray() as unknown as {
      name: string
      type: string
      labelNames: string[]
    }[]
    const rows = [
      ...read('docs/reference/metrics.md').matchAll(
        /^\| `(\w+)` *\| (counter|gauge|histogram) *\|[^|]*\| ([^|]*?) *\|/gm,
      ),
    ]
    expect(rows.map(([, name, type, labels]) => ({ name, type, labels })).sort(byName)).toEqual(
      registered
        .map(({ name, type, labelNames }) => ({ name, type, labels: labelNames.map((one) => `\`${one}\``).join(', ') }))
        .sort(byName),
    )
  })
})

function byName(a: { name?: string | undefined }, b: { name?: string | undefined }): number {
  return (a.name ?? '').localeCompare(b.name ?? '')
}
