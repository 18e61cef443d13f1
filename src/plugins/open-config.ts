import { dirname, resolve } from 'node:path'
import { isMap, type ConfigPath } from '../core/config/config-path.js'
import type { Findings } from '../core/config/findings.js'
import { got } from '../core/config/got.js'
import { parseConfig, type LoadOptions, type ParsedConfig } from '../core/config/load-config.js'
import { type Registry, registryOf } from '../core/config/registry.js'
import { orderSniffers } from '../core/order-sniffers.js'
import type { Sniffer } from '../core/sniffer.js'
import { asPlugin, loadPlugin, type LoadedPlugin } from './load-plugin.js'
import type { Plugin } from './plugin.js'
import { findSnifferConflicts } from './sniffer-conflicts.js'

export interface OpenOptions extends LoadOptions {
  /** From where the plugins of an object are looked up: the current folder where absent. Those of a file: from the file's folder. */
  readonly folder?: string
  /** Beside those that the configuration names, and after them. */
  readonly plugins?: readonly Plugin[]
}

/** A configuration whose plugins are loaded: `readParsedConfig` reads it. */
export interface OpenedConfig {
  readonly parsed: ParsedConfig
  /** Those that could be loaded, in their order, without the built-ins. */
  readonly plugins: readonly Plugin[]
  /** Built-ins and plugins. */
  readonly registry: Registry
}

/**
 * Parses a configuration and loads the plugins that it names. What is wrong with them is added to the configuration's findings, each
 * at the plugin's place, so that all errors come at once.
 */
export async function openConfig(
  source: string | object,
  builtIns: Registry,
  options: OpenOptions = {},
): Promise<OpenedConfig> {
  const parsed = parseConfig(source, builtIns, options)
  const folder = parsed.file === undefined ? (options.folder ?? process.cwd()) : dirname(resolve(parsed.file))
  const loading = [
    ...entriesOf(parsed).map(({ value, path }) => takeIn(value, path, folder)),
    ...(options.plugins ?? []).map((plugin, index) => takeIn(plugin, ['overrides', 'plugins', index], folder)),
  ]
  const taken = await Promise.all(loading)
  for (const { path, loaded } of taken) {
    for (const { code, message } of loaded.problems ?? []) parsed.findings.add(code, path, message)
  }
  const loaded = taken.flatMap(({ path, loaded }) => (loaded.problems ? [] : [{ path, plugin: loaded.plugin }]))
  const accepted = new Acceptance(builtIns, parsed.findings).accept(loaded)
  const registry = registryOf([contributionOf(builtIns), ...accepted], builtIns)
  const isIncomplete = accepted.length < taken.length
  return { parsed, plugins: accepted, registry: { ...registry, ...(isIncomplete && { isIncomplete }) } }
}

/** One item of `plugins`. */
interface Entry {
  readonly value: unknown
  readonly path: ConfigPath
}

function entriesOf({ raw, findings, file }: ParsedConfig): Entry[] {
  const path = ['plugins']
  const list = raw?.['plugins']
  if (list === undefined || findings.isSpoilt(path)) return []
  if (!Array.isArray(list)) {
    findings.add('SLUICE_CONFIG_WRONG_TYPE', path, `expected a list of plugins, got ${got(list)}`)
    return []
  }
  return list.flatMap((value: unknown, index): Entry[] => {
    const own = [...path, index]
    if (findings.isSpoilt(own)) return []
    if ((typeof value === 'string' && value !== '') || (file === undefined && isMap(value)))
      return [{ value, path: own }]
    const expected = 'the name of a package, or a path such as ./plugins/acme.js'
    findings.add('SLUICE_CONFIG_WRONG_TYPE', own, `expected ${expected}, got ${got(value)}`)
    return []
  })
}

async function takeIn(
  value: unknown,
  path: ConfigPath,
  folder: string,
): Promise<{ readonly path: ConfigPath; readonly loaded: LoadedPlugin }> {
  if (typeof value === 'string') return { path, loaded: await loadPlugin(value, folder) }
  const name = isMap(value) ? value['name'] : undefined
  const label = typeof name === 'string' ? `plugin "${name}"` : 'the plugin'
  return { path, loaded: asPlugin(value, label) }
}

function contributionOf({
  filters,
  endpointSources,
  sniffers,
  observers,
}: Registry): Parameters<typeof registryOf>[0][number] {
  return { filters: [...filters.values()], endpointSources: [...endpointSources.values()], sniffers, observers }
}

