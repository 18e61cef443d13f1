import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { type ServerPlace, thisMachine } from '../server-place.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Exim, an SMTP server: accepts every message and throws it away. With `tls` it offers STARTTLS. */
export function startExim(
  place: ServerPlace = thisMachine,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('exim')
    onStop(() => folder.remove())
    const port = await place.freePort()
    const config = join(folder.path, 'exim.conf')
    if (tls) await selfSignedCertificate(folder.path, ['inner.example'])
    await writeFile(config, configuration(folder.path, place.bind, port, tls))
    // Started by root, Exim goes on as its own user, who must be able to write its spool here.
    if (process.getuid?.() === 0) await chmod(folder.path, 0o777)
    if (tls) await chmod(join(folder.path, 'key.pem'), 0o644)
    const program = place.start('exim4', ['-C', config, '-bdf'])
    onStop(() => program.stop())
    await place.accepts(port)
    return { port }
  })
}

function configuration(folder: string, host: string, port: number, tls: boolean): string {
  const offer = `tls_advertise_hosts = *
tls_certificate = ${folder}/certificate.pem
tls_privatekey = ${folder}/key.pem`
  return `
primary_hostname = mail.example.com
local_interfaces = <; ${host}
daemon_smtp_ports = ${port}
${tls ? offer : 'tls_advertise_hosts ='}
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/pid
host_lookup =
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin acl
accept:
  accept

begin routers
nowhere:
  driver = redirect
  data = :blackhole:
`
}
