import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { measureInterval } from '../interval.mjs'
import { runH2load } from '../load/h2load.mjs'

const WARM_UP_REQUESTS = 20_000
const REQUESTS = 100_000
/** "Length-Prefixed-Message" of gRPC: not compressed, 13 bytes. */
const GRPC_MESSAGE = Buffer.from('\0\0\0\0\x0dhello, world\n', 'latin1')

const COLUMNS = [
  { key: 'rate', title: 'requests/s', digits: 0 },
  { key: 'cpuMicros', title: 'CPU µs/request', digits: 2 },
  { key: 'proxyPercent', title: 'proxy core %', digits: 0 },
  { key: 'loadPercent', title: 'load core %', digits: 0 },
]

export const http2Requests = {
  name: 'http2-requests',
  title: 'small HTTP/2 requests, 8 connections with 20 streams each',
  needs: ['h2load', 'nghttpd'],
  columns: COLUMNS,
  run: (stand) => loadWithH2load(stand, 'hello, world\n', [], () => ({})),
}

export const grpcUnary = {
  name: 'grpc-unary',
  title: 'unary gRPC calls, 8 connections with 20 streams each',
  needs: ['h2load', 'nghttpd'],
  columns: COLUMNS,
  run: (stand) =>
    loadWithH2load(stand, GRPC_MESSAGE, ['--trailer', 'grpc-status: 0'], (body) => ({
      headers: ['content-type: application/grpc', 'te: trailers'],
      body,
    })),
}

/** nghttpd serves one small file; what the load tool counted has to be what the proxy says that it carried. */
async function loadWithH2load(stand, content, serverOptions, requestOf) {
  const file = join(stand.directory, 'answer')
  writeFileSync(file, content)
  await stand.startProxy(await stand.startHttp2Origin(serverOptions))
  const cores = stand.options.loadCores
  const load = (requests) => runH2load({ port: stand.port, path: '/answer', requests, cores, ...requestOf(file) })
  await load(WARM_UP_REQUESTS)
  const interval = await measureInterval(stand, () => load(REQUESTS))
  const { seconds, succeeded, errors } = interval.result
  const counted = await stand.countedResponses()
  const failures = Object.entries(errors).filter(([, count]) => count > 0)
  const missed = counted === undefined ? 0 : WARM_UP_REQUESTS + REQUESTS - counted
  return {
    figures: {
      rate: REQUESTS / seconds,
      cpuMicros: interval.proxySeconds === undefined ? undefined : (interval.proxySeconds / REQUESTS) * 1e6,
      proxyPercent: interval.proxyShare === undefined ? undefined : interval.proxyShare * 100,
      loadPercent: interval.loadShare * 100,
    },
    errors: [
      ...failures.map(([kind, count]) => `h2load: ${count} requests ${kind}`),
      ...(succeeded === REQUESTS ? [] : [`h2load: ${succeeded} of ${REQUESTS} succeeded`]),
      ...(missed === 0 ? [] : [`the proxy counted ${missed} responses fewer than h2load got`]),
    ],
    warnings: interval.warnings,
    disturbed: interval.disturbed,
  }
}
