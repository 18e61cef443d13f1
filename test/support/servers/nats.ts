import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** A NATS server, without storage; with `tls` its clients begin TLS behind its greeting. */
export function startNats({ tls = false }: { readonly tls?: boolean } = {}): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await freePort()
    const more: string[] = []
    if (tls) {
      const folder = await temporaryFolder('nats')
      onStop(() => folder.remove())
      await selfSignedCertificate(folder.path, ['inner.example'])
      more.push('--tls', `--tlscert=${folder.path}/certificate.pem`, `--tlskey=${folder.path}/key.pem`)
    }
    const program = startProgram('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...more])
    onStop(() => program.stop())
    await program.prints(/Server is ready/)
    return { port }
  })
}
