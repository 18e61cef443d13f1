/**
 * What looking at HTTP costs: conversations of real programs are recorded once, and shown to the observers of `http-metrics` again and
 * again, cut as they were. What is counted is held against what the programs say first. Prints microseconds of CPU an exchange, medians
 * of several rounds, beside the most that each may be; ends with 1 where one is more. `npm run bench:http-observers`.
 * Needs nginx, h2load and wrk.
 */
import 'reflect-metadata'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { credentials, makeGenericClientConstructor, Server, ServerCredentials } from '@grpc/grpc-js'
import { systemClock } from '../dist/core/clock.js'
import { MetricsRegistry } from '../dist/core/metrics.js'
import { ObserverSet } from '../dist/core/observer-set.js'
import { httpMetricsOptions } from '../dist/filters/http-metrics/http-metrics.js'
import { Http1Observer } from '../dist/http/http1-observer.js'
import { Http2Observer } from '../dist/http/http2-observer.js'
import { HttpRecorder } from '../dist/http/http-recorder.js'
import { RequestHub } from '../dist/http/request-hub.js'
import { startNginx } from './nginx.mjs'
import { findFreePort, untilListening } from './ports.mjs'
import { ProcessGroup } from './process-group.mjs'
import { median } from './statistics.mjs'

const run = promisify(execFile)
const EXCHANGES = 2000
const MAX_SEGMENTS = 1000
const ROUNDS = 9
/** A round measures for at least so long. */
const ROUND_MS = 250
const HTTP_1_GOAL_US = 0.8
const HTTP_2_GOAL_US = 1.5

