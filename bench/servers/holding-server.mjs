/**
 * Accepts connections and holds them. Whatever a client sends, it answers with one small HTTP response. Argument: PORT.
 * Any message over IPC is answered with the number of connections that are open.
 */
import { createServer } from 'node:net'

const RESPONSE = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n')

let open = 0
createServer((socket) => {
  open++
  socket
    .on('data', () => socket.write(RESPONSE))
    .on('error', () => {})
    .on('close', () => open--)
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })

process.on('message', () => process.send({ open }))
process.on('disconnect', () => process.exit())
