import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const PAGES = ['write-a-sniffer.md', 'write-a-filter.md', 'use-in-tests.md']

/** Files are tested where they lie: examples/ by our suite, scripts by the end-to-end test that follows the guides. */
const TESTED = /^(examples\/|test\/docs\/)/

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

/** Every fenced block of a page, and the file that the comment before it names. */
function blocksOf(page: string): { file: string | undefined; code: string }[] {
  const blocks = read(`docs/guide/${page}`).matchAll(/^(?:<!-- (\S+) -->\n+)?```\w*\n([^]*?)^```$/gm)
  return [...blocks].map(([, file, code = '']) => ({ file, code }))
}

test.each(PAGES)('every code block of %s is a file that is tested', (page) => {
  const blocks = blocksOf(page)
  expect(blocks.length).toBeGreaterThanOrEqual(4)
  for (const { file, code } of blocks) {
    expect(file, `a comment that names the file of\n${code}`).toMatch(TESTED)
    expect(existsSync(new URL(file!, root)), file).toBe(true)
    expect(code).toBe(read(file!))
  }
})

test.each(PAGES)('%s fits on a page: at most 100 lines beside its code', (page) => {
  const prose = read(`docs/guide/${page}`).replace(/^```[^]*?^```$/gm, '')
  expect(prose.split('\n').length).toBeLessThanOrEqual(100)
})

test('the packages that are made use the versions that we test with', () => {
  const ours = (JSON.parse(read('package.json')) as { devDependencies: Record<string, string> }).devDependencies
  const template = read('templates/plugin/package.json.template')
  expect(template).toContain(`"typescript": "~${ours['typescript']}"`)
  expect(template).toContain(`"vitest": "^${ours['vitest']}"`)
})
