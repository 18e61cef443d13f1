import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ConnectionOptions, TlsOptions } from 'node:tls'
import { beforeAll, expect, test } from 'vitest'
import { SERVER_HELLO_PROOF_BYTES, sniffServerHello } from '../../src/protocols/server-hello.js'
import { clientHello } from '../support/client-hello.js'
import { type Certificate, makeCertificate, serveTls } from '../support/tls-server.js'

let certificate: Certificate
beforeAll(async () => {
  certificate = await makeCertificate('shop.example')
})

/** What node:tls answers to a client's hello. */
async function answer(server: TlsOptions, client: ConnectionOptions): Promise<Buffer> {
  const port = await serveTls('shop', certificate, server)
  const socket: Socket = connect(port, '127.0.0.1')
  socket.write(await clientHello(client))
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return bytes
}

test.each([
  ['a hello of TLS 1.3', {}, {}, SERVER_HELLO_PROOF_BYTES],
  ['a hello of TLS 1.2', { maxVersion: 'TLSv1.2' }, {}, SERVER_HELLO_PROOF_BYTES],
  ['an alert about the version', { minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, 7],
] satisfies [string, TlsOptions, ConnectionOptions, number][])(
  'recognises %s of node:tls',
  async (_, server, client, proof) => {
    const bytes = await answer(server, client)
    for (let length = 0; length <= bytes.length; length++) {
      const expected = length < proof ? 'need-more' : 'match'
      expect(sniffServerHello(bytes.subarray(0, length)), `${length} bytes`).toBe(expected)
    }
  },
)
