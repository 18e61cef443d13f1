import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { runToEnd } from '../process-group.mjs'
import { quantile } from '../statistics.mjs'

/**
 * Sends so many HTTP/1 requests a second to 127.0.0.1:port, whether answers are quick or not: one on every connection at the same time,
 * since h2load's connections keep the pace each by itself and have started together. Every request's time is kept. Returns counts,
 * seconds and microseconds.
 */
export async function runBursts({ directory, port, connections, rate, seconds, cores }) {
  const log = join(directory, 'bursts.log')
  const total = rate * seconds
  const pace = ['-n', String(total), '-c', String(connections), '-t', '1', '--rps', String(rate / connections)]
  const command = ['h2load', '--h1', ...pace, `--log-file=${log}`, `http://127.0.0.1:${port}/`]
  await runToEnd(command, { cores, timeoutMs: (seconds + 20) * 1000 })
  const rows = readFileSync(log, 'utf8').trimEnd().split('\n')
  rmSync(log)
  const requests = rows.map((row) => row.split('\t').map(Number))
  const micros = requests.map(([, , time]) => time)
  const [first] = requests[0]
  const last = requests.at(-1)
  return {
    requests: requests.length,
    seconds: (last[0] - first) / 1e6,
    p50Micros: quantile(micros, 0.5),
    p99Micros: quantile(micros, 0.99),
    failed: total - requests.filter(([, status]) => status === 200).length,
  }
}
