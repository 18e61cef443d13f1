/** The proxy of ten lines that everyone writes first: a reference for what Sluice adds and saves. Arguments: PORT ORIGIN. */
import { connect, createServer } from 'node:net'

const [port, origin] = process.argv.slice(2).map(Number)

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ host: '127.0.0.1', port: origin, allowHalfOpen: true, noDelay: true })
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
  client.pipe(server).pipe(client)
}).listen(port, '127.0.0.1')
