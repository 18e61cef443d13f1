import { loadWithWrk } from './small-requests.mjs'

/** A request that was not answered on a connection of its own shows as fewer accepts; some are under way at the end. */
const MIN_ACCEPTS = 0.98

export const newConnections = {
  name: 'new-connections',
  title: 'one small HTTP/1 request on each connection, 50 at a time',
  needs: ['wrk', 'nginx'],
  columns: [
    { key: 'rate', title: 'connections/s', digits: 0 },
    { key: 'cpuMicros', title: 'CPU µs/connection', digits: 1 },
    { key: 'p50Micros', title: 'p50 µs', digits: 0 },
    { key: 'p99Micros', title: 'p99 µs', digits: 0 },
    { key: 'proxyPercent', title: 'proxy core %', digits: 0 },
    { key: 'loadPercent', title: 'load core %', digits: 0 },
    { key: 'accepts', title: 'accepts/request', digits: 2 },
  ],

  async run(stand) {
    await stand.startProxy(await stand.startHttpOrigin())
    const { interval, round } = await loadWithWrk(stand, ['Connection: close'])
    const accepts = interval.accepted / interval.result.requests
    round.figures.accepts = accepts
    // A proxy that carries TCP makes a second connection of each; HAProxy in http mode may keep its own to the origin.
    const expected = stand.proxy === undefined || stand.target.name === 'haproxy-http' ? 1 : 2
    if (accepts < expected * MIN_ACCEPTS) {
      round.errors.push(`${accepts.toFixed(2)} connections were accepted a request, expected ${expected}`)
    }
    return round
  },
}
