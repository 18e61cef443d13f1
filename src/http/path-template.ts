/**
 * A template of a path, such as `/orders/{id}/items`: a name in braces stands for one segment, `{name...}` at the end for the rest, of
 * at least one. A query is not part of a path.
 */
export interface PathTemplate {
  readonly text: string
  /** Undefined: any one segment. */
  readonly segments: readonly (string | undefined)[]
  readonly takesRest: boolean
}

const PARAMETER = /^\{[A-Za-z_][A-Za-z0-9_-]*\}$/
const REST = /^\{[A-Za-z_][A-Za-z0-9_-]*\.\.\.\}$/

/** Reads a template; what is wrong with it, as a text. */
export function parsePathTemplate(text: string): PathTemplate | string {
  if (!text.startsWith('/')) return 'a path begins with "/"'
  const parts = text.slice(1).split('/')
  const takesRest = REST.test(parts.at(-1)!)
  if (takesRest) parts.pop()
  for (const part of parts) {
    if (/[{}]/.test(part) && !PARAMETER.test(part))
      return `"${part}" is neither text nor a name in braces such as {id}; {rest...} stands at the end`
  }
  return { text, takesRest, segments: parts.map((part) => (PARAMETER.test(part) ? undefined : part)) }
}

/** Whether a request target, in origin form, is of the template. Segments are compared as they were sent, with their escapes. */
export function matchesTemplate({ segments, takesRest }: PathTemplate, target: string): boolean {
  const query = target.indexOf('?')
  const end = query < 0 ? target.length : query
  if (target.charCodeAt(0) !== SLASH) return false
  let at = 1
  for (const segment of segments) {
    if (at > end) return false
    const slash = target.indexOf('/', at)
    const next = slash < 0 || slash > end ? end : slash
    if (segment !== undefined && (segment.length !== next - at || !target.startsWith(segment, at))) return false
    if (segment === undefined && next === at) return false
    at = next + 1
  }
  return takesRest ? at < end : at === end + 1
}

const SLASH = 0x2f
