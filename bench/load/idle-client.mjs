/**
 * Opens connections and keeps them. Argument: PORT. Messages over IPC, each answered once when it is done:
 * `{ open: n }` opens n more; `{ exchange: true }` sends one request on each and waits for all answers;
 * `{ close: true }` ends all and waits until they are closed. The answer is `{ open, failed }`.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

/** Connections being opened, or requests under way, at one time: less than any proxy's accept queue. */
const MAX_IN_FLIGHT = 64

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n')

const port = Number(process.argv[2])
const sockets = new Set()
let failed = 0

process.on('message', (order) => void obey(order).then(() => process.send({ open: sockets.size, failed })))
process.on('disconnect', () => process.exit())

async function obey(order) {
  if (order.open !== undefined) await forEach(Array.from({ length: order.open }), open)
  if (order.exchange) await forEach([...sockets], exchange)
  if (order.close) await forEach([...sockets], close)
}

async function forEach(items, work) {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item).catch(() => failed++)
  }
  await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, worker))
}

async function open() {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  sockets.add(socket)
  socket.on('error', () => {}).on('close', () => sockets.delete(socket))
}

async function exchange(socket) {
  const answered = once(socket, 'data')
  socket.write(REQUEST)
  await answered
}

async function close(socket) {
  const closed = once(socket, 'close')
  socket.resume().end()
  await closed
}
