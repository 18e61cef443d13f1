import type { Address } from './address.js'
import type { UpstreamConfig } from './config/config.js'
import { parseHostPort } from './config/scalar-text.js'
import { SluiceError } from './errors.js'
import { type GroupOptions, UpstreamGroup } from './upstream-group.js'

/** The configured upstream groups, and a group of one for anything else that is named as a destination. */
export interface Upstreams {
  /** `destination` as in the YAML: an upstream's name, or `host:port`. The same text gives the same group. Throws on any other. */
  resolve(destination: string): UpstreamGroup
  /** The group of one for an address that a connection was headed to. */
  at(address: Address): UpstreamGroup
}

export class ConfiguredUpstreams implements Upstreams {
  readonly #groups = new Map<string, UpstreamGroup>()
  readonly #named: UpstreamGroup[] = []

  /** `optionsOf` gives what a group is made of beside its fixed endpoints. */
  constructor(configs: readonly UpstreamConfig[], optionsOf: (config: UpstreamConfig) => GroupOptions) {
    for (const config of configs) {
      const group = new UpstreamGroup(config.name, config.endpoints, optionsOf(config))
      this.#groups.set(config.name, group)
      this.#named.push(group)
    }
  }

  /** Those of the configuration. */
  get named(): readonly UpstreamGroup[] {
    return this.#named
  }

  resolve(destination: string): UpstreamGroup {
    const known = this.#groups.get(destination)
    if (known) return known
    const parsed = parseHostPort(destination)
    if (parsed.problem !== undefined) throw new SluiceError('SLUICE_CONFIG_INVALID', destination, parsed.problem)
    const group = new UpstreamGroup(undefined, [{ ...parsed.value, maxConnections: undefined }])
    this.#groups.set(destination, group)
    return group
  }

  at(address: Address): UpstreamGroup {
    return new UpstreamGroup(undefined, [{ ...address, maxConnections: undefined }])
  }
}