interface LocatedPlugin {
  readonly plugin: Plugin
  readonly path: ConfigPath
}

/** Holds plugins against the built-ins and each other. */
class Acceptance {
  readonly #builtIns: Registry
  readonly #findings: Findings
  /** Whose a name is, as messages say it. */
  readonly #plugins = new Map<string, string>()
  readonly #filters = new Map<string, string>()
  readonly #sources = new Map<string, string>()
  readonly #protocols = new Map<string, string>()
  readonly #owners = new Map<Sniffer, LocatedPlugin>()

  constructor(builtIns: Registry, findings: Findings) {
    this.#builtIns = builtIns
    this.#findings = findings
    for (const name of builtIns.filters.keys()) this.#filters.set(name, 'a built-in filter')
    for (const { protocol } of builtIns.sniffers) this.#protocols.set(protocol, 'a built-in sniffer')
  }

  /** Those that can stand beside each other; what is wrong with the others is said. */
  accept(located: readonly LocatedPlugin[]): readonly Plugin[] {
    const accepted = located.filter((one) => this.#hasOwnNames(one))
    for (const one of accepted) {
      for (const sniffer of one.plugin.sniffers ?? []) this.#owners.set(sniffer, one)
    }
    this.#checkSniffers([...this.#builtIns.sniffers, ...this.#owners.keys()])
    return accepted.map(({ plugin }) => plugin)
  }

  #hasOwnNames({ plugin, path }: LocatedPlugin): boolean {
    const { name, filters = [], endpointSources = [], sniffers = [] } = plugin
    const owner = `of plugin "${name}"`
    const problems = this.#claim(
      this.#plugins,
      [name],
      `another plugin`,
      (_name, taken) => `its name is that of ${taken}`,
    )
    if (problems.length === 0) {
      const filterNames = filters.map((filter) => filter.name)
      const protocols = sniffers.map(({ protocol }) => protocol)
      problems.push(
        ...this.#claim(
          this.#filters,
          filterNames,
          `a filter ${owner}`,
          (each, taken) => `its filter "${each}" has the name of ${taken}`,
        ),
        ...this.#claim(
          this.#sources,
          endpointSources.map((source) => source.name),
          `a source ${owner}`,
          (each, taken) => `its source "${each}" has the name of ${taken}`,
        ),
        ...this.#claim(
          this.#protocols,
          protocols,
          `a sniffer ${owner}`,
          (each, taken) => `its sniffer "${each}" has the protocol of ${taken}`,
        ),
      )
    }
    for (const problem of problems) {
      const message = `plugin "${name}": ${problem}; rename it, or leave one of the plugins out`
      this.#findings.add('SLUICE_PLUGIN_DUPLICATE', path, message)
    }
    return problems.length === 0
  }

  /** Takes what is free of `names`, and says what is not. */
  #claim(
    taken: Map<string, string>,
    names: readonly string[],
    owner: string,
    describe: (name: string, taken: string) => string,
  ): string[] {
    return names.flatMap((name) => {
      const holder = taken.get(name)
      if (holder !== undefined) return [describe(name, holder)]
      taken.set(name, owner)
      return []
    })
  }

  #checkSniffers(sniffers: readonly Sniffer[]): void {
    const { ordered, circle } = orderSniffers(sniffers)
    if (circle) return this.#reportCircle(circle)
    const owned = ordered.map((sniffer) => ({ sniffer, owner: this.#ownerOf(sniffer) }))
    for (const { code, message, sniffer } of findSnifferConflicts(owned)) this.#report(code, sniffer, message)
  }

  #reportCircle(circle: readonly Sniffer[]): void {
    const steps = circle.map((sniffer) => `"${sniffer.protocol}" (${this.#ownerOf(sniffer) ?? 'built-in'})`)
    const message = `"before" goes round in a circle: ${[...steps, steps[0]].join(' before ')}. Take one of them out`
    const last = [...this.#owners.keys()].findLast((sniffer) => circle.includes(sniffer))
    if (last) this.#report('SLUICE_PLUGIN_CIRCLE', last, message)
  }

  #ownerOf(sniffer: Sniffer): string | undefined {
    const owner = this.#owners.get(sniffer)
    return owner && `plugin "${owner.plugin.name}"`
  }

  #report(code: string, sniffer: Sniffer, message: string): void {
    this.#findings.add(code, this.#owners.get(sniffer)?.path ?? ['plugins'], message)
  }
}
