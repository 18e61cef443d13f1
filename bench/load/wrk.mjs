import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { runToEnd } from '../process-group.mjs'

const CONNECTIONS = 50

/** wrk calls `done` once at the end; without a `request` or `response` function its hot path stays in C. */
const REPORT = `done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nreport %d %d %d %d %d %d %d %d %d\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout))
end
`

/**
 * Loads 127.0.0.1:port with small requests over 50 connections from one thread, each sending its next request when it
 * has its answer. Returns counts, seconds and microseconds.
 */
export async function runWrk({ directory, port, seconds, cores, headers = [] }) {
  const script = join(directory, 'report.lua')
  writeFileSync(script, REPORT)
  const options = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--timeout', '5s', '-s', script]
  const command = ['wrk', ...options, ...headers.flatMap((header) => ['-H', header]), `http://127.0.0.1:${port}/`]
  const output = await runToEnd(command, { cores, timeoutMs: (seconds + 20) * 1000 })
  const line = /^report (.+)$/m.exec(output)
  if (line === null) throw new Error(`wrk gave no report\n${output}`)
  const [requests, micros, p50, p99, connect, read, write, status, timeout] = line[1].split(' ').map(Number)
  return {
    requests,
    seconds: micros / 1e6,
    p50Micros: p50,
    p99Micros: p99,
    errors: { connect, read, write, status, timeout },
  }
}
