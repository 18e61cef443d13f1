/**
 * Answers small requests on one port after the other. Arguments: PORT.... A message of the parent says what the last one does from then
 * on, and is answered with what each port was asked since the one before: `[{ asked, connections }]`.
 */
import { createServer } from 'node:http'

const ports = process.argv.slice(2)
const SLOW_MS = 100

const answers = {
  healthy: (_request, response) => response.end('ok'),
  slow: (_request, response) => setTimeout(() => response.end('ok'), SLOW_MS),
  resetting: (request) => request.socket.resetAndDestroy(),
  failing: (_request, response) => response.writeHead(503).end('no'),
  hanging: () => {},
}

let behaviour = 'healthy'
const counts = ports.map(() => ({ asked: 0, connections: 0 }))
const servers = ports.map((port, index) => {
  const isLast = index === ports.length - 1
  const server = createServer((request, response) => {
    counts[index].asked++
    answers[isLast ? behaviour : 'healthy'](request, response)
  })
  // Longer than a measurement: what is idle is the proxy's to close.
  server.keepAliveTimeout = 60_000
  server.on('connection', () => counts[index].connections++)
  return server.listen(Number(port), '127.0.0.1')
})

process.on('message', (next) => {
  process.send(counts)
  for (const count of counts) count.asked = count.connections = 0
  behaviour = next
  if (behaviour !== 'refusing') return
  servers.at(-1).close()
  servers.at(-1).closeAllConnections()
})