/** A service of one method, whose messages are what they are. */
const asIs = (bytes) => bytes
const service = {
  place: {
    path: '/shop.Orders/Place',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-observers-'))
const programs = new ProcessGroup()
let failed = false
try {
  await main()
} finally {
  await programs.stop()
  rmSync(folder, { recursive: true })
}
process.exit(failed ? 1 : 0)

async function main() {
  const http1 = await findFreePort()
  const http2 = await findFreePort()
  writeFileSync(join(folder, 'index.html'), 'hello, world\n')
  startNginx(programs, {
    directory: folder,
    name: 'origin',
    cores: `0-${cpus().length - 1}`,
    connections: 64,
    http: `keepalive_requests 1000000; server { listen 127.0.0.1:${http1}; listen 127.0.0.1:${http2} http2; root ${folder}; }`,
  })
  await untilListening(http2, programs)
  console.log(
    `Node ${process.versions.node}, ${cpus()[0].model}\nmicroseconds of CPU an exchange, ${EXCHANGES} exchanges of one connection\n`,
  )
  const h2load =
    (...options) =>
    (port) =>
      run('h2load', ['-n', String(EXCHANGES), '-c', '1', ...options, `http://127.0.0.1:${port}/`]).then(succeeded)
  report('HTTP/1, h2load to nginx', HTTP_1_GOAL_US, Http1Observer, await record(http1, h2load('--h1')))
  report('HTTP/1, wrk to nginx', HTTP_1_GOAL_US, Http1Observer, await record(http1, wrk))
  report('HTTP/2, h2load to nginx, 1 stream', HTTP_2_GOAL_US, Http2Observer, await record(http2, h2load('-m', '1')))
  report('HTTP/2, h2load to nginx, 20 streams', HTTP_2_GOAL_US, Http2Observer, await record(http2, h2load('-m', '20')))
  const grpc = await grpcServer()
  report('gRPC, grpc-js, unary', undefined, Http2Observer, await record(grpc.port, unaryCalls))
  grpc.server.forceShutdown()
}

/** A conversation, as it came: what the sides said, in its order, and how many exchanges the program says it was. */
async function record(originPort, drive) {
  const segments = []
  const proxy = createServer((client) => {
    const origin = connect(originPort, '127.0.0.1')
    const cross = (side, from, to) => {
      from.on('data', (chunk) => {
        segments.push({ side, chunk: Uint8Array.from(chunk) })
        to.write(chunk)
      })
      from.on('end', () => to.end()).on('error', () => to.destroy())
    }
    cross('client', client, origin)
    cross('server', origin, client)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const exchanges = await drive(proxy.address().port)
  await new Promise((resolve) => proxy.close(resolve))
  return { segments, exchanges }
}

function succeeded({ stdout }) {
  return Number(/(\d+) succeeded/.exec(stdout)?.[1])
}

/** For a second, on one connection. */
async function wrk(port) {
  const { stdout } = await run('wrk', ['-t', '1', '-c', '1', '-d', '1s', `http://127.0.0.1:${port}/`])
  return Number(/(\d+) requests in/.exec(stdout)?.[1])
}

async function grpcServer() {
  const server = new Server()
  server.addService(service, { place: ({ request }, callback) => callback(null, request) })
  const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure())
  return { server, port }
}

async function unaryCalls(port) {
  const Orders = makeGenericClientConstructor(service, 'Orders')
  const client = new Orders(`127.0.0.1:${port}`, credentials.createInsecure())
  const message = Buffer.alloc(100, 'a')
  let answered = 0
  while (answered < EXCHANGES) {
    const some = Array.from({ length: 20 }, () => promisify(client.place.bind(client))(message))
    answered += (await Promise.all(some)).length
  }
  client.close()
  return answered
}

/** Observers as the filter makes them, without optional labels, and nobody who listens. */
function observing(Observer) {
  const metrics = new MetricsRegistry()
  const listener = { name: 'in', direction: 'inbound', port: 1 }
  const labels = { method: false, authority: false, routes: [], grpc: false, maxValues: 100 }
  const recorder = new HttpRecorder({ metrics, clock: systemClock, hub: new RequestHub(), listener }, labels)
  const connection = { destinationPort: 80, set() {} }
  const options = httpMetricsOptions.parse({})
  const play = (segments) => {
    const set = new ObserverSet((error) => {
      throw error
    })
    set.add(new Observer(recorder.connection(connection), options))
    for (const { side, chunk } of segments) set.onBytes(side, chunk)
    set.onEnd('client')
    set.onEnd('server')
    set.onClose({})
  }
  return { metrics, play }
}

function report(what, goalUs, Observer, { segments, exchanges }) {
  const { metrics, play } = observing(Observer)
  play(segments)
  const seen = metrics.read('response_total', { status_code: '200', error: '' })
  const unfollowed = metrics.read('sluice_http_observer_stopped_total') + metrics.read('sluice_http_requests_in_flight')
  // wrk leaves the one that is under way when its time is over uncounted.
  const isWhole = unfollowed === 0 && seen >= exchanges && seen <= exchanges + 1
  const few = someOf(segments, Observer)
  const rounds = Array.from({ length: ROUNDS + 1 }, () => measure(() => play(few.segments), few.exchanges)).slice(1)
  const us = median(rounds)
  const isMore = goalUs !== undefined && us > goalUs
  failed ||= isMore || !isWhole
  const goal = goalUs === undefined ? '' : `at most ${goalUs}${isMore ? ': MORE' : ''}`
  console.log(
    `${what.padEnd(38)} ${us.toFixed(2).padStart(6)}   ${goal.padEnd(18)} counted ${seen} of ${exchanges}${isWhole ? '' : ': WRONG'}`,
  )
}

/** Of a long conversation its beginning: what a proxy looks at has just been read, and is in the cache of its processor. */
function someOf(segments, Observer) {
  const some = segments.slice(0, MAX_SEGMENTS)
  const { metrics, play } = observing(Observer)
  play(some)
  return { segments: some, exchanges: metrics.read('response_total', { status_code: '200', error: '' }) }
}

function measure(play, exchanges) {
  const start = process.cpuUsage()
  const until = performance.now() + ROUND_MS
  let played = 0
  do {
    play()
    played++
  } while (performance.now() < until)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / (played * exchanges)
}
