import { measureInterval } from '../interval.mjs'
import { runPaced } from '../load/paced.mjs'
import { runWrk } from '../load/wrk.mjs'
import { loadWithWrk, REQUEST_COLUMNS, WARM_UP_SECONDS } from './small-requests.mjs'

/** Endpoints that the proxy chooses from, for each request anew. */
const ENDPOINTS = 3
const CONNECTIONS = 20
const REQUESTS_PER_SECOND = 2_000

export const routedRequests = {
  name: 'routed-requests',
  title: `small HTTP/1 requests on 50 kept connections, each balanced over ${ENDPOINTS} endpoints`,
  needs: ['wrk', 'nginx'],
  columns: REQUEST_COLUMNS,

  async run(stand) {
    await stand.startProxy(...(await stand.startHttpOrigins(ENDPOINTS)))
    return (await loadWithWrk(stand, [])).round
  },
}

export const pacedRequests = {
  name: 'paced-requests',
  title: `${REQUESTS_PER_SECOND} small HTTP/1 requests a second on ${CONNECTIONS} connections, over ${ENDPOINTS} endpoints`,
  needs: ['h2load', 'wrk', 'nginx'],
  columns: REQUEST_COLUMNS,

  async run(stand) {
    await stand.startProxy(...(await stand.startHttpOrigins(ENDPOINTS)))
    const { directory, port, options } = stand
    const load = { directory, port, connections: CONNECTIONS, rate: REQUESTS_PER_SECOND, cores: options.loadCores }
    // As many requests as the others had before they are measured: at this pace Node would still be compiling.
    await runWrk({ directory, port, seconds: WARM_UP_SECONDS, cores: options.loadCores })
    const interval = await measureInterval(stand, () => runPaced({ ...load, seconds: options.seconds }))
    const { requests, seconds, p50Micros, p99Micros, failed } = interval.result
    return {
      figures: {
        rate: requests / seconds,
        cpuMicros: interval.proxySeconds === undefined ? undefined : (interval.proxySeconds / requests) * 1e6,
        p50Micros,
        p99Micros,
        proxyPercent: interval.proxyShare === undefined ? undefined : interval.proxyShare * 100,
        loadPercent: interval.loadShare * 100,
      },
      errors: failed === 0 ? [] : [`h2load: ${failed} requests failed`],
      // It is not to be busy: that is the point.
      warnings: interval.warnings.filter((text) => !text.includes('not the bottleneck')),
      disturbed: interval.disturbed,
    }
  },
}
