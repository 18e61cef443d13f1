import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'

export interface Load {
  /** How requests came out, and how often: `200`, `502 REASON`, or the code of an error. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Settles when so many more requests have come out. */
  more(count: number): Promise<void>
  /** No new request is begun. Settles when all have come out. */
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly port: number
  readonly clients: number
  /** Between two requests of a client. */
  readonly pause?: () => Promise<void>
}

/** So many clients, each with one connection that is kept, ask for one thing after the other. */
export function startLoad({ port, clients, pause }: LoadOptions): Load {
  const outcomes = new Map<string, number>()
  const waiting = new Set<() => void>()
  let count = 0
  let isStopped = false
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!isStopped) {
      const outcome = await ask(port, agent)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      count++
      for (const look of waiting) look()
      await pause?.()
    }
    agent.destroy()
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    outcomes,
    async more(wanted) {
      const goal = count + wanted
      while (count < goal) {
        await new Promise<void>((resolve) => {
          const look = (): void => {
            waiting.delete(look)
            resolve()
          }
          waiting.add(look)
        })
      }
    },
    async stop() {
      isStopped = true
      await all
    },
  }
}

async function ask(port: number, agent: Agent): Promise<string> {
  try {
    const outgoing = request({ port, host: '127.0.0.1', agent, path: '/' }).end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const body = await text(response)
    return response.statusCode === 200 ? '200' : `${response.statusCode} ${/^sluice: ([a-z-]+)/.exec(body)?.[1] ?? ''}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
