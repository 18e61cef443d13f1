/**
 * The name among `among` that is nearest to `name`, or undefined where none is near enough to be what was meant. An edit
 * is a letter put in, left out, replaced, or swapped with its neighbour. Case does not count.
 */
export function nearestName(name: string, among: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase()
  let best: string | undefined
  let bestDistance = maxDistance(wanted.length) + 1
  for (const candidate of among) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `Did you mean "web"?`, or an empty string where no name is near. */
export function suggest(name: string, among: Iterable<string>): string {
  const nearest = nearestName(name, among)
  return nearest === undefined ? '' : `Did you mean "${nearest}"?`
}

/** Three edits in a word of four letters make another word; a long name may be off by a third: `tls-passthru`. */
function maxDistance(length: number): number {
  if (length <= 2) return 1
  if (length <= 4) return 2
  return Math.max(2, Math.floor(length / 3))
}

/** Damerau-Levenshtein distance (optimal string alignment), row by row; anything from `limit` on is `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? beforePrevious[j - 2]! + 1 : Infinity
      row.push(Math.min(replaced, swapped, previous[j]! + 1, row[j - 1]! + 1))
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.length]!
}
