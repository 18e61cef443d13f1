import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'

/** The first flight of a real TLS client: a record with its ClientHello. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      done()
      this.emit('hello', chunk)
    },
  })
  const heard = once(wire, 'hello') as Promise<[Buffer]>
  const client = connect({ socket: wire, ...options }).on('error', () => {})
  const [hello] = await heard
  client.destroy()
  return hello
}
