// One end of a bulk transfer, as a process of its own: sends a keystream in full and hashes what it hears.
//   node bulk-peer.mjs serve BYTES KEY          accepts one connection, prints {"port":...} first
//   node bulk-peer.mjs connect BYTES KEY PORT   connects
// The client ends its half when all is sent. The server keeps its last part until it has heard that end: a relay that closed both
// directions with one would lose it. Prints {"sent":SHA256,"received":SHA256,"receivedBytes":...} when both directions have ended.
import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Readable } from 'node:stream'

const CHUNK_BYTES = 256 * 1024
const [role, bytes, key, port] = process.argv.slice(2)

if (role === 'serve') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close()
    void exchange(socket, once(socket, 'end'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  console.log(JSON.stringify({ port: server.address().port }))
} else {
  await exchange(connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true }), Promise.resolve())
}

/** `mayEnd`: settles when the last chunk may be sent. */
async function exchange(socket, mayEnd) {
  const received = createHash('sha256')
  let receivedBytes = 0
  socket.on('data', (chunk) => {
    received.update(chunk)
    receivedBytes += chunk.length
  })
  const sent = createHash('sha256')
  Readable.from(keystream(Number(bytes), sent, mayEnd)).pipe(socket)
  await once(socket, 'close')
  console.log(JSON.stringify({ sent: sent.digest('hex'), received: received.digest('hex'), receivedBytes }))
}

/** AES-CTR of zeros: as good as random, the same for the same key, and never the same chunk twice. */
async function* keystream(length, hash, mayEnd) {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  for (let left = length; left > 0; left -= CHUNK_BYTES) {
    if (left <= CHUNK_BYTES) await mayEnd
    const chunk = cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)))
    hash.update(chunk)
    yield chunk
  }
}
