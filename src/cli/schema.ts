import type { Command } from 'commander'
import { jsonSchema } from '../core/config/json-schema.js'
import type { Registry } from '../core/config/registry.js'
import type { CliIo } from './cli-io.js'

/** Prints what `schema.json` holds: the JSON Schema of a configuration, for editors. */
export function addSchemaCommand(program: Command, io: CliIo, registry: Registry): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => {
      io.stdout.write(formatSchema(registry))
      io.setExitCode(0)
    })
}

/** The JSON Schema as the file of that name has it. */
export function formatSchema(registry: Registry): string {
  return `${JSON.stringify(jsonSchema(registry), null, 2)}\n`
}
