import type { Registry } from '../core/config/registry.js'

/** What Sluice brings itself. */
export async function loadBuiltIns(): Promise<Registry> {
  const [{ registryOf }, { builtIns }] = await Promise.all([
    import('../core/config/registry.js'),
    import('../plugins/built-ins.js'),
  ])
  return registryOf([builtIns])
}
