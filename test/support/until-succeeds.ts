import { setTimeout as pause } from 'node:timers/promises'

const LIMIT_MS = 30_000
/** Between two attempts, so that asking does not take the processor from what is asked. */
const BETWEEN_MS = 20

/** Settles when asking another process has had success; for what says no event of. Rejects with `problem` where it takes too long. */
export async function untilSucceeds(
  ask: () => Promise<boolean>,
  problem: () => string = () => 'it did not come to that in time',
): Promise<void> {
  const until = performance.now() + LIMIT_MS
  while (!(await ask())) {
    if (performance.now() > until) throw new Error(problem())
    await pause(BETWEEN_MS)
  }
}
