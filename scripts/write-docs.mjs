// Writes the tables of options into the reference pages, from the schemas in dist and the titles of end-to-end tests, and the table
// of recorded conversations, from test/fixtures/captures/. Run it after `npm run build`.
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fillOptionTables } from '../dist/core/config/option-table.js'
import { registryOf } from '../dist/core/config/registry.js'
import { builtIns } from '../dist/plugins/built-ins.js'
import { optionTests, testsCell } from './tested-options.mjs'

const folder = new URL('../docs/reference/', import.meta.url)
const registry = registryOf([builtIns])
const tests = optionTests()
for (const name of await readdir(folder, { recursive: true })) {
  if (!name.endsWith('.md')) continue
  const file = new URL(name, folder)
  const page = await readFile(file, 'utf8')
  const filled = fillOptionTables(page, registry, testsCell(tests, `docs/reference/${name}`)).replace(
    /(<!-- recorded conversations -->\n)[\s\S]*?(<!-- end of recorded conversations -->)/,
    (_region, begin, end) => `${begin}\n${recordedTable()}\n${end}`,
  )
  if (filled !== page) await writeFile(file, filled)
}

/** How many conversations of each protocol are real, how many written from its specification, and whose they are. */
function recordedTable() {
  const captures = new URL('../test/fixtures/captures/', import.meta.url)
  const rows = readdirSync(captures).flatMap((name) =>
    readFileSync(new URL(name, captures), 'utf8').split('\n').filter(Boolean).map(JSON.parse),
  )
  const protocols = [...builtIns.sniffers.map(({ protocol }) => protocol), 'unknown']
  const lines = protocols.map((protocol) => {
    const own = rows.filter((row) => row.protocol === protocol).map(({ source }) => source)
    const programs = own.flatMap((source) => /^captured from (.+?) by /.exec(source)?.[1] ?? [])
    const cells = [
      `\`${protocol}\``,
      programs.length,
      own.length - programs.length,
      [...new Set(programs)].sort().join(', '),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = ['<!-- prettier-ignore -->', '| protocol | captured | written | by |', '| --- | --- | --- | --- |']
  return [...head, ...lines, ''].join('\n')
}
