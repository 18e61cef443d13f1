import { measureInterval } from '../interval.mjs'
import { runWrk } from '../load/wrk.mjs'

/** Long enough for Node to compile what is hot, in seconds. */
export const WARM_UP_SECONDS = 2

export const REQUEST_COLUMNS = [
  { key: 'rate', title: 'requests/s', digits: 0 },
  { key: 'cpuMicros', title: 'CPU µs/request', digits: 2 },
  { key: 'p50Micros', title: 'p50 µs', digits: 0 },
  { key: 'p99Micros', title: 'p99 µs', digits: 0 },
  { key: 'proxyPercent', title: 'proxy core %', digits: 0 },
  { key: 'loadPercent', title: 'load core %', digits: 0 },
]

export const smallRequests = {
  name: 'small-requests',
  title: 'small HTTP/1 requests on 50 kept connections',
  needs: ['wrk', 'nginx'],
  columns: REQUEST_COLUMNS,

  async run(stand) {
    await stand.startProxy(await stand.startHttpOrigin())
    return (await loadWithWrk(stand, [])).round
  },
}

/** Warms up, measures one interval under wrk, and makes a round of it. `wrk` errors make the round invalid. */
export async function loadWithWrk(stand, headers) {
  const load = { directory: stand.directory, port: stand.port, cores: stand.options.loadCores, headers }
  await runWrk({ ...load, seconds: WARM_UP_SECONDS })
  const interval = await measureInterval(stand, () => runWrk({ ...load, seconds: stand.options.seconds }))
  const { requests, seconds, p50Micros, p99Micros, errors } = interval.result
  const failures = Object.entries(errors).filter(([, count]) => count > 0)
  const round = {
    figures: {
      rate: requests / seconds,
      cpuMicros: interval.proxySeconds === undefined ? undefined : (interval.proxySeconds / requests) * 1e6,
      p50Micros,
      p99Micros,
      proxyPercent: interval.proxyShare === undefined ? undefined : interval.proxyShare * 100,
      loadPercent: interval.loadShare * 100,
    },
    errors: failures.map(([kind, count]) => `wrk: ${count} ${kind} errors`),
    warnings: interval.warnings,
    disturbed: interval.disturbed,
  }
  if (requests === 0) round.errors.push('wrk: no request was answered')
  return { interval, round }
}
