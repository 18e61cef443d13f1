import { ConfigError } from '../core/config-error.js'
import type { Config } from '../core/config/config.js'
import { readConfigFile, readParsedConfig } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import { noTransparentSockets } from '../core/transparent-sockets.js'
import { openConfig } from '../plugins/open-config.js'

/** A configuration as if the machine had everything: what it lacks is what `doctor` is about. Throws of other errors, as `check` tells them. */
export async function readNeededConfig(file: string, registry: Registry): Promise<Config> {
  const everything = {
    ...registry,
    originalDestinations: { of: () => undefined },
    transparentSockets: { ...noTransparentSockets, unavailable: undefined },
  }
  const opened = await openConfig(await readConfigFile(file), everything, { file })
  const { config, findings } = readParsedConfig(opened.parsed, opened.registry)
  if (config === undefined) throw new ConfigError(file, findings)
  return config
}
