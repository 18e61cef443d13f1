/**
 * Codes of what can be wrong with a plugin. Published: codes are added, never renamed. `docs/reference/errors.md` says how to solve
 * each.
 */
export const PLUGIN_CODES = [
  'SLUICE_PLUGIN_NOT_FOUND',
  'SLUICE_PLUGIN_FAILED',
  'SLUICE_PLUGIN_TYPESCRIPT',
  'SLUICE_PLUGIN_INVALID',
  'SLUICE_PLUGIN_API_VERSION',
  'SLUICE_PLUGIN_DUPLICATE',
  'SLUICE_PLUGIN_CIRCLE',
  'SLUICE_PLUGIN_SAMPLE',
  'SLUICE_PLUGIN_CONFLICT',
  'SLUICE_PLUGIN_WAITS',
] as const

export type PluginCode = (typeof PLUGIN_CODES)[number]

/** Why a plugin cannot be used: the message names it, and says what to do. */
export interface PluginProblem {
  readonly code: PluginCode
  readonly message: string
}
