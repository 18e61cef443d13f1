/**
 * Of two lists of which any value will do, and of which an absent one allows every value: whether all that `later` allows is allowed by
 * `earlier`, too.
 */
export function isCovered<T>(
  earlier: readonly T[] | undefined,
  later: readonly T[] | undefined,
  covers: (earlier: T, later: T) => boolean,
): boolean {
  if (earlier === undefined) return true
  return later !== undefined && later.every((one) => earlier.some((other) => covers(other, one)))
}
