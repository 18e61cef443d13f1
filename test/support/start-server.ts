/** What is done to undo one step of starting. */
type Undo = () => Promise<unknown>

export interface Stoppable {
  /** Undoes all that starting did, the last step first. */
  stop(): Promise<void>
}

/**
 * Starts something in steps, each of which says how it is undone: by `stop`, or at once where a later step fails, so that a start
 * that fails leaves no program and no folder behind.
 */
export async function startServer<T extends object>(
  start: (onStop: (undo: Undo) => void) => Promise<T>,
): Promise<T & Stoppable> {
  const steps: Undo[] = []
  const stop = async (): Promise<void> => {
    for (let undo = steps.pop(); undo !== undefined; undo = steps.pop()) await undo()
  }
  try {
    const started = await start((undo) => void steps.push(undo))
    return { ...started, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

type Started<S> = { -readonly [K in keyof S]: S[K] extends () => Promise<infer R> ? R : never }

/** Starts several at once; where one fails, the others are stopped. */
export async function startServers<S extends readonly (() => Promise<Stoppable>)[]>(
  ...starters: S
): Promise<Started<S>> {
  const results = await Promise.allSettled(starters.map((start) => start()))
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return started as Started<S>
  await Promise.all(started.map((server) => server.stop()))
  throw failed.reason
}
