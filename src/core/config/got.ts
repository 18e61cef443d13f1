/** Longest text that a message repeats. */
const MAX_SHOWN = 60

/** What was found, as a message shows it: text in quotes and cut short, `nothing` for an empty value, a map or list by its kind. */
export function got(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'string')
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`
}
