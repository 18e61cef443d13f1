import type { Command } from 'commander'
import { ConfigError } from '../core/config-error.js'
import { jsonSchema } from '../core/config/json-schema.js'
import { readConfigFile } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import { openConfig } from '../plugins/open-config.js'
import type { CliIo } from './cli-io.js'
import type { LoadRegistry } from './command-entry.js'

interface SchemaOptions {
  readonly config?: string
}

/** Prints what `schema.json` holds: the JSON Schema of a configuration, for editors. */
export function defineSchema(command: Command, io: CliIo, loadRegistry: LoadRegistry): void {
  command
    .option('-c, --config <file>', 'with the options of the plugins that this configuration names')
    .action(async ({ config }: SchemaOptions) => {
      const registry = await loadRegistry()
      io.stdout.write(formatSchema(config === undefined ? registry : await registryFor(config, registry)))
      io.setExitCode(0)
    })
}

/** The JSON Schema as the file of that name has it. */
export function formatSchema(registry: Registry): string {
  return `${JSON.stringify(jsonSchema(registry), null, 2)}\n`
}

/** Only plugins have to be right: a schema is for who is still writing the rest. */
async function registryFor(file: string, builtIns: Registry): Promise<Registry> {
  const { parsed, registry } = await openConfig(await readConfigFile(file), builtIns, { file })
  if (parsed.findings.hasErrors) throw new ConfigError(file, parsed.findings.sorted())
  return registry
}
