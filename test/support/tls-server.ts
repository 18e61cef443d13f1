import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'
import { selfSignedCertificate } from './self-signed-certificate.js'
import { temporaryFolder } from './temporary-folder.js'

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

/** A certificate made for the test. */
export async function makeCertificate(...serverNames: readonly string[]): Promise<Certificate> {
  const folder = await temporaryFolder('certificate')
  await selfSignedCertificate(folder.path, serverNames)
  const [key, cert] = await Promise.all([
    readFile(join(folder.path, 'key.pem')),
    readFile(join(folder.path, 'certificate.pem')),
  ])
  await folder.remove()
  return { key, cert }
}

/** A TLS server that says its name, the server name that was asked for and the protocol agreed on, and ends; gives its port. */
export async function serveTls(name: string, certificate: Certificate, options: TlsOptions = {}): Promise<number> {
  const server = createServer({ ...certificate, ...options }, (socket) => {
    socket.on('error', () => {})
    socket.end(
      `${name} sni=${typeof socket.servername === 'string' ? socket.servername : ''} alpn=${socket.alpnProtocol || ''}`,
    )
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
