import { conflictIn, type InjectionSettings, SETTINGS } from './injection-settings.js'
import { SETTING_PREFIX } from './names.js'

/** The settings of one workload: what its annotations say, over the flags. Calls `problem` for each that is wrong. */
export function workloadSettings(
  annotations: Readonly<Record<string, unknown>>,
  flags: InjectionSettings,
  problem: (key: string | undefined, message: string) => void,
): InjectionSettings {
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(annotations).filter(([each]) => each.startsWith(SETTING_PREFIX))) {
    const setting = SETTINGS.find((each) => SETTING_PREFIX + each.key === key)
    if (!setting) problem(key, `there is no setting "${key}"`)
    else if (typeof value !== 'string')
      problem(key, `${key}: expected a string, got ${JSON.stringify(value)}: quote it, as Kubernetes demands`)
    else {
      try {
        own[setting.name] = setting.parse(value)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        problem(key, `${key}: ${error.message}`)
      }
    }
  }
  const settings: InjectionSettings = { ...flags, ...own }
  const conflict = Object.keys(own).length > 0 ? conflictIn(settings) : undefined
  if (conflict !== undefined) problem(undefined, conflict)
  return settings
}
