import { runToEnd } from '../process-group.mjs'

/** Connections and streams on each, as the floors are defined. */
const CONNECTIONS = 8
const STREAMS = 20
const TIMEOUT_MS = 120_000

/**
 * Sends so many requests to a server of HTTP/2 without TLS, from one thread, each stream with its next request when it has its answer.
 * `headers` and `body`, the path of a file, make them what they are.
 */
export async function runH2load({ port, path, requests, cores, headers = [], body }) {
  const options = ['-n', String(requests), '-c', String(CONNECTIONS), '-m', String(STREAMS), '-t', '1']
  const sent = [...headers.flatMap((header) => ['-H', header]), ...(body === undefined ? [] : ['-d', body])]
  const command = ['h2load', ...options, ...sent, `http://127.0.0.1:${port}${path}`]
  const output = await runToEnd(command, { cores, timeoutMs: TIMEOUT_MS })
  const seconds = /^finished in ([\d.]+)(us|ms|s),/m.exec(output)
  const counts = /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)
  if (seconds === null || counts === null) throw new Error(`h2load gave no report\n${output}`)
  const [done, succeeded, failed, errored, timeout] = counts.slice(1).map(Number)
  const unit = { us: 1e-6, ms: 1e-3, s: 1 }[seconds[2]]
  return { seconds: Number(seconds[1]) * unit, done, succeeded, errors: { failed, errored, timeout } }
}
