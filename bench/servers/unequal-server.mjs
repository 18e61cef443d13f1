/**
 * Answers small requests on one port after the other, the last of which is as BEHAVIOUR says. Arguments: BEHAVIOUR PORT...; what each
 * port was asked is sent to the parent when it says anything: `[{ asked, connections }]`, and counted from zero again.
 */
import { createServer } from 'node:http'

const [behaviour, ...ports] = process.argv.slice(2)
const SLOW_MS = 100

const answers = {
  healthy: (_request, response) => response.end('ok'),
  slow: (_request, response) => setTimeout(() => response.end('ok'), SLOW_MS),
  resetting: (request) => request.socket.resetAndDestroy(),
  failing: (_request, response) => response.writeHead(503).end('no'),
  hanging: () => {},
}

const counts = ports.map(() => ({ asked: 0, connections: 0 }))
ports.forEach((port, index) => {
  const isLast = index === ports.length - 1
  if (isLast && behaviour === 'refusing') return
  const answer = isLast ? answers[behaviour] : answers.healthy
  const server = createServer((request, response) => {
    counts[index].asked++
    answer(request, response)
  })
  // Longer than a measurement: what is idle is the proxy's to close.
  server.keepAliveTimeout = 60_000
  server.on('connection', () => counts[index].connections++)
  server.listen(Number(port), '127.0.0.1')
})

process.on('message', () => {
  process.send(counts)
  for (const count of counts) count.asked = count.connections = 0
})
