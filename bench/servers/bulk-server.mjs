/**
 * Answers `GET /N` with N bytes of zeros, over HTTP/1. Argument: PORT. It writes one buffer again and again: at less cost
 * than a web server's sendfile, so that it is not what limits a download. The request is taken to come in one segment.
 */
import { createServer } from 'node:net'

/** Small enough for a second-level cache, large enough that a write fills the kernel's send buffer. */
const CHUNK = Buffer.alloc(2 ** 20)

createServer((socket) => {
  socket.on('error', () => {}).on('data', (request) => serve(socket, Number(/^GET \/(\d+) /.exec(request)?.[1] ?? 0)))
}).listen(Number(process.argv[2]), '127.0.0.1')

function serve(socket, bytes) {
  let left = bytes
  const pump = () => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
      left -= chunk.length
      if (!socket.write(chunk)) return
    }
    socket.off('drain', pump)
  }
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`)
  socket.on('drain', pump)
  pump()
}
