import { selfSignedCertificate } from '../self-signed-certificate.js'
import { type ServerPlace, thisMachine } from '../server-place.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** A NATS server, without storage; with `tls` its clients begin TLS behind its greeting. */
export function startNats(
  place: ServerPlace = thisMachine,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await place.freePort()
    const more: string[] = []
    if (tls) {
      const folder = await temporaryFolder('nats')
      onStop(() => folder.remove())
      await selfSignedCertificate(folder.path, ['inner.example'])
      more.push('--tls', `--tlscert=${folder.path}/certificate.pem`, `--tlskey=${folder.path}/key.pem`)
    }
    const program = place.start('nats-server', ['-a', place.bind, '-p', String(port), ...more])
    onStop(() => program.stop())
    await program.prints(/Server is ready/)
    return { port }
  })
}
