import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Log } from '../../src/core/log.js'
import { openSockets } from '../support/open-sockets.js'
import { heapBytesAfterCollection } from '../support/collect-garbage.js'
import { resetSocket } from '../support/reset-socket.js'
import { startSluice, turns } from '../support/start-sluice.js'
import { seededRandom } from '../support/seeded-random.js'
import { startUnansweringServer } from '../support/unanswering-server.js'
import { until } from '../support/until.js'

const CONNECTIONS = 2_000
/** Open at a time: enough that they meet in every state, few enough that no queue of the kernel overflows. */
const AT_ONCE = 100
/**
 * What may be left of the heap: a kilobyte for each connection would be twice as much. Caches, series of metrics and compiled code
 * are there since the round before the measurement.
 */
const HEAP_MARGIN_BYTES = 1_000_000

const SEED = 20_261_123

/** What a side does with its life, and when. */
const ENDINGS = ['end', 'reset', 'close', 'end-then-reset', 'talk-then-end', 'talk-then-reset', 'listen'] as const
type Ending = (typeof ENDINGS)[number]

const TALKS = [
  '',
  'GET / HTTP/1.1\r\nhost: x\r\n\r\n',
  '\u0016\u0003\u0001',
  'EHLO x\r\n',
  '\u0000\u0001\u0002 garbage',
  '220 x ESMTP\r\n',
  'INFO {"version":"2"}\r\n',
  'x'.repeat(300_000),
]

type Random = () => number

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!
}

/** Lives one side's life. Every socket is closed in the end, by itself or by the other side. */
function live(socket: Socket, ending: Ending, random: Random): void {
  const talk = Buffer.from(pick(TALKS, random), 'latin1')
  socket.on('error', () => {})
  // Whoever only listens, ends when the other side does.
  socket.on('end', () => socket.end())
  if (random() < 0.2) pauseForAWhile(socket, Math.floor(random() * 20))
  else socket.resume()
  const later = Math.floor(random() * 10)
  switch (ending) {
    case 'end':
      return void socket.end()
    case 'reset':
      return resetSocket(socket)
    case 'close':
      return afterTurns(later, () => socket.destroy())
    case 'end-then-reset':
      socket.end(talk)
      return afterTurns(later, () => resetSocket(socket))
    case 'talk-then-end':
      socket.write(talk)
      return afterTurns(later, () => socket.end())
    case 'talk-then-reset':
      socket.write(talk)
      return afterTurns(later, () => resetSocket(socket))
    case 'listen':
      socket.write(talk)
  }
}

function pauseForAWhile(socket: Socket, count: number): void {
  socket.pause()
  afterTurns(count, () => socket.resume())
}

function afterTurns(count: number, callback: () => void): void {
  void turns(count).then(callback)
}

async function startServer(random: Random): Promise<{ server: Server; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    live(socket, pick(ENDINGS, random), random)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port, sockets }
}

/** Opens this many connections and waits until all clients are closed. */
async function churn(ports: readonly number[], count: number, random: Random): Promise<void> {
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = connect({ port: pick(ports, random), host: '127.0.0.1', allowHalfOpen: true })
      const isClosed = new Promise((resolve) => socket.once('close', resolve))
      const ending = pick(ENDINGS, random)
      const isImpatient = random() < 0.1
      if (isImpatient) afterTurns(1, () => socket.destroy())
      else socket.once('connect', () => live(socket, ending, random))
      socket.on('error', () => {})
      // Two who only listen would do so for ever.
      afterTurns(200, () => resetSocket(socket))
      await isClosed
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

const errors: unknown[] = []
const noError = (...what: unknown[]): void => void errors.push(what)
const log: Log = { debug() {}, info() {}, warn: noError, error: noError }

describe(`${CONNECTIONS} connections, opened and killed at random on both sides`, () => {
  test('leave nothing: no socket, no connection, no gauge, no memory, no error', async () => {
    const random = seededRandom(SEED)
    const server = await startServer(random)
    const destination = `127.0.0.1:${server.port}`
    const gone = await startServer(random)
    await new Promise((resolve) => gone.server.close(resolve))
    const sluice = await startSluice(
      {
        closedTraces: 16,
        listeners: [
          { name: 'one-way-out', address: '127.0.0.1:0', destination },
          {
            name: 'with-a-choice',
            address: '127.0.0.1:0',
            destination,
            filters: [{ detect: { onUnknown: 'deny' } }, 'tls-passthrough', 'http-metrics', 'tcp-forward'],
          },
          { name: 'refused', address: '127.0.0.1:0', destination: `127.0.0.1:${gone.port}` },
          {
            name: 'unanswered',
            address: '127.0.0.1:0',
            destination: `127.0.0.1:${await startUnansweringServer()}`,
            timeouts: { connect: '200ms' },
          },
          { name: 'echo', address: '127.0.0.1:0', filters: ['echo'] },
        ],
      },
      { log },
    )
    const ports = ['one-way-out', 'one-way-out', 'with-a-choice', 'with-a-choice', 'refused', 'unanswered', 'echo'].map(
      (name) => sluice.address(name).port,
    )
    const reasons = new Map<string, number>()
    sluice.on('closed', ({ reason, closedBy }) => {
      const key = `${reason} by ${closedBy}`
      reasons.set(key, (reasons.get(key) ?? 0) + 1)
    })
    const settled = () => until(() => sluice.connections().length === 0 && server.sockets.size === 0)

    // Half a megabyte is code that is compiled and feedback that is collected on the way.
    await churn(ports, CONNECTIONS / 2, random)
    await settled()
    const [socketsBefore, heapBefore] = [openSockets(), heapBytesAfterCollection()]

    await churn(ports, CONNECTIONS, random)
    await settled()

    // The kernel's count lags behind what the proxy says of itself.
    await until(() => openSockets() <= socketsBefore)
    const gauges = (await sluice.renderMetrics()).split('\n').filter((line) => line.startsWith('tcp_open_connections{'))
    expect(gauges.length).toBeGreaterThan(0)
    expect(gauges.filter((line) => !line.endsWith(' 0'))).toEqual([])
    expect(sluice.metric('tcp_close_total', { peer: 'src' })).toBe(sluice.metric('tcp_open_total', { peer: 'src' }))
    expect(sluice.metric('tcp_close_total', { peer: 'dst' })).toBe(sluice.metric('tcp_open_total', { peer: 'dst' }))
    expect(errors).toEqual([])
    expect(sluice.metric('sluice_filter_errors_total')).toBe(0)
    expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
    // It was a churn: connections ended in every way that there is.
    expect([...reasons.keys()].sort()).toEqual(
      expect.arrayContaining([
        'connect-failed by proxy',
        'denied by proxy',
        'end by client',
        'end by server',
        'reset by client',
        'reset by server',
      ]),
    )
    expect(heapBytesAfterCollection() - heapBefore).toBeLessThan(HEAP_MARGIN_BYTES)
  }, 30_000)
})
