/** Values of variables by name; `process.env` is one. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Substitution {
  readonly text: string
  /** The text with `***` for what came from the environment. */
  readonly masked: string
  /** Variables whose values are in `text`. */
  readonly from: readonly string[]
  /** Variables that are neither set nor have a default. */
  readonly unset: readonly string[]
  /** A `${` that begins no reference. */
  readonly malformed: string | undefined
  /** The text was one reference and nothing else. */
  readonly isWhole: boolean
}

export const MASK = '***'

const REFERENCE = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{[^}]*\}?/g

/**
 * Puts the values of variables in: `${NAME}`, `${NAME:-default}` (also for an empty one, as in a shell), `$$` for a dollar. Any
 * other dollar stays as it is.
 */
export function substitute(text: string, environment: Environment): Substitution {
  const from: string[] = []
  const unset: string[] = []
  let malformed: string | undefined
  let masked = ''
  let value = ''
  let last = 0
  const add = (part: string, shown = part) => {
    value += part
    masked += shown
  }
  for (const match of text.matchAll(REFERENCE)) {
    const [reference, name, fallback] = match
    add(text.slice(last, match.index))
    last = match.index + reference.length
    const set = name === undefined ? undefined : environment[name]
    if (reference === '$$') add('$')
    else if (name === undefined) {
      malformed ??= reference
    } else if (set !== undefined && (set !== '' || fallback === undefined)) {
      add(set, MASK)
      from.push(name)
    } else if (fallback !== undefined) add(fallback)
    else unset.push(name)
  }
  add(text.slice(last))
  return { text: value, masked, from, unset, malformed, isWhole: isOneReference(text) }
}

function isOneReference(text: string): boolean {
  const [first] = text.matchAll(REFERENCE)
  return first !== undefined && first[0] === text && first[1] !== undefined
}
