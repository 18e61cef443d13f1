import { CLOCK, defineEndpointSource, type Plugin, type Timer } from 'sluice'
import { z } from 'zod'

const options = z.strictObject({ url: z.url().describe('Answers with [{ "host": …, "port": … }, …].') })
const endpoints = z.array(z.strictObject({ host: z.string(), port: z.int(), weight: z.number().optional() })).max(1_000)

const EVERY_MS = 5_000
const TIMEOUT_MS = 2_000
const MAX_BYTES = 1024 * 1024

async function ask(url: string, stopped: AbortSignal): Promise<z.output<typeof endpoints>> {
  const response = await fetch(url, { signal: AbortSignal.any([stopped, AbortSignal.timeout(TIMEOUT_MS)]) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`${url} answered with more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return endpoints.parse(JSON.parse(Buffer.concat(chunks).toString()))
}

const acmeRegistry = defineEndpointSource({
  name: 'acme-registry',
  options,
  inject: { clock: CLOCK },
  create({ options: { url }, clock }) {
    const stopped = new AbortController()
    let timer: Timer | undefined
    let problem: string | undefined = 'it has not been asked yet'
    return {
      label: `registry ${url}`,
      get problem() {
        return problem
      },
      async start(onChange) {
        try {
          const current = await ask(url, stopped.signal)
          problem = undefined
          if (!stopped.signal.aborted) onChange(current)
        } catch (error) {
          problem = (error as Error).message
        }
        if (!stopped.signal.aborted) timer = clock.setTimer(EVERY_MS, () => void this.start(onChange))
      },
      stop() {
        stopped.abort()
        timer?.cancel()
      },
    }
  },
})

export default { name: 'acme-registry', apiVersion: 1, endpointSources: [acmeRegistry] } satisfies Plugin
