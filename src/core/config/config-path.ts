/** Where in a configuration: `['listeners', 0, 'filters', 1]`. */
export type ConfigPath = readonly (string | number)[]

/** `listeners[0].filters[1].detect`; a key that is no plain word stands in brackets: `ports["6000-6100"]`. */
export function formatPath(path: ConfigPath): string {
  let text = ''
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`
    else if (/^[A-Za-z0-9_-]+$/.test(segment)) text += text === '' ? segment : `.${segment}`
    else text += `[${JSON.stringify(segment)}]`
  }
  return text
}

/** The value at `path` in plain data, or undefined. */
export function valueAt(data: unknown, path: ConfigPath): unknown {
  let value = data
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined
    value = (value as Record<string | number, unknown>)[segment]
  }
  return value
}

/** True for a map as YAML has it: an object that is no list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
