/** Greets at once, as MySQL does, and then says nothing more. Argument: PORT. */
import { createServer } from 'node:net'

const greeting = mysqlGreeting('8.0.35')

createServer((socket) => {
  socket.on('error', () => {}).resume()
  socket.write(greeting)
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })

/**
 * MySQL's initial handshake packet, protocol version 10 (MySQL internals, "Protocol::HandshakeV10"), behind the packet
 * header: length(3, little-endian, of what follows the header) sequence(1).
 */
function mysqlGreeting(version) {
  const payload = Buffer.concat([
    Buffer.from([10]),
    Buffer.from(`${version}\0`),
    Buffer.from([1, 0, 0, 0]), // thread id
    Buffer.from('abcdefgh\0'), // first 8 bytes of the scramble, filler
    Buffer.from([0xff, 0xff, 0xff, 0x02, 0x00, 0xff, 0xdf, 21]), // capabilities, charset, status, capabilities, scramble
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0'), // the rest of the scramble
    Buffer.from('caching_sha2_password\0'),
  ])
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload])
}
