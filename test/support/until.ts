/**
 * Settles when this holds, looking once a turn of the event loop: for what other code in this process comes to by itself and says no
 * event of. The test's own timeout is the bound.
 */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => setImmediate(resolve))
}
