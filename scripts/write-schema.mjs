// Writes schema.json, the JSON Schema for editors, from the schemas in dist. Run it after `npm run build`.
import { writeFile } from 'node:fs/promises'
import { formatSchema } from '../dist/cli/schema.js'
import { registryOf } from '../dist/core/config/registry.js'
import { builtIns } from '../dist/plugins/built-ins.js'

await writeFile(new URL('../schema.json', import.meta.url), formatSchema(registryOf([builtIns])))
