// Writes the tables of options into the reference pages, from the schemas in dist. Run it after `npm run build`.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fillOptionTables } from '../dist/core/config/option-table.js'
import { registryOf } from '../dist/core/config/registry.js'
import { builtIns } from '../dist/plugins/built-ins.js'

const folder = new URL('../docs/reference/', import.meta.url)
const registry = registryOf([builtIns])
for (const name of await readdir(folder, { recursive: true })) {
  if (!name.endsWith('.md')) continue
  const file = new URL(name, folder)
  const page = await readFile(file, 'utf8')
  const filled = fillOptionTables(page, registry)
  if (filled !== page) await writeFile(file, filled)
}
