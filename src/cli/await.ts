import { setTimeout as delay } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/config/scalar-text.js'
import type { CliIo } from './cli-io.js'
import { EXIT_FAILED, UsageError } from './exit-code.js'

/** Short beside what starting takes, and no burden for one that is slow to start. */
const POLL_INTERVAL_MS = 100
/** One that has not answered by then is asked again. */
const ANSWER_TIMEOUT_MS = 1_000

interface AwaitOptions {
  readonly admin: string
  readonly timeout: number
}

/** `sluice await`: the hook of a sidecar, so that the containers behind it start when it is ready. */
export function defineAwait(command: Command, io: CliIo): void {
  command
    .option('--admin <url>', 'its admin endpoint', 'http://127.0.0.1:4191')
    .option('--timeout <duration>', 'the longest to wait (default: 2m)', aDuration, 120_000)
    .addHelpText('after', '\nExit codes: 0 ready, 1 not ready in time, 2 usage error.')
    .action(async (options: AwaitOptions) => {
      io.setExitCode(await awaitReady(options, io))
    })
}

async function awaitReady({ admin, timeout }: AwaitOptions, io: CliIo): Promise<number> {
  const url = readyUrl(admin)
  const limit = AbortSignal.timeout(timeout)
  let answer = 'no answer'
  while (!limit.aborted) {
    try {
      const response = await fetch(url, { signal: AbortSignal.any([limit, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) })
      const text = (await response.text()).trim()
      if (response.ok) return 0
      answer = `${response.status} ${text.slice(0, 200)}`
    } catch (error) {
      const { cause, message } = error as Error
      if (!limit.aborted) answer = cause instanceof Error ? cause.message : message
    }
    await delay(POLL_INTERVAL_MS, undefined, { signal: limit }).catch(() => {})
  }
  io.stderr.write(`sluice: ${url.href} was not ready in time: ${answer}\n`)
  return EXIT_FAILED
}

function aDuration(text: string): number {
  const parsed = parseDuration(text, { minMs: 1 })
  if (parsed.problem === undefined) return parsed.value
  throw new InvalidArgumentError(parsed.problem)
}

function readyUrl(admin: string): URL {
  try {
    return new URL('/ready', admin.includes('://') ? admin : `http://${admin}`)
  } catch {
    throw new UsageError(`--admin: expected a URL such as http://127.0.0.1:4191, got "${admin}"`)
  }
}
