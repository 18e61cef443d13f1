/**
 * Connects, says nothing and waits for the first byte. Argument: PORT. A message `{ count, atOnce, timeoutMs }` over IPC
 * is answered with `{ greetedMs, closedMs, silent }`: times from the call of connect to the first byte, or to a close
 * without one; and how many neither greeted nor closed within `timeoutMs`.
 */
import { connect } from 'node:net'

const port = Number(process.argv[2])

process.on('message', (order) => void run(order).then((result) => process.send(result)))
process.on('disconnect', () => process.exit())

async function run({ count, atOnce, timeoutMs }) {
  const result = { greetedMs: [], closedMs: [], silent: 0 }
  let left = count
  const worker = async () => {
    while (left-- > 0) await greet(result, timeoutMs)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return result
}

function greet(result, timeoutMs) {
  return new Promise((resolve) => {
    const start = performance.now()
    const socket = connect(port, '127.0.0.1')
    let known = false
    const settle = (record) => {
      if (known) return
      known = true
      record()
      socket.destroy()
    }
    socket.setTimeout(timeoutMs, () => settle(() => result.silent++))
    socket.on('data', () => settle(() => result.greetedMs.push(performance.now() - start)))
    socket.on('end', () => settle(() => result.closedMs.push(performance.now() - start)))
    socket.on('error', () => settle(() => result.closedMs.push(performance.now() - start)))
    socket.on('close', () => resolve())
  })
}
