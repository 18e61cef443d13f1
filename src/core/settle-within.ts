import type { Clock } from './clock.js'

/** Waits for what a stranger's code does, no longer than `limitMs`. Rejects with `late()` where it has not settled by then. */
export async function settleWithin(
  clock: Clock,
  limitMs: number,
  act: () => unknown,
  late: () => Error,
): Promise<void> {
  const acting = act()
  if (typeof acting !== 'object' || acting === null || !('then' in acting)) return
  await new Promise<void>((resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => reject(late()))
    Promise.resolve(acting)
      .then(() => resolve(), reject)
      .finally(() => timer.cancel())
  })
}
