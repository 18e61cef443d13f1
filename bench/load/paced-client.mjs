/**
 * Sends GETs at even times over kept connections in turn, whether answers are quick or not. Argument: PORT. A message
 * `{ connections, rate, seconds, bodyBytes }` over IPC is answered with `{ requests, seconds, p50Micros, p99Micros, writtenP50Micros,
 * lateP50Micros, failures }`. The next message finds the connections open.
 *
 * A latency ends with the complete answer. It begins when the request was due, so that it counts what a request waited for the answer
 * before it on its connection; `writtenP50Micros` begins when it was written. `lateP50Micros` is what of the first is our own: from due
 * until we were awake. `failures` counts requests by reason; they are in no latency.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

import { quantile } from '../statistics.mjs'
import { nowMicros } from './clock.mjs'

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n')

/** From the order to its first request: the pacer is to be awake. */
const LEAD_MICROS = 20_000

/** How long an answer may take after the last request was due. */
const ANSWER_TIMEOUT_MS = 5000

const port = Number(process.argv[2])
const pacer = new Worker(new URL('pacer.mjs', import.meta.url))
const connections = []

process.on('message', (order) => void run(order).then((result) => process.send(result)))
process.on('disconnect', () => process.exit())

async function run({ connections: count, rate, seconds, bodyBytes }) {
  while (connections.length < count) connections.push(await Connection.open())
  const schedule = { firstMicros: nowMicros() + LEAD_MICROS, everyMicros: 1e6 / rate, count: rate * seconds }
  const requests = await send(schedule)
  const failures = { unsent: schedule.count - requests.length, unanswered: 0, closed: 0, status: 0, length: 0 }
  const answered = []
  for (const request of requests) {
    const failure = failureOf(request, bodyBytes)
    if (failure === undefined) answered.push(request)
    else failures[failure]++
  }
  const micros = answered.map(({ due, end }) => end - due)
  const writtenMicros = answered.map(({ written, end }) => end - written)
  const lateMicros = requests.map(({ due, awake }) => awake - due)
  // No answer comes before its request is due; there may be none.
  const lastDueMicros = schedule.firstMicros + (schedule.count - 1) * schedule.everyMicros
  const lastMicros = answered.reduce((last, { end }) => Math.max(last, end), lastDueMicros)
  return {
    requests: answered.length,
    seconds: (lastMicros - schedule.firstMicros) / 1e6,
    p50Micros: quantile(micros, 0.5),
    p99Micros: quantile(micros, 0.99),
    writtenP50Micros: quantile(writtenMicros, 0.5),
    lateP50Micros: quantile(lateMicros, 0.5),
    failures,
  }
}

/** Gives each request to its connection when it is due, and returns all when they are answered, or when the time for that is over. */
function send({ firstMicros, everyMicros, count }) {
  const requests = []
  return new Promise((resolve) => {
    let settled = 0
    const finish = () => {
      clearTimeout(timer)
      pacer.off('message', sendDue)
      resolve(requests)
    }
    const settle = () => {
      if (++settled === count) finish()
    }
    const timer = setTimeout(finish, (LEAD_MICROS + everyMicros * count) / 1000 + ANSWER_TIMEOUT_MS)
    // More than one where we were late.
    const sendDue = () => {
      for (;;) {
        const [due, awake] = [firstMicros + requests.length * everyMicros, nowMicros()]
        if (requests.length === count || due > awake) return
        const request = { due, awake, written: undefined, end: undefined, answer: undefined, settle }
        requests.push(request)
        connections[requests.length % connections.length].ask(request)
      }
    }
    pacer.on('message', sendDue)
    pacer.postMessage({ firstMicros, everyMicros, count })
  })
}

/** Why a request does not count; undefined where its answer is complete and as it should be. */
function failureOf({ end, answer }, bodyBytes) {
  if (end === undefined) return 'unanswered'
  if (answer === undefined) return 'closed'
  if (answer.status !== 200) return 'status'
  return answer.bodyBytes === bodyBytes ? undefined : 'length'
}

/** One connection with one request under way at a time. Those that come meanwhile wait, as in a client with a pool of this size. */
class Connection {
  #socket
  #current
  #waiting = []
  #received = ''
  /** The answer that comes in, once its head is complete: `{ status, bodyBytes, bytes }`. */
  #answer

  static async open() {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  constructor(socket) {
    this.#socket = socket
    socket.setEncoding('latin1').on('data', (text) => this.#read(text))
    socket.on('error', () => {}).on('close', () => this.#failAll())
  }

  /** Calls `request.settle` once `end` is known. Without an `answer` the connection was closed. */
  ask(request) {
    if (this.#current !== undefined) this.#waiting.push(request)
    else if (this.#socket.destroyed) settle(request, undefined)
    else this.#write(request)
  }

  #write(request) {
    this.#current = request
    request.written = nowMicros()
    this.#socket.write(REQUEST)
  }

  #read(text) {
    this.#received += text
    this.#answer ??= parseHead(this.#received)
    if (this.#answer === undefined || this.#received.length < this.#answer.bytes) return
    const [request, answer] = [this.#current, this.#answer]
    // More than was asked for, or of a length that is not said: nobody knows where the next answer begins.
    const isWhole = request !== undefined && this.#received.length === answer.bytes
    this.#received = ''
    this.#answer = this.#current = undefined
    if (request !== undefined) settle(request, isWhole ? answer : { ...answer, bodyBytes: undefined })
    if (!isWhole) this.#socket.destroy()
    else if (this.#waiting.length > 0) this.#write(this.#waiting.shift())
  }

  #failAll() {
    const requests = [this.#current, ...this.#waiting].filter((request) => request !== undefined)
    this.#current = undefined
    this.#waiting = []
    for (const request of requests) settle(request, undefined)
  }
}

/** Undefined as long as the head is not complete. */
function parseHead(text) {
  const headBytes = text.indexOf('\r\n\r\n') + 4
  if (headBytes < 4) return undefined
  const head = text.slice(0, headBytes)
  const bodyBytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1])
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), bodyBytes, bytes: headBytes + bodyBytes }
}

function settle(request, answer) {
  request.end = nowMicros()
  request.answer = answer
  request.settle()
}
