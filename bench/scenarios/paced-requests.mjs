import { measureInterval } from '../interval.mjs'
import { runBursts } from '../load/bursts.mjs'
import { runWrk } from '../load/wrk.mjs'
import { HTTP_ANSWER } from '../stand.mjs'
import { ENDPOINTS } from './routed-requests.mjs'
import { REQUEST_COLUMNS, WARM_UP_SECONDS } from './small-requests.mjs'

const CONNECTIONS = 20
const REQUESTS_PER_SECOND = 2_000
const SPACING_MICROS = 1e6 / REQUESTS_PER_SECOND

/** Of the client of our own, which Node has to compile too. */
const CLIENT_WARM_UP_SECONDS = 1

/** More than what the client itself waits for answers. */
const SPARE_MS = 20_000

export const pacedRequests = {
  name: 'paced-requests',
  title: `${REQUESTS_PER_SECOND} small HTTP/1 requests a second, evenly, on ${CONNECTIONS} connections, over ${ENDPOINTS} endpoints`,
  needs: ['wrk', 'nginx'],
  columns: [
    ...REQUEST_COLUMNS,
    { key: 'writtenP50Micros', title: 'p50 µs once written', digits: 0 },
    { key: 'lateP50Micros', title: 'sent late, p50 µs', digits: 0 },
  ],

  async run(stand) {
    await startWarm(stand)
    const client = stand.startLoad('load/paced-client.mjs')
    const bodyBytes = Buffer.byteLength(HTTP_ANSWER)
    const load = (seconds) =>
      client.ask({ connections: CONNECTIONS, rate: REQUESTS_PER_SECOND, seconds, bodyBytes }, seconds * 1000 + SPARE_MS)
    await load(CLIENT_WARM_UP_SECONDS)
    const interval = await measureInterval(stand, () => load(stand.options.seconds))
    const { writtenP50Micros, lateP50Micros, failures } = interval.result
    const round = roundOf(interval)
    Object.assign(round.figures, { writtenP50Micros, lateP50Micros })
    const failed = Object.entries(failures).filter(([, count]) => count > 0)
    round.errors.push(...failed.map(([kind, count]) => `paced-client: ${count} ${kind}`))
    if (lateP50Micros > SPACING_MICROS)
      round.warnings.push(`the client was ${Math.round(lateP50Micros)} µs late in the median: it did not send evenly`)
    return round
  },
}

export const burstRequests = {
  name: 'burst-requests',
  title: `${REQUESTS_PER_SECOND} small HTTP/1 requests a second in bursts of ${CONNECTIONS} each ${(CONNECTIONS * SPACING_MICROS) / 1000} ms, as h2load sends them, over ${ENDPOINTS} endpoints`,
  needs: ['h2load', 'wrk', 'nginx'],
  columns: REQUEST_COLUMNS,

  async run(stand) {
    await startWarm(stand)
    const { directory, port, options } = stand
    const load = { directory, port, connections: CONNECTIONS, rate: REQUESTS_PER_SECOND, cores: options.loadCores }
    const interval = await measureInterval(stand, () => runBursts({ ...load, seconds: options.seconds }))
    const round = roundOf(interval)
    if (interval.result.failed > 0) round.errors.push(`h2load: ${interval.result.failed} requests failed`)
    return round
  },
}

/** As many requests as the others had before they are measured: at this pace Node would still be compiling. */
async function startWarm(stand) {
  await stand.startProxy(...(await stand.startHttpOrigins(ENDPOINTS)))
  const { directory, port, options } = stand
  await runWrk({ directory, port, seconds: WARM_UP_SECONDS, cores: options.loadCores })
}

function roundOf({ result, proxySeconds, proxyShare, loadShare, warnings, disturbed }) {
  const { requests, seconds, p50Micros, p99Micros } = result
  return {
    figures: {
      rate: requests / seconds,
      cpuMicros: proxySeconds === undefined ? undefined : (proxySeconds / requests) * 1e6,
      p50Micros,
      p99Micros,
      proxyPercent: proxyShare === undefined ? undefined : proxyShare * 100,
      loadPercent: loadShare * 100,
    },
    errors: [],
    // It is not to be busy: that is the point.
    warnings: warnings.filter((text) => !text.includes('not the bottleneck')),
    disturbed,
  }
}
