export interface LineDiff {
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** What a textual diff shows: the lines outside of a longest common subsequence (Wagner and Fischer, 1974). Line ends do not count. */
export function lineDiff(before: string, after: string): LineDiff {
  const [a, b] = [before.split(/\r?\n/), after.split(/\r?\n/)]
  const lengths = commonLengths(a, b)
  const diff = { removed: [] as string[], added: [] as string[] }
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) [i, j] = [i + 1, j + 1]
    else if (j < b.length && (i === a.length || lengths[i]![j + 1]! >= lengths[i + 1]![j]!)) diff.added.push(b[j++]!)
    else diff.removed.push(a[i++]!)
  }
  return diff
}

/** How many lines the rest of `a` from each line on has in common with the rest of `b`. */
function commonLengths(a: readonly string[], b: readonly string[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  return lengths
}
